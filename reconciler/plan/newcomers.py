"""Model names that the server does not have: added one version at a time, without labels, when nothing else goes.

Called by `plan/step.py`. A reload with a new name holds the server's config lock until that name has a version
AVAILABLE or END, without any limit (server_core.cc, WaitUntilModelsAvailable; rules E8, E10, E36): so a name is added
only with a version whose files were seen, and labels follow in a later reload. Names that this server has loaded
before go together (healing after a restart).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.invariants import BATCH
from reconciler.plan.files import obstacle
from reconciler.plan.memory import Room
from reconciler.plan.moves import because_wanted
from reconciler.plan.scene import Scene
from reconciler.plan.target import Origin, Target
from reconciler.plan.wording import counted
from reconciler.state.config import ModelConfig
from reconciler.state.look import Presence
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Hold, HoldReason, PassKind
from reconciler.state.versions import Specific, specific

_Entry: TypeAlias = tuple[Target, tuple[int, ...]]
"""A name that may be added, and the versions it may be listed with, best first."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The new names of one step: kind of pass, their configs and actions, and the holds of those that wait."""

    kind: PassKind
    configs: tuple[ModelConfig, ...] = ()
    actions: tuple[Action, ...] = ()
    holds: tuple[Hold, ...] = ()


def arrivals(stage: Scene, missing: Sequence[Target], room: Room | None, *, changes: bool) -> Arrivals:
    """Which of the missing names may be added now. `changes`: models the server already has go first."""
    holds: list[Hold] = []
    ready: list[_Entry] = []
    for target in missing:
        hold, versions = _first_versions(stage, target)
        if hold is not None:
            holds.append(hold)
        elif versions:
            ready.append((target, versions))
    if ready and (wait := _must_wait(stage, changes=changes)) is not None:
        reason, detail, release = wait
        holds += [Hold(reason, target.name, detail, release, progressing=True) for target, _ in ready]
        return Arrivals(PassKind.ADD, holds=tuple(holds))
    return _choose(stage, _fitting(stage, ready, room, holds) if room is not None else ready, holds)


def _fitting(stage: Scene, ready: list[_Entry], room: Room, holds: list[Hold]) -> list[_Entry]:
    """Those that there is memory for beside each other; the holds of the others are added."""
    chosen = []
    for target, versions in ready:
        heal = _loaded_before(stage, target) and _seen(stage, target)
        hold = room.ask(target, _config(stage, target, versions, heal=heal).listed)
        if hold is None:
            chosen.append((target, versions))
        else:
            holds.append(hold)
    return chosen


def _choose(stage: Scene, ready: list[_Entry], holds: list[Hold]) -> Arrivals:
    healing = [entry for entry in ready if _loaded_before(stage, entry[0]) and _seen(stage, entry[0])]
    seen = [entry for entry in ready if _seen(stage, entry[0])]
    chosen = healing or seen[:BATCH] or ready[:1]
    kind = PassKind.HEAL if healing else PassKind.ADD
    names = {target.name for target, _ in chosen}
    for target, _ in ready:
        if target.name not in names:
            detail = "other new models are added first"
            release = "the next reload"
            holds.append(Hold(HoldReason.CHANGES_FIRST, target.name, detail, release, progressing=True))
    configs = tuple(_config(stage, target, versions, heal=bool(healing)) for target, versions in chosen)
    actions = tuple(
        action
        for (target, _), config in zip(chosen, configs, strict=True)
        for action in _actions(target, config, heal=bool(healing))
    )
    return Arrivals(kind, configs, actions, tuple(holds))


def _must_wait(stage: Scene, *, changes: bool) -> tuple[HoldReason, str, str] | None:
    if changes:
        detail = "models the server already has are changed first; adding a name holds the server's config lock"
        return HoldReason.CHANGES_FIRST, detail, "the reload before"
    loading = [
        version.version
        for model in stage.observed.models
        for version in model.versions
        if version.loading and (version.listed or version.going)
    ]
    if len(loading) >= stage.load_slots:
        running, threads = counted(len(loading), "load"), counted(stage.load_slots, "load thread")
        detail = f"{running} on {threads}; a new name would hold the config lock until its own load has ended"
        return HoldReason.LOAD_THREADS_BUSY, detail, "the end of a load"
    return None


def _first_versions(stage: Scene, target: Target) -> tuple[Hold | None, tuple[int, ...]]:
    """The versions a new name may be listed with, best first; or why it may not be listed at all."""
    if (hold := _not_yet_gone(stage, target)) is not None:
        return hold, ()
    if not target.versions:
        if target.origin is Origin.REDUCED:
            return None, ()
        detail = f"no complete version is seen under {target.base_path}"
        release = f"a complete version directory below {target.base_path}"
        return Hold(HoldReason.ARTIFACT_MISSING, target.name, detail, release), ()
    first = _first(target)
    hold = obstacle(stage, target, first)
    if hold is not None:
        return hold, ()
    others = (version for version in target.versions if version != first and obstacle(stage, target, version) is None)
    return None, (first, *others)


def _first(target: Target) -> int:
    """The target of `stable`, else the highest: what clients would miss most."""
    return target.label("stable") or max(target.versions)


def _not_yet_gone(stage: Scene, target: Target) -> Hold | None:
    """A removed model comes back after its END was witnessed, or one fence after its drop (rule E16)."""
    seen = stage.model(target.name)
    if not seen.removed_at or stage.observed.at >= seen.rest_at:
        return None
    if seen.versions and all(version.ended for version in seen.versions):
        return None
    detail = "it was removed a moment ago; added back before its END it may hang the server's config lock"
    release = "the END of all its versions, or one fence without a change"
    return Hold(HoldReason.GOING, target.name, detail, release, until=seen.rest_at, progressing=True)


def _loaded_before(stage: Scene, target: Target) -> bool:
    known = stage.observed.known_as.model(target.name)
    return known is not None and known.base_path == target.base_path


def _seen(stage: Scene, target: Target) -> bool:
    facts = stage.path(target.base_path)
    if facts.presence is not Presence.SEEN:
        return False
    return all((files := facts.files(version)) is not None and files.complete for version in target.versions)


def _config(stage: Scene, target: Target, versions: tuple[int, ...], *, heal: bool) -> ModelConfig:
    listed: tuple[int, ...] = versions[:1]
    known = stage.observed.known_as.model(target.name)
    if heal and known is not None and isinstance(known.policy, Specific):
        listed = tuple(version for version in versions if version in known.listed) or listed
    return ModelConfig(target.name, target.base_path, specific(*listed), (), target.platform)


def _actions(target: Target, config: ModelConfig, *, heal: bool) -> tuple[Action, ...]:
    """One ADD_MODEL for the name with its first version, and a LOAD for every other version that comes with it."""
    first = _first(target) if _first(target) in config.listed else config.listed[-1]
    because = "this server has served it before" if heal else "git places it on this server"
    leads_to = (Fact(FactKind.MODEL_LISTED, target.name), Fact(FactKind.AVAILABLE, target.name, first))
    needs = (Fact(FactKind.FILES_COMPLETE, target.name, first),)
    added = Action(ActionKind.ADD_MODEL, target.name, first, because=because, needs=needs, leads_to=leads_to)
    return (added, *(_load(target, version) for version in config.listed if version != first))


def _load(target: Target, version: int) -> Action:
    needs = (Fact(FactKind.FILES_COMPLETE, target.name, version),)
    leads_to = (Fact(FactKind.AVAILABLE, target.name, version),)
    because = because_wanted(target, version)
    return Action(ActionKind.LOAD, target.name, version, because=because, needs=needs, leads_to=leads_to)
