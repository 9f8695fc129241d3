"""What one model that the server already has may do now: labels, loads, unloads, under its transition policy.

Called by `plan/step.py`, once per model and step. The order within: repair of the base path, who chooses the versions,
labels, failed versions off the list, loads, unloads. `resource` differs only in when it loads and unloads
(`plan/resource.py`). New names are `plan/newcomers.py`.
"""

from dataclasses import replace

from reconciler.plan import drift, handover, repoint, resource
from reconciler.plan.files import obstacle, stored
from reconciler.plan.labels import drop_dangling, labels_settled, move_labels, referenced
from reconciler.plan.memory import Room
from reconciler.plan.scene import Draft, Move, Scene, draft
from reconciler.plan.target import Origin, Target
from reconciler.plan.wedge import unwedge
from reconciler.state.config import ModelConfig
from reconciler.state.desired import TransitionPolicy
from reconciler.state.look import VersionState
from reconciler.state.observed import ObservedVersion
from reconciler.state.plan import Fact, FactKind, HoldReason
from reconciler.state.versions import Specific


def move(stage: Scene, target: Target, config: ModelConfig, turn: str | None, room: Room | None) -> Move:
    """Every action of one model whose own precondition holds now; `turn` is the model whose exchange may go on."""
    work = draft(stage, target, config, room)
    if target.origin in _LEFT_ALONE:
        drop_dangling(work)
        return replace(work.finish(), waits=True)
    if config.base_path != target.base_path:
        wait_for_versions(work)
        return repoint.repoint(work)
    named = target.specific
    if not (named and isinstance(config.policy, Specific)) and target.policy != config.policy:
        return handover.handover(work)
    if not named:
        handover.server_decides(work)
        return drift.settled(work)
    if (wedged := unwedge(work)) is not None:
        return wedged
    move_labels(work)
    drop_failed(work)
    give_up(work)
    if target.transition.policy is TransitionPolicy.RESOURCE:
        resource.exchange(work, turn)
    else:
        load_missing(work, target.versions)
    unload_extra(work)
    wait_for_versions(work)
    return drift.settled(work)


_LEFT_ALONE = (Origin.SUSPENDED, Origin.REPORTED)


def load_missing(work: Draft, versions: tuple[int, ...]) -> None:
    """List every wanted version that is not listed and may be; say why where it may not.

    Those that may be come together or not at all: two models that each had the first of two versions could both wait
    for the memory of their second.
    """
    ready, listed = [], work.config.listed
    for version in versions:
        if version in listed:
            continue
        hold = obstacle(work.scene, work.target, version)
        if hold is not None:
            work.holds.append(hold)
        else:
            ready.append(version)
    if ready and work.may_list(ready):
        for version in ready:
            work.load(version, because_wanted(work.target, version))


def because_wanted(target: Target, version: int) -> str:
    """Why a version is loaded."""
    labels = [label for label, at in target.labels if at == version]
    return f"git wants it, for {' and '.join(labels)}" if labels else "git wants it"


def drop_failed(work: Draft) -> None:
    """Take failed versions off the list: listed, they are never retried (rule E13); the name itself stays."""
    if work.scene.frozen:
        return
    for seen in work.seen.versions:
        if not (seen.failed or seen.late):
            continue
        version = seen.version
        if version not in work.config.listed or version in referenced(work) or not _still_serves(work, version):
            continue
        if seen.late:
            work.unload(version, "it did not load within its loadDeadline; listed, it would never be tried again")
        else:
            work.unload(version, f"it failed to load ({seen.error}); listed, it would never be tried again")


def give_up(work: Draft) -> None:
    """Unload what would stay for a while (`keepPrevious`), where its memory is needed for a load."""
    if work.scene.frozen:
        return
    for version in work.target.given_up:
        if version in work.listed and version not in referenced(work) and _still_serves(work, version):
            work.unload(version, "keepPrevious would keep it, but a load that waits needs its memory")


def _still_serves(work: Draft, leaving: int) -> bool:
    """Whether the list keeps an available version without that one, or there is none to keep (rule E14)."""
    available = set(work.seen.proven) & set(work.config.listed)
    return bool(available & (work.listed - {leaving})) or not available


def unload_extra(work: Draft) -> None:
    """Unload what git no longer wants, once everything that it wants is proven and every label reads as it shall."""
    wanted, listed = work.target.versions, work.listed
    extra = [version for version in work.config.listed if version not in wanted and version in listed]
    if not extra:
        return
    if work.scene.frozen:
        _hold_frozen(work, extra)
        return
    if not arrived(work):
        _hold_extra(work, extra)
        return
    used, facts = referenced(work), _arrival(work)
    for version in extra:
        if version in used:
            detail = f"a label still points at version {version}"
            work.hold(HoldReason.UNPROVEN, detail, "the label read back elsewhere", version=version, progressing=True)
        else:
            work.unload(version, "everything git wants is available and labelled without it", facts)


def _arrival(work: Draft) -> tuple[Fact, ...]:
    """What must hold before anything is unloaded: every wanted version available, every label where it shall be."""
    available = [work.fact(FactKind.AVAILABLE, version) for version in work.target.versions]
    labelled = [Fact(FactKind.LABEL_AT, work.target.name, version, label) for label, version in work.target.labels]
    return (*available, *labelled)


def arrived(work: Draft) -> bool:
    """Whether every wanted version is listed and proven, and every label reads as it shall."""
    wanted, listed, seen = work.target.versions, work.config.listed, work.seen
    if not wanted or not labels_settled(work):
        return False
    return all(version in listed and seen.version(version).proven for version in wanted)


def _hold_extra(work: Draft, extra: list[int]) -> None:
    for version in extra:
        detail = f"version {version} stays until everything git wants is available and labelled"
        release = "the other actions and holds of this model"
        work.hold(HoldReason.CHANGES_FIRST, detail, release, version=version, progressing=True)


def _hold_frozen(work: Draft, extra: list[int]) -> None:
    for version in extra:
        work.hold(HoldReason.DISCOVERY_FROZEN, *work.scene.freeze, version=version)


def wait_for_versions(work: Draft) -> None:
    """Say what is awaited of listed versions that are not proven, and of unlisted ones that have not ended."""
    listed, still = work.config.listed, work.listed
    for version in work.target.versions:
        if version in listed and version in still:
            seen = work.seen.version(version)
            if not seen.proven:
                _wait_for_load(work, seen)
    for seen in work.seen.versions:
        if seen.going and seen.version not in work.target.versions:
            detail = f"version {seen.version} is off the list and still {seen.state.name}"
            release = "its END: the server waits for requests in flight"
            work.hold(HoldReason.UNLOADING, detail, release, version=seen.version, progressing=True)


def _wait_for_load(work: Draft, seen: ObservedVersion) -> None:
    more = {"version": seen.version, "progressing": True}
    if seen.suspect:
        detail = f"version {seen.version} shows {seen.state.name}, which may be from an earlier life of it"
        until = work.scene.observed.fence_until
        work.hold(HoldReason.SUSPECT, detail, "one fence, or a witnessed END", until=until, **more)
    elif seen.state is VersionState.AVAILABLE:
        detail = f"version {seen.version} says AVAILABLE and has not answered by its number yet"
        work.hold(HoldReason.UNPROVEN, detail, "an answer of GetModelMetadata for that version", **more)
    elif (
        seen.state in (VersionState.END, VersionState.ABSENT)
        and (lacking := stored(work.scene, work.target, seen.version)) is not None
    ):
        work.holds.append(lacking)
    elif seen.state is VersionState.END:
        detail = f"version {seen.version} is listed and at END ({seen.error or 'no error'})"
        work.hold(HoldReason.LOADING, detail, "a second look, or its retry", **more)
    else:
        _wait_for_progress(work, seen)


def _wait_for_progress(work: Draft, seen: ObservedVersion) -> None:
    limit = work.scene.load_deadline(work.target)
    started = seen.listed_at or seen.since
    late = bool(started) and work.scene.observed.at > started + limit
    words = "waits for the server's next poll" if seen.state is VersionState.ABSENT else f"is {seen.state.name}"
    detail = f"version {seen.version} {words}"
    if late:
        detail += f", {limit:g} s after it was listed (loadDeadline)"
    release = "the server: look at its log, the size of the model and its load threads" if late else "AVAILABLE or END"
    work.hold(HoldReason.LOADING, detail, release, version=seen.version, progressing=not late)


def unchanged(stage: Scene, target: Target, config: ModelConfig) -> bool:
    """Whether a model is wholly what it shall be: the quick answer for the many that are."""
    if config.base_path != target.base_path or config.policy != target.policy or config.labels != target.labels:
        return False
    seen = stage.model(target.name)
    if any(version.going or (version.version in target.versions) != version.proven for version in seen.versions):
        return False
    labels = dict(seen.labels)
    read = all(label in labels and labels[label].resolves_to(version) for label, version in target.labels)
    return read and len(labels) == len(target.labels) and len(seen.proven) == len(target.versions)
