"""PURE: what every reload must satisfy, whoever planned it. Written once; used by execution, simulation and tests.

`check_pass` judges one pass against the very observation it was made from; `execute/` asks it before every reload,
and a violation means that nothing is sent. Each rule is one function, numbered as in docs/planning.md, which names
the edges of TensorFlow Serving (E1–E40) behind it. How passes are made is not here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from reconciler.state import footprint
from reconciler.state.check import CheckDue, CheckKind, CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel, DesiredServer, TransitionPolicy
from reconciler.state.look import LabelKind, Presence, VersionState
from reconciler.state.observed import Observed, ObservedModel
from reconciler.state.plan import ActionKind, Pass, PassKind
from reconciler.state.versions import All, Latest, Specific

BATCH = 8
"""How many new names, every file of which was seen, may share one reload: the lock is held for the slowest."""

RETRY_MARGIN = 0.2
"""Seconds beyond one poll that a failed version stays off the list before it is listed again (rule E13)."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant that a pass breaks: its number, the model ("" for the whole config), and what is wrong."""

    rule: int
    model: str
    message: str

    def __str__(self) -> str:
        where = f"{self.model}: " if self.model else ""
        return f"invariant {self.rule}: {where}{self.message}"


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at."""

    server: DesiredServer
    observed: Observed
    body: Pass
    prunes_all: bool

    @property
    def changed(self) -> Iterator[tuple[ModelConfig, ModelConfig, ObservedModel]]:
        """(before, after, as seen) of every model that the config in force and the pass both name."""
        for after in self.body.config.models:
            before = self.observed.sent.model(after.name)
            if before is not None:
                yield before, after, self.observed.model(after.name)

    def acts(self, kind: ActionKind) -> frozenset[str]:
        """The models on which the pass acts in that way."""
        return frozenset(action.model for action in self.body.actions if action.kind is kind)

    def gap(self, model: str, label: str) -> bool:
        """Whether the pass states that this label will answer nobody for a while."""
        return any(gap.model == model and gap.label == label for gap in self.body.gaps)

    def exchanges(self, wanted: DesiredModel) -> bool:
        """Whether a model goes to its versions by unloading first: as git says, or as `auto` came to."""
        ways = {way.model: way for way in (*self.observed.ways, *self.body.ways)}
        way = ways.get(wanted.name) if wanted.transition.policy is TransitionPolicy.AUTO else None
        if way is not None and isinstance(wanted.policy, Specific) and way.versions == wanted.policy.versions:
            return way.policy is TransitionPolicy.RESOURCE
        return wanted.transition.policy is TransitionPolicy.RESOURCE

    def weighs(self, wanted: DesiredModel) -> bool:
        """Whether an exchange that `auto` came to is limited by what is known to fit (15), and not by numbers (4)."""
        limited = self.server.memory is not None and wanted.transition.policy is TransitionPolicy.AUTO
        names = wanted.policy.versions if isinstance(wanted.policy, Specific) else ()
        return limited and footprint.certain(self.observed, wanted.base_path, names)

    def wedged(self, model: str) -> bool:
        """Whether the model is stuck in the server: the only case in which a serving version leaves first."""
        return any(doubt.model == model and doubt.stands and doubt.kind.may_be_wedged for doubt in self.observed.doubts)


def check_pass(
    server: DesiredServer, observed: Observed, body: Pass, *, prunes_all: bool = False
) -> tuple[Violation, ...]:
    """Every invariant that a pass breaks, in the order of their numbers; empty for a pass that may be sent.

    Args:
        server: what git asks of the server.
        observed: what was believed when the pass was planned.
        body: the pass.
        prunes_all: whether the commit in force consents to emptying a server (`Model-Prune: all`).
    """
    if body.kind is PassKind.RESEND:
        return _resent(observed, body)
    case = Case(server, observed, body, prunes_all)
    found = [violation for rule in RULES for violation in rule(case)]
    return (*check_config(body.config), *found)


def _resent(observed: Observed, body: Pass) -> tuple[Violation, ...]:
    waiting = observed.outstanding
    if waiting is None or waiting.config != body.config or (waiting.names and not observed.wedged):
        message = (
            "after a lost answer only the identical config may be sent, and with a new model in it only when that "
            "model has not shown up in time"
        )
        return (Violation(5, "", message),)
    return ()


def check_config(config: ServerConfig) -> tuple[Violation, ...]:
    """What any config must satisfy by itself: nothing in it that TensorFlow Serving refuses or half-applies."""
    return tuple(violation for model in config.models for violation in _well_formed(model))


def _well_formed(model: ModelConfig) -> Iterator[Violation]:
    if model.platform != "tensorflow":
        yield Violation(0, model.name, f"platform {model.platform!r}: anything but tensorflow poisons the server (E20)")
    if not model.base_path.startswith("/") and "://" not in model.base_path:
        yield Violation(0, model.name, f"base path {model.base_path!r} is relative")
    if not model.name:
        yield Violation(0, model.name, "a model without a name cannot be addressed")
    if any(version < 1 for version in model.listed):
        yield Violation(0, model.name, "versions are positive")


def resolving_labels_stay(case: Case) -> Iterator[Violation]:
    """1: a label that resolves stays defined, unless git drops it, its model goes, or a gap was stated."""
    for before, after, seen in case.changed:
        wanted = case.server.model(before.name)
        for label, version in before.labels:
            if after.label(label) is not None or not seen.reading(label).resolves_to(version):
                continue
            by_git = wanted is not None and label not in dict(wanted.labels)
            fallen_back = any(failure.model == before.name for failure in case.observed.failures) or any(
                each.due.model == before.name and each.verdict is CheckVerdict.FAILED for each in case.observed.checks
            )
            answers = seen.version(version).state is VersionState.AVAILABLE
            if answers and not (by_git or fallen_back or case.gap(before.name, label)):
                yield Violation(1, before.name, f"label {label} resolves to {version} and would be undefined")


def labels_point_at_proven_versions(case: Case) -> Iterator[Violation]:
    """2: every label, moved or carried, points to a listed version that was proven available (E3–E5)."""
    for model in case.body.config.models:
        seen = case.observed.model(model.name)
        for label, version in model.labels:
            known = seen.version(version)
            listed = version in model.listed or not isinstance(model.policy, Specific)
            if _leaves_answering(seen, label, version):
                continue
            if not known.proven or not (listed or case.wedged(model.name)):
                state = "not proven available" if not known.proven else "not on the list"
                yield Violation(2, model.name, f"label {label} points at version {version}, which is {state}")


def _leaves_answering(seen: ObservedModel, label: str, version: int) -> bool:
    """Whether a label stays for now on a version that was unlisted to end a wedge, and answers until replaced (E15)."""
    known = seen.version(version)
    return known.going and known.state is VersionState.AVAILABLE and seen.reading(label).resolves_to(version)


def both_targets_stay_listed(case: Case) -> Iterator[Violation]:
    """3: what a label reads as stays listed until another reading is proven (E3, E6)."""
    for before, after, seen in case.changed:
        for label, reading in seen.labels:
            version = reading.version
            if reading.kind is not LabelKind.RESOLVES or version not in before.listed or version in after.listed:
                continue
            free = case.gap(before.name, label) or case.wedged(before.name) or not isinstance(after.policy, Specific)
            if not free:
                yield Violation(3, before.name, f"label {label} still answers from {version}, which would be unlisted")


def resource_stays_within_room(case: Case) -> Iterator[Violation]:
    """4: under `resource`, versions listed or not yet END never exceed the larger of before and after.

    Numbers stand for sizes nobody knows: where they are all known, rule 15 is the one that counts for `auto`.
    """
    for before, after, seen in case.changed:
        wanted = case.server.model(before.name)
        if wanted is None or not case.exchanges(wanted) or case.weighs(wanted):
            continue
        alive = {each.version for each in seen.versions if each.going and each.state in footprint.ALIVE}
        held = {each.version for each in seen.versions if each.listed and each.state in footprint.ALIVE}
        good = case.observed.good_spec(before.name)
        most = max(
            _room(case.observed, good.config if good else before),
            len(wanted.policy.versions) if isinstance(wanted.policy, Specific) else 0,
            len(set(before.listed) | alive | held),
        )
        if len(set(after.listed) | alive) > most:
            yield Violation(4, before.name, f"{len(set(after.listed) | alive)} versions at once, where {most} fit")


def _room(observed: Observed, config: ModelConfig) -> int:
    """How many versions a config asks for; under `all` as many as storage holds."""
    match config.policy:
        case Specific(versions):
            return len(versions)
        case Latest(count):
            return max(count, 1)
        case All():
            return len(observed.path(config.base_path).versions)


def every_model_is_carried(case: Case) -> Iterator[Violation]:
    """5: a reload carries every model the server is believed to hold, except those being removed (E1)."""
    removed = case.acts(ActionKind.REMOVE_MODEL)
    for name in sorted(case.observed.sent.names - case.body.config.names - removed):
        yield Violation(5, name, "the server holds it, and the config would drop it")


def removals_have_consent(case: Case) -> Iterator[Violation]:
    """6: nothing is removed on a server that was not seen, nor without prune; emptying needs the trailer (E2)."""
    removed = case.acts(ActionKind.REMOVE_MODEL)
    if not case.observed.reach.answers:
        yield Violation(6, "", "the server was not seen")
    for name in sorted(removed):
        if not case.server.prunes(case.observed.wish(name)) or case.server.model(name) is not None:
            yield Violation(6, name, "it would be removed without consent")
        if case.server.blast is not None and name in case.server.blast.models:
            yield Violation(6, name, "it would be removed although that many removals at once are held")
    if removed and not case.body.config.models and not case.prunes_all:
        yield Violation(6, "", "the server would be emptied without the trailer Model-Prune: all")


def listed_files_were_seen(case: Case) -> Iterator[Violation]:
    """7: nothing is listed whose files were not seen complete, and no version changes while discovery is frozen."""
    blind = case.server.fleet.allow_unseen_storage
    for model in case.body.config.models:
        before = case.observed.sent.model(model.name)
        facts = case.observed.path(model.base_path)
        for version in sorted(set(model.listed) - set(before.listed if before else ())):
            files = facts.files(version)
            served = case.observed.model(model.name).version(version).proven
            unseen = facts.presence is Presence.UNSEEN and blind
            if not (unseen or served or (facts.presence is Presence.SEEN and files is not None and files.complete)):
                yield Violation(7, model.name, f"version {version} was not seen complete in storage (E8, E17, E19)")
    yield from _frozen(case)


def _frozen(case: Case) -> Iterator[Violation]:
    blind = case.server.fleet.allow_unseen_storage
    lost = [
        model.name
        for model in case.observed.sent.models
        if (presence := case.observed.path(model.base_path).presence) is Presence.MISSING
        or (presence is Presence.UNSEEN and not blind)
    ]
    changing = [after.name for before, after, _ in case.changed if before.policy != after.policy]
    new = sorted(case.body.config.names - case.observed.sent.names)
    for name in (*changing, *new) if lost else ():
        yield Violation(7, name, f"no version changes while the base path of {lost[0]} is not seen (E8)")


def new_names_come_alone(case: Case) -> Iterator[Violation]:
    """8: new names come without labels, with a version, not together with other changes, a few at a time (E8, E36)."""
    new = [model for model in case.body.config.models if model.name not in case.observed.sent.names]
    if not new:
        return
    old_changes = any(before != after for before, after, _ in case.changed) or case.acts(ActionKind.REMOVE_MODEL)
    if old_changes:
        yield Violation(8, new[0].name, "a new name may not share a reload with changes of other models")
    healing = case.body.kind is PassKind.HEAL
    if len(new) > BATCH and not healing:
        yield Violation(8, "", f"{len(new)} new names in one reload; at most {BATCH}")
    for model in new:
        if model.labels:
            yield Violation(8, model.name, "a new name may not bring labels (E3)")
        if not model.listed:
            yield Violation(8, model.name, "a new name must list a version: the reload would never return")
        if len(model.listed) > 1 and not healing:
            yield Violation(8, model.name, "a new name lists one version first")


def a_serving_version_stays(case: Case) -> Iterator[Violation]:
    """9: the list sent contains a version that is available now, unless none is, or `resource` drops it (E14, E17)."""
    for before, after, seen in case.changed:
        serving = {each.version for each in seen.versions if each.proven and each.listed}
        if not serving or not isinstance(after.policy, Specific) or serving & set(after.listed):
            continue
        wanted = case.server.model(before.name)
        resource = wanted is not None and case.exchanges(wanted)
        if not (resource or case.wedged(before.name)):
            yield Violation(9, before.name, f"the list {after.listed} holds none of the serving versions {serving}")


def retries_wait_for_a_poll(case: Case) -> Iterator[Violation]:
    """10: a failed version comes back only after a poll without it; a removed model only after its END (E13, E16)."""
    poll = case.server.fleet.tf_serving.file_system_poll_wait
    for model in case.body.config.models:
        before = case.observed.sent.model(model.name)
        seen = case.observed.model(model.name)
        resting = before is None and seen.removed_at and case.observed.at < seen.rest_at
        if resting and not all(version.ended for version in seen.versions):
            yield Violation(10, model.name, "it was removed a moment ago and has not ended")
        for version in sorted(set(model.listed) - set(before.listed if before else ())):
            known = seen.version(version)
            if known.failed and known.dropped_at and case.observed.at < known.dropped_at + poll + RETRY_MARGIN:
                yield Violation(10, model.name, f"version {version} failed and was dropped less than a poll ago")


def paths_change_with_equal_bytes(case: Case) -> Iterator[Violation]:
    """11: a base path changes alone, with every serving version under the new one, byte for byte (E9, E18)."""
    for before, after, seen in case.changed:
        if before.base_path == after.base_path:
            continue
        if before.policy != after.policy:
            yield Violation(11, before.name, "versions may not change together with the base path")
        old, new = case.observed.path(before.base_path), case.observed.path(after.base_path)
        for version in sorted(set(before.listed) | set(seen.proven)):
            copy, original = new.files(version), old.files(version)
            if copy is None or not copy.complete:
                yield Violation(11, before.name, f"version {version} is not complete under {after.base_path}")
            elif original is not None and original.fingerprint != copy.fingerprint:
                yield Violation(11, before.name, f"version {version} has other bytes under {after.base_path}")


def labels_move_to_checked_versions(case: Case) -> Iterator[Violation]:
    """14: a label goes where git wants it only when every check has passed there, or when it was there before."""
    for before, after, _ in case.changed:
        wanted = case.server.model(before.name)
        if wanted is None or not wanted.checks:
            continue
        for label, version in wanted.labels:
            if after.label(label) != version or before.label(label) == version:
                continue
            for check in _open_checks(case.observed, wanted, label, version):
                yield Violation(14, before.name, f"label {label} would go to {version}, which has not passed {check}")


def _open_checks(observed: Observed, wanted: DesiredModel, label: str, version: int) -> Iterator[str]:
    """The checks that a version has still to pass before that label goes to it."""
    fingerprint = observed.fingerprint(wanted.name, wanted.base_path, version)
    if observed.was_on(wanted.name, label, version, fingerprint):
        return
    for check in wanted.checks:
        due = CheckDue(wanted.name, version, check.name, check.digest, fingerprint)
        if check.kind is CheckKind.COMPARE:
            other = observed.baseline(wanted.name, check.against)
            if other is None or other == version or not observed.model(wanted.name).version(other).proven:
                continue
            print_ = observed.fingerprint(wanted.name, wanted.base_path, other)
            due = replace(due, against=other, against_fingerprint=print_)
        result = observed.check_result(due)
        if result is None or result.verdict is not CheckVerdict.PASSED:
            yield check.name


def memory_stays_within_budget(case: Case) -> Iterator[Violation]:
    """15: what is loaded or on its way never takes more than the budget, as far as sizes are known (E27).

    A pass that adds nothing may always go: less than what is there already cannot be wrong.
    """
    if case.server.memory is None:
        return
    now, most = footprint.held(case.observed), footprint.peak(case.observed, case.body.config)
    added = {place: size for place, size in most.items() if place not in now}
    total, usable = footprint.total(now) + footprint.total(added), case.server.memory.usable
    if footprint.total(added) and total > usable:
        made = f"{footprint.written(total)} in memory at once"
        yield Violation(15, "", f"the pass makes {made}, where {footprint.written(usable)} may be used")


RULES: tuple[Callable[[Case], Iterator[Violation]], ...] = (
    resolving_labels_stay,
    labels_point_at_proven_versions,
    both_targets_stay_listed,
    resource_stays_within_room,
    every_model_is_carried,
    removals_have_consent,
    listed_files_were_seen,
    new_names_come_alone,
    a_serving_version_stays,
    retries_wait_for_a_poll,
    paths_change_with_equal_bytes,
    labels_move_to_checked_versions,
    memory_stays_within_budget,
)
"""Every rule, in the order of its number."""
