"""Label moves of one model: which labels go now, which are carried as they are, which must be left out.

Called by `plan/moves.py`. TensorFlow Serving checks every label of every model against what is loaded *before* the
reload, all or nothing (server_core.cc, UpdateModelVersionLabelMap; rules E3–E5): so a label moves only to a version
already proven available, and a carried label whose version is gone is left out rather than spoiling the reload. Where
a model has checks it also waits for these (`plan/proving.py`).
"""

from collections.abc import Mapping

from reconciler.plan.proving import unproven
from reconciler.plan.scene import Draft
from reconciler.plan.verdicts import verdict
from reconciler.state.look import LabelKind, VersionState
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific


def move_labels(work: Draft) -> None:
    """Decide every label of the draft's model."""
    drop_dangling(work)
    wanted = {label for label, _ in work.target.labels}
    for label in sorted([label for label in work.labels if label not in wanted]):
        work.unlabel(label, "git no longer has this label")
    _drop_strays(work)
    held = unproven(work)
    for label, version in work.target.labels:
        _move(work, label, version, held)


def resident(work: Draft, version: int) -> bool:
    """Whether requests can be sent to a version: listed before this reload, and proven available."""
    listed = version in work.config.listed or not isinstance(work.config.policy, Specific)
    return listed and work.seen.version(version).proven


def _may_be_leaving(work: Draft) -> bool:
    """Whether the server chooses the versions, and its last choice may not be seen yet."""
    observed = work.scene.observed
    return not isinstance(work.config.policy, Specific) and observed.at < observed.fence_until


def _still_answers(work: Draft, label: str, version: int) -> bool:
    """Whether a label on an unlisted version may be carried: out of the wedge it answers until its replacement does."""
    seen = work.seen.version(version)
    answers = seen.going and seen.state is VersionState.AVAILABLE
    return answers and work.seen.reading(label).resolves_to(version)


def drop_dangling(work: Draft) -> None:
    """Leave out every label whose version is gone: one such label would refuse the whole reload (rules E4, E5)."""
    for label, version in tuple(work.labels.items()):
        if not resident(work, version) and not _still_answers(work, label, version):
            state = work.seen.version(version).state.name
            reason = f"Dangling: version {version} is {state}, and one such label would refuse the whole reload"
            work.unlabel(label, reason)


def _drop_strays(work: Draft) -> None:
    """Labels that are read though neither git nor the config in force has them: any reload takes them away."""
    if not work.seen.labels:
        return
    named = {label for label, _ in (*work.config.labels, *work.target.labels)}
    for label, reading in work.seen.labels:
        if label in named or reading.kind not in (LabelKind.RESOLVES, LabelKind.DANGLES):
            continue
        until = work.scene.observed.fence_until
        if work.scene.observed.at < until:
            detail = f"label {label} was taken away; it has not been read back as undefined yet"
            more = {"label": label, "until": until, "progressing": True}
            work.hold(HoldReason.UNPROVEN, detail, "a read-back of the label", **more)
        else:
            work.unlabel(label, "neither git nor what was sent has this label", reading.version)


def _move(work: Draft, label: str, version: int, held: Mapping[str, Hold]) -> None:
    at = work.labels.get(label)
    if at == version:
        if not work.seen.reading(label).resolves_to(version):
            detail = f"label {label} was set to {version}; it has not been read back yet"
            work.hold(HoldReason.UNPROVEN, detail, "a read-back of the label", label=label, progressing=True)
    elif resident(work, version) and not _may_be_leaving(work):
        before = work.config.label(label)
        said = verdict(work.scene, work.target, label, version)
        if (hold := said.hold or held.get(label)) is not None:
            work.holds.append(hold)
            return
        because = _because(work, version, before)
        _replace_unlabel(work, label)
        work.label(label, version, before, because, said.text)


def _because(work: Draft, version: int, before: int | None) -> str:
    left = any((each.model, each.version) == (work.target.name, version) for each in work.scene.observed.departures)
    if left:
        return f"version {version} is still loaded: no load is needed"
    return f"version {version} is available" if before is None else f"version {version} is proven available"


def _replace_unlabel(work: Draft, label: str) -> None:
    """A label that dangled and moves in the same reload is one move, not a removal and a move."""
    work.actions = [action for action in work.actions if action.label != label]


def labels_settled(work: Draft) -> bool:
    """Whether every label reads as it shall, and no other label is defined."""
    seen, wanted = work.seen, work.target.labels
    for label, version in wanted:
        if not seen.reading(label).resolves_to(version):
            return False
    named = {label for label, _ in wanted}
    return all(label in named for label, _ in work.config.labels)


def referenced(work: Draft) -> frozenset[int]:
    """The versions that labels point at, as sent, as read back, or as about to be sent."""
    read = {reading.version for _, reading in work.seen.labels if reading.version}
    return frozenset(read | {version for _, version in work.config.labels} | set(work.labels.values()))
