"""Drift that is only reported (`drift: report`): what became of a model that stood as git says, without our doing.

Called by `plan/effective.py`, before anything else is asked about a model. Such a model is left as it is, and carried
as it is in reloads of others, until git says something new of it. A proven restart of its server is no drift: what it
lost then is healed (`belief/life.py` forgets that it stood). Nor are files that went, which are holds of their own, or
a version whose time is over (`plan/retention.py`). Where the server chooses the versions, what storage shows explains
most changes; only what belief came to doubt is told (`belief/chosen.py`). Deliberately not here: drift that is put
right, and when that is given up (`plan/drift.py`).
"""

from collections.abc import Iterator

from reconciler.plan.differences import policy_text
from reconciler.state.desired import DesiredModel, DesiredServer, Drift
from reconciler.state.look import LabelKind, Presence, VersionState
from reconciler.state.memory import Doubt, DoubtReason, Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific


def reported(server: DesiredServer, wanted: DesiredModel, observed: Observed) -> Hold | None:
    """The hold that says what was changed from outside and is left so; None where nothing was, or it is put right."""
    if server.fleet.drift is not Drift.REPORT or wanted.name not in observed.steady:
        return None
    good = observed.good_spec(wanted.name)
    same = good is not None and (good.config.base_path, good.config.policy, good.config.labels) == (
        wanted.base_path,
        wanted.policy,
        wanted.labels,
    )
    if not same or observed.standing is Standing.RESTARTED:
        return None
    found = list(_changes(wanted, observed)) if _can_be_told(observed, observed.model(wanted.name)) else []
    found = found or [(text, 0.0) for text in _carried(wanted, observed)]
    if not found:
        return None
    since = min((at for _, at in found if at), default=None)
    return Hold(
        HoldReason.DRIFT_REPORTED,
        wanted.name,
        f"{'; '.join(text for text, _ in found)}: this was as git says, and no reload sent from here changed it; the "
        "fleet asks that drift be reported, so it is left as it is",
        f"`drift: heal` in Fleet {server.fleet.name}, a commit that changes this model, or whoever changed it",
        since=since,
    )


def _can_be_told(observed: Observed, seen: ObservedModel) -> bool:
    """Whether what is seen now is no echo of a reload of ours."""
    seen_now = observed.reach.answers and not seen.unseen
    return seen_now and observed.outstanding is None and observed.at >= observed.fence_until


def _changes(wanted: DesiredModel, observed: Observed) -> Iterator[tuple[str, float]]:
    """What differs, in words, each with since when (0 where that is not known)."""
    seen = observed.model(wanted.name)
    if not isinstance(wanted.policy, Specific):
        yield from ((_doubted(each), each.first_at) for each in _strayed(observed, seen))
        return
    for number in wanted.policy.versions:
        version = seen.version(number)
        if _went(version) and not _files_gone(wanted, observed, number):
            yield f"version {number} is {version.state.name}", version.since
    ours = {each.version for each in observed.departures if each.model == wanted.name}
    for version in seen.versions:
        if version.version not in wanted.policy.versions and version.version not in ours and _came(version):
            yield f"version {version.version} is loaded, which git does not name", version.since
    yield from ((text, 0.0) for text in _labels(wanted, seen))


def _carried(wanted: DesiredModel, observed: Observed) -> Iterator[str]:
    """What a reload of ours carried as it was found: that stays, although nothing can be read for a moment after it."""
    config = observed.sent.model(wanted.name)
    if observed.standing is not Standing.KNOWN or config is None:
        return
    if not isinstance(wanted.policy, Specific):
        if isinstance(config.policy, Specific):
            listed = ", ".join(map(str, config.listed)) or "none"
            yield f"versions {listed} are named, as somebody else left them, where git has {policy_text(wanted.policy)}"
        return
    ours = {each.version for each in observed.departures if each.model == wanted.name}
    if set(config.listed) - ours != set(wanted.policy.versions) - ours:
        yield f"versions {', '.join(map(str, config.listed))} are listed, as somebody else left them"
    if config.labels != wanted.labels:
        shown = ", ".join(f"{label} at {version}" for label, version in config.labels) or "none"
        yield f"its labels are {shown}, as somebody else left them"


def _strayed(observed: Observed, seen: ObservedModel) -> Iterator[Doubt]:
    """The doubts about what the server chose that what is seen now still bears out."""
    for each in observed.doubts:
        if each.model == seen.name and each.kind.of_choice:
            serves = any(
                version.state is VersionState.AVAILABLE and each.version in (0, version.version)
                for version in seen.versions
            )
            if serves is (each.kind is DoubtReason.KEPT):
                yield each


def _doubted(doubt: Doubt) -> str:
    return f"version {doubt.version}: {doubt.reason}" if doubt.version else f"the model: {doubt.reason}"


def _labels(wanted: DesiredModel, seen: ObservedModel) -> Iterator[str]:
    targets = dict(wanted.labels)
    for label, number in wanted.labels:
        reading = seen.reading(label)
        if reading.kind is LabelKind.UNDEFINED:
            yield f"label {label} is not set, which git has at {number}"
        elif reading.kind in (LabelKind.RESOLVES, LabelKind.DANGLES) and reading.version != number:
            yield f"label {label} points at {reading.version}, which git has at {number}"
    for label, reading in seen.labels:
        if label not in targets and reading.kind in (LabelKind.RESOLVES, LabelKind.DANGLES):
            yield f"label {label} points at {reading.version}, and git has no such label"


def _went(version: ObservedVersion) -> bool:
    gone = version.state in (VersionState.ABSENT, VersionState.UNLOADING, VersionState.END)
    return gone and version.error is None and not version.suspect


def _came(version: ObservedVersion) -> bool:
    """Loaded although nothing sent from here lists it, nor did so lately."""
    return version.state is VersionState.AVAILABLE and version.dropped_at == 0 and not version.suspect


def _files_gone(wanted: DesiredModel, observed: Observed, number: int) -> bool:
    facts = observed.path(wanted.base_path)
    return facts.presence is not Presence.UNSEEN and facts.files(number) is None
