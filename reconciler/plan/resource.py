"""`resource` transitions: unload old, then load new, where both do not fit beside each other.

Called by `plan/moves.py`. Versions listed or not yet END never exceed the larger of before and after. Nothing is
dropped before every version to be loaded is known to be loadable; unlabelled versions go first, the one `stable`
points at last; one model per server at a time. A failed load needs no rule here: its spec is quarantined at the first
failure (`plan/fallback.py`), and the last good spec is a transition like any other.
"""

from dataclasses import replace

from reconciler.plan.files import obstacle
from reconciler.plan.memory import Room
from reconciler.plan.scene import Draft, Scene
from reconciler.plan.target import Origin, Target, Targets
from reconciler.state.config import ModelConfig
from reconciler.state.desired import TransitionPolicy
from reconciler.state.look import VersionState
from reconciler.state.observed import ObservedModel
from reconciler.state.plan import Gap, HoldReason

ROUND_TRIPS = 0.6
"""Seconds allowed for three round trips and the server's ticks of 100 ms in the stated length of a gap."""


def exchange(work: Draft, turn: str | None) -> None:
    """Load what there is room for; else drop what must go to make room, with its labels."""
    missing = _by_use(work, [version for version in work.target.versions if version not in work.config.listed])
    if not missing:
        return
    obstacles = {
        version: hold for version in missing if (hold := obstacle(work.scene, work.target, version)) is not None
    }
    work.holds.extend(obstacles.values())
    loadable = [version for version in missing if version not in obstacles]
    if not loadable:
        return
    if turn not in (None, work.target.name):
        detail = f"{turn} is being exchanged on this server; one model at a time"
        work.hold(HoldReason.RESOURCE_TURN, detail, f"the end of the exchange of {turn}", progressing=True)
        return
    if work.room is not None and (short := work.room.ask_exchange(work.target)) is not None:
        work.holds.append(short)
        return
    coming = _fitting(work, loadable[: max(_room(work), 0)])
    for version in coming:
        work.load(version, "there is room for it: what it replaces has ended")
    if not coming and obstacles:
        _keep(work, loadable)
    elif not coming:
        _make_room(work, len(missing))


def _fitting(work: Draft, versions: list[int]) -> list[int]:
    """As many of these, in their order, as there is memory for beside what has not ended yet."""
    if work.room is None:
        return versions
    refused = (number for number, each in enumerate(versions) if work.room.ask(work.target, (each,)) is not None)
    return versions[: next(refused, len(versions))]


def _keep(work: Draft, loadable: list[int]) -> None:
    """Nothing is dropped while another version that git wants cannot be loaded."""
    for version in loadable:
        detail = f"version {version} needs the room of one that serves, and not every version git wants can be loaded"
        work.hold(HoldReason.CHANGES_FIRST, detail, "what releases the other holds of this model", version=version)


def capacity(work: Draft) -> int:
    """How many versions may be in memory at once: the larger of before and after."""
    good = work.scene.observed.good_spec(work.target.name)
    before = len(good.config.listed) if good is not None else len(work.config.listed)
    return max(before, len(work.target.versions))


def occupied(config: ModelConfig, seen: ObservedModel) -> frozenset[int]:
    """The versions listed or not yet END."""
    alive = (VersionState.START, VersionState.LOADING, VersionState.AVAILABLE, VersionState.UNLOADING)
    return frozenset(config.listed) | {each.version for each in seen.versions if each.going and each.state in alive}


def _room(work: Draft) -> int:
    """So many versions may still be listed; where sizes are known and limited, as many as there is memory for."""
    if work.target.asked and work.room is not None and not work.room.is_unknown(work.target):
        return len(work.target.versions)
    return capacity(work) - len(occupied(work.config, work.seen) | work.listed)


def _by_use(work: Draft, versions: list[int]) -> list[int]:
    """Labelled versions first, `stable`'s before all: what clients ask for comes back soonest."""
    used = {version: label for label, version in work.target.labels}
    return sorted(versions, key=lambda version: (used.get(version) != "stable", version not in used, -version))


def _make_room(work: Draft, wanted: int) -> None:
    """Drop as few versions as needed: the unlabelled ones, else the one whose label is missed least."""
    if _waits(work):
        return
    extra = [
        version for version in work.config.listed if version not in work.target.versions and version in work.listed
    ]
    labels = {version: label for label, version in work.config.labels}
    spare = [version for version in extra if version not in labels]
    victims = spare[:wanted] or sorted(extra, key=lambda version: (labels.get(version) == "stable", version))[:1]
    if alone := [hold for label, hold in work.target.alone if work.labels.get(label) in victims]:
        work.holds.append(replace(alone[0], model=work.target.name))
        return
    for version in victims:
        for label in [label for label, at in work.labels.items() if at == version]:
            work.unlabel(label, f"version {version} is unloaded to make room (policy resource)")
            work.gaps.append(gap(work, label))
        work.unload(version, "policy resource: unload old, then load new")


def _waits(work: Draft) -> bool:
    """Whether something on its way would make room or use it: a version ending, loading, or a label not settled."""
    going = [each.version for each in work.seen.versions if each.going]
    loading = [
        version
        for version in work.target.versions
        if version in work.config.listed and not work.seen.version(version).proven
    ]
    moving = any(action.label is not None for action in work.actions)
    if not (going or loading or moving):
        return False
    detail = "the exchange goes on when what is on its way has arrived"
    work.hold(HoldReason.CHANGES_FIRST, detail, "the other actions and holds of this model", progressing=True)
    return True


def gap(work: Draft, label: str) -> Gap:
    """The stretch in which a label will answer nobody: at most two polls, the longest request, a load, three trips."""
    measured = dict(work.scene.observed.load_seconds).get(work.target.name)
    seconds = 2 * work.scene.poll + ROUND_TRIPS + (measured or 0.0)
    because = "two polls of the server, the load of the new version, and the longest request in flight"
    return Gap(work.target.name, label, round(seconds, 3), measured is not None, because)


def turn(stage: Scene, targets: Targets, room: Room | None) -> str | None:
    """The model whose exchange may go on: one under way, else the first that could begin; None where none is."""
    under_way: list[str] = []
    ready: list[str] = []
    for target in targets.models:
        config = stage.configs.get(target.name)
        if config is None or target.transition.policy is not TransitionPolicy.RESOURCE or not target.specific:
            continue
        missing = set(target.versions) - set(config.listed)
        extra = set(config.listed) - set(target.versions)
        seen = stage.model(target.name)
        dropped = bool(missing) and _has_dropped(stage, target, config) and not _is_short(target, room)
        if dropped or _is_under_way(config, seen, targets=set(target.versions), missing=missing):
            under_way.append(target.name)
        elif missing and extra and _may_begin(stage, target, missing, room):
            ready.append(target.name)
    return next(iter([*under_way, *ready]), None)


def _may_begin(stage: Scene, target: Target, missing: set[int], room: Room | None) -> bool:
    """Whether every version to be loaded is known to be loadable, and there will be memory for them."""
    fits = room is None or room.ask_exchange(target) is None
    return fits and not any(obstacle(stage, target, version) for version in missing)


def _is_short(target: Target, room: Room | None) -> bool:
    """Whether what is missing would not fit even when all others have arrived: these do not wait for it, then."""
    hold = room.ask_exchange(target) if room is not None else None
    return hold is not None and hold.reason is HoldReason.MEMORY_SHORT


def _has_dropped(stage: Scene, target: Target, config: ModelConfig) -> bool:
    """Whether something of the last good spec was unloaded for what is still missing."""
    good = stage.observed.good_spec(target.name)
    gone = set(good.config.listed) - set(config.listed) if good is not None else set()
    return bool(gone - set(target.versions)) or (target.origin is Origin.FALLBACK and bool(gone))


def _is_under_way(config: ModelConfig, seen: ObservedModel, *, targets: set[int], missing: set[int]) -> bool:
    ending = any(each.going for each in seen.versions)
    loading = any(version in targets and not seen.version(version).proven for version in config.listed)
    emptied = bool(missing) and not config.listed
    return ending or loading or emptied
