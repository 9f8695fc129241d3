"""The statuses of one server: one per model, one for the server (model ""), each with kstatus-style conditions.

Pure; made by a lane after each plan and written to the store when `same_statuses` says that they changed. `since` is
kept from the previous status while a condition's status and reason stay the same, so that it answers "since when".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.record.facts import Subject, subjects, whole_server
from reconciler.record.health import health_of, server_status, sync_of
from reconciler.state.check import CheckVerdict
from reconciler.state.desired import Commit, DesiredServer
from reconciler.state.look import LabelKind
from reconciler.state.observed import Observed
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync
from reconciler.state.plan import Hold, HoldReason, ServerPlan

Said = tuple[ConditionType, ConditionStatus, str, str]
"""A condition before its `since` is known: type, status, reason, message."""

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_ARTIFACT = frozenset(
    {HoldReason.ARTIFACT_MISSING, HoldReason.ARTIFACT_INCOMPLETE, HoldReason.STORAGE_UNSEEN}
    | {HoldReason.BASE_PATH_NEEDS_COPY, HoldReason.ARTIFACT_UNREADABLE, HoldReason.FINGERPRINT_MISMATCH}
)
_SPECIAL = {
    HoldReason.QUARANTINED: ConditionType.QUARANTINED,
    HoldReason.UNSETTLED: ConditionType.UNSETTLED,
    HoldReason.WEDGED: ConditionType.WEDGED,
    HoldReason.VERSION_WEDGED: ConditionType.WEDGED,
    HoldReason.DRIFT_FIGHT: ConditionType.DRIFTED,
    HoldReason.DRIFT_REPORTED: ConditionType.DRIFTED,
    HoldReason.SUSPENDED: ConditionType.SUSPENDED,
}
_NOT_SEEN = frozenset({HoldReason.UNREACHABLE, HoldReason.NOT_SEEN})


def statuses(
    commit: Commit, server: DesiredServer, plan: ServerPlan, observed: Observed, previous: Sequence[Status]
) -> tuple[Status, ...]:
    """What to tell about a server: its own status first, then its models' ascending by name.

    Args:
        commit: the commit in force.
        server: what that commit wants of the server.
        plan: made from `observed`.
        observed: the server as believed.
        previous: the statuses told before, from which each unchanged condition keeps its `since`.
    """
    before = {status.model: status for status in previous}
    models = tuple(
        Status(
            server.id,
            subject.name,
            sync_of(subject, observed),
            health_of(subject, observed),
            _dated(_model_says(subject, observed), before.get(subject.name), observed.at),
            commit.id,
            observed.at,
        )
        for subject in subjects(server, plan)
    )
    own = _dated(_server_says(plan, observed), before.get(""), observed.at)
    whole = server_status(server.id, models, own, observed.at)
    return (_in_commit(whole, commit), *models)


def halted(
    commit: Commit, server: DesiredServer, trouble: tuple[str, str], at: float, previous: Sequence[Status]
) -> tuple[Status, ...]:
    """The statuses of a server whose lane had to stop: what was known of its models stays, the server is in trouble.

    Args:
        commit: the commit in force.
        server: what that commit wants of the server.
        trouble: a CamelCase reason and the sentences for a person.
        at: now, in seconds.
        previous: the statuses told before.
    """
    before = {status.model: status for status in previous}
    reason, text = trouble
    said = ((ConditionType.READY, _FALSE, reason, text), (ConditionType.STALLED, _TRUE, reason, text))
    models = tuple(status for status in previous if status.model)
    own = _dated(said, before.get(""), at)
    # What the models were told before is of another time, perhaps of another commit: it says nothing of this one.
    whole = replace(server_status(server.id, models, own, at), sync=Sync.UNKNOWN, health=Health.DEGRADED)
    return (_in_commit(whole, commit), *models)


def same_statuses(one: Sequence[Status], other: Sequence[Status]) -> bool:
    """Whether nothing worth writing differs: everything but the time of looking."""
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Status, other: Status) -> bool:
    return (one.server, one.model, one.sync, one.health, one.commit, one.conditions) == (
        other.server,
        other.model,
        other.sync,
        other.health,
        other.commit,
        other.conditions,
    )


def _in_commit(status: Status, commit: Commit) -> Status:
    if status.commit == commit.id:
        return status
    return Status(status.server, status.model, status.sync, status.health, status.conditions, commit.id, status.at)


def _dated(said: Sequence[Said], before: Status | None, at: float) -> tuple[Condition, ...]:
    known: Mapping[ConditionType, Condition] = (
        {condition.type: condition for condition in before.conditions} if before is not None else {}
    )
    return tuple(_since(each, known.get(each[0]), at) for each in said)


def _since(said: Said, before: Condition | None, at: float) -> Condition:
    kind, status, reason, message = said
    if before is None or (before.status, before.reason) != (status, reason):
        return Condition(kind, status, reason, message, at)
    return before if before.message == message else Condition(kind, status, reason, message, before.since)


def _server_says(plan: ServerPlan, observed: Observed) -> tuple[Said, ...]:
    """Conditions that concern the server as a whole; READY only where a hold on all of it denies it."""
    holds = whole_server(plan)
    said = [*_ready_under(holds)] if holds else []
    if not observed.reach.answers and not holds:
        said.append((ConditionType.READY, _UNKNOWN, observed.reach.kind.value, observed.reach.detail))
    return (*said, *_special(holds), *_drift(observed))


def _model_says(subject: Subject, observed: Observed) -> tuple[Said, ...]:
    if not (subject.differences or subject.holds or subject.actions):
        return (_synced(observed), *_labels(subject, observed), *_checks(subject, observed))
    return (
        *_ready_under(subject.holds, _doing(subject)),
        *_artifact(subject.holds),
        *_labels(subject, observed),
        *_checks(subject, observed),
        *_special(subject.holds),
    )


def _synced(observed: Observed) -> Said:
    if observed.reach.answers:
        return (ConditionType.READY, _TRUE, "Synced", "what git says is what is served")
    return (ConditionType.READY, _UNKNOWN, observed.reach.kind.value, observed.reach.detail)


def _ready_under(holds: Sequence[Hold], doing: str = "") -> tuple[Said, ...]:
    """READY, with STALLED or RECONCILING beside it: the first blocking hold speaks before one that passes by itself."""
    blocking = [hold for hold in holds if not hold.progressing]
    if blocking:
        first = blocking[0]
        status = _UNKNOWN if first.reason in _NOT_SEEN else _FALSE
        text = f"{first.detail}; released by {first.released_by}"
        if first.reason in (HoldReason.SUSPENDED, HoldReason.FROZEN):  # somebody wants it so: nothing is stuck
            return ((ConditionType.READY, status, first.reason.value, text),)
        stalled: Said = (ConditionType.STALLED, _TRUE, first.reason.value, text)
        moving: tuple[Said, ...] = ((ConditionType.RECONCILING, _TRUE, "Reconciling", doing),) if doing else ()
        return ((ConditionType.READY, status, first.reason.value, text), *moving, stalled)
    reason, text = (holds[0].reason.value, holds[0].detail) if holds else ("Reconciling", doing or "changes are due")
    return ((ConditionType.READY, _FALSE, reason, text), (ConditionType.RECONCILING, _TRUE, reason, doing or text))


def _doing(subject: Subject) -> str:
    """The next action of the model in words, "" where none is planned."""
    if not subject.actions:
        return ""
    first = subject.actions[0]
    what = f"{first.kind.value} {first.label or first.version or ''}".strip()
    more = f", then {len(subject.actions) - 1} more" if len(subject.actions) > 1 else ""
    return f"{what}{more}"


def _artifact(holds: Sequence[Hold]) -> tuple[Said, ...]:
    first = next((hold for hold in holds if hold.reason in _ARTIFACT), None)
    if first is None:
        return ()
    status = _UNKNOWN if first.reason is HoldReason.STORAGE_UNSEEN else _FALSE
    return ((ConditionType.ARTIFACT_AVAILABLE, status, first.reason.value, first.detail),)


def _labels(subject: Subject, observed: Observed) -> tuple[Said, ...]:
    """Whether every label that git sets is read back as set; absent where the model has none."""
    if subject.wanted is None or not subject.wanted.labels:
        return ()
    model = observed.model(subject.name)
    readings = [(label, version, model.reading(label)) for label, version in subject.wanted.labels]
    wrong = [each for each in readings if not each[2].resolves_to(each[1])]
    if not wrong:
        return ((ConditionType.LABELS_APPLIED, _TRUE, "ReadBack", "every label was read back as git sets it"),)
    text = ", ".join(
        f"{label} → {version} (reads {reading.version or reading.kind.value})" for label, version, reading in wrong
    )
    unseen = all(reading.kind is LabelKind.UNSEEN for _, _, reading in wrong)
    return ((ConditionType.LABELS_APPLIED, _UNKNOWN if unseen else _FALSE, "NotYet", text),)


_CHECKING = {HoldReason.CHECK_FAILED: _FALSE, HoldReason.CHECKING: _UNKNOWN}


def _checks(subject: Subject, observed: Observed) -> tuple[Said, ...]:
    """How the checks stand of the versions that labels shall go to; absent where the model has none, or none was run.

    What failed speaks before what is still being asked; otherwise every check with what it showed last.
    """
    if subject.wanted is None or not subject.wanted.checks:
        return ()
    for reason, status in _CHECKING.items():
        hold = next((hold for hold in subject.holds if hold.reason is reason), None)
        if hold is not None:
            return ((ConditionType.CHECKS_PASSED, status, reason.value, hold.detail),)
    versions = {version for _, version in subject.wanted.labels}
    digests = {check.digest for check in subject.wanted.checks}
    known = [each for each in observed.checks if each.due.model == subject.name and each.due.digest in digests]
    passed = [each for each in known if each.due.version in versions and each.verdict is CheckVerdict.PASSED]
    if not passed:
        return ()
    text = "; ".join(f"{each.due.check} of {each.due.version}: {each.evidence}" for each in passed)
    return ((ConditionType.CHECKS_PASSED, _TRUE, "Passed", text),)


def _special(holds: Sequence[Hold]) -> tuple[Said, ...]:
    said: dict[ConditionType, Said] = {}
    for hold in holds:
        kind = _SPECIAL.get(hold.reason)
        if kind is not None:
            said.setdefault(kind, (kind, _TRUE, hold.reason.value, f"{hold.detail}; released by {hold.released_by}"))
    return tuple(said.values())


def _drift(observed: Observed) -> tuple[Said, ...]:
    """A doubt that stands: what is seen does not fit what was sent; often a second writer."""
    if not observed.doubts:
        return ()
    text = "; ".join(f"{doubt.model} {doubt.version or ''}: {doubt.reason}" for doubt in observed.doubts)
    return ((ConditionType.DRIFTED, _TRUE, "NotAsSent", text),)
