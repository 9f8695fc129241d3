"""The primitive of planning: given one server as it is believed to be, which actions may go *now*?

Called by `plan/road.py`, which unfolds it. One step is at most one reload: every action of every model whose own
precondition holds, and the full config that carries them; and the checks to be run beside it. Everything else is a
hold.
"""

from dataclasses import dataclass, replace

from reconciler.plan import refused
from reconciler.plan.gates import gate
from reconciler.plan.memory import Room, room
from reconciler.plan.moves import move, unchanged
from reconciler.plan.newcomers import Arrivals, arrivals
from reconciler.plan.resource import turn
from reconciler.plan.scene import Move, Scene
from reconciler.plan.target import Origin, Target, Targets, spec_digest
from reconciler.state.check import CheckDue
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.memory import Way
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Gap, Hold, HoldReason, Pass, PassKind

_CARRIED = (Origin.SUSPENDED, Origin.REPORTED, Origin.WAITING)
"""Targets that are only carried along: what becomes of them is not booked to git's spec."""


@dataclass(frozen=True, slots=True)
class Step:
    """At most one reload, the holds that stand now, and the checks to be run now."""

    body: Pass | None
    holds: tuple[Hold, ...] = ()
    checks: tuple[CheckDue, ...] = ()


def step(stage: Scene, targets: Targets, number: int) -> Step:
    """What may go now on one server."""
    closed = gate(stage.server, stage.observed)
    if closed is not None:
        return Step(None, (closed, *targets.holds))
    if stage.observed.outstanding is not None:
        return _resend(stage, number, targets.holds)
    space = room(stage.server, stage.observed, targets)
    moves = refused.apart(stage, targets, _moves(stage, targets, space))
    removed, keeping = _removals(stage, targets)
    missing = [target for target in targets.models if stage.configs.get(target.name) is None]
    changes = bool(removed) or any(each.actions and not each.waits for each in moves)
    free, waiting = refused.newcomers_apart(stage, missing)
    coming = arrivals(stage, free, space, changes=changes)
    holds = (*targets.holds, *(hold for each in moves for hold in each.holds), *keeping, *waiting, *coming.holds)
    checks = tuple(due for each in moves for due in each.checks)
    body = _pass(stage, targets, moves, removed, coming)
    if body is None:
        return Step(None, holds, checks)
    specs = _specs(stage, targets, body.config) if number == 1 else ()
    return Step(replace(body, number=number, specs=specs, ways=_ways(targets, body)), holds, checks)


def _ways(targets: Targets, body: Pass) -> tuple[Way, ...]:
    """The order in which each model under `auto` changes that this pass loads or unloads a version of."""
    begun = {each.model for each in body.actions if each.kind in (ActionKind.LOAD, ActionKind.UNLOAD)}
    auto = (target for target in targets.models if target.asked and target.name in begun)
    return tuple(Way(target.name, target.asked, target.transition.policy) for target in auto)


def _moves(stage: Scene, targets: Targets, space: Room | None) -> list[Move]:
    exchanging = turn(stage, targets, space)
    if space is not None:
        space.reserve_for(exchanging)
    moves: list[Move] = []
    for target in targets.models if space is None else _by_need(stage, targets, exchanging):
        config = stage.configs.get(target.name)
        if config is None:
            continue
        if unchanged(stage, target, config):
            moves.append(Move(config))
        else:
            moves.append(move(stage, target, config, exchanging, space))
    return moves if space is None else sorted(moves, key=lambda each: each.config.name)


def _by_need(stage: Scene, targets: Targets, exchanging: str | None) -> list[Target]:
    """Who is first asked where memory is short: the exchange under way, then models that answer nobody."""
    return sorted(
        targets.models,
        key=lambda target: (target.name != exchanging, bool(stage.model(target.name).proven), target.name),
    )


def _removals(stage: Scene, targets: Targets) -> tuple[tuple[Action, ...], tuple[Hold, ...]]:
    actions = tuple(
        Action(
            ActionKind.REMOVE_MODEL,
            name,
            because="git no longer names it, and it may be pruned",
            leads_to=(Fact(FactKind.MODEL_UNLISTED, name),),
        )
        for name in targets.removed
        if stage.configs.get(name) is not None
    )
    holds = tuple(
        Hold(
            HoldReason.UNLOADING,
            model.name,
            f"the model was removed; version {version.version} is still {version.state.name}",
            "its END",
            version=version.version,
            progressing=True,
        )
        for model in sorted(stage.observed.models, key=lambda each: each.name)
        if model.removed_at and targets.model(model.name) is None
        for version in model.versions
        if version.going
    )
    return actions, holds


def _pass(
    stage: Scene, targets: Targets, moves: list[Move], removed: tuple[Action, ...], coming: Arrivals
) -> Pass | None:
    actions = (*removed, *(action for each in moves for action in each.actions))
    due = bool(removed) or any(each.actions and not each.waits for each in moves)
    if not due and not coming.configs:
        return None
    gone = {action.model for action in removed}
    configs = [each.config for each in moves if each.config.name not in gone]
    configs += [model for model in _kept(stage, targets) if model.name not in gone]
    kind = PassKind.CHANGE if actions else coming.kind
    config = _sorted([*configs, *([] if actions else coming.configs)])
    gaps: tuple[Gap, ...] = tuple(gap for each in moves for gap in each.gaps)
    return Pass(0, kind, actions or coming.actions, config, gaps)


def _kept(stage: Scene, targets: Targets) -> list[ModelConfig]:
    """Models in force without a target of their own: carried as they are (they are removed by name only)."""
    aims = {target.name for target in targets.models}
    return [model for model in stage.observed.sent.models if model.name not in aims]


def _sorted(models: list[ModelConfig]) -> ServerConfig:
    return ServerConfig(tuple(sorted(models, key=lambda each: each.name)))


def _specs(stage: Scene, targets: Targets, config: ServerConfig) -> tuple[tuple[str, str], ...]:
    names = config.names
    digests = {name: target.digest for target in targets.models if (name := target.name) and target.digest}
    carried = {target.name for target in targets.models if target.origin in _CARRIED}
    for wanted in stage.server.models:
        if wanted.name not in digests and wanted.name in names and wanted.name not in carried:
            digests[wanted.name] = spec_digest(wanted, stage.observed)
    return tuple(sorted((name, digest) for name, digest in digests.items() if name in names))


def _resend(stage: Scene, number: int, holds: tuple[Hold, ...]) -> Step:
    """After a lost answer without new names only the identical config may follow (rule E10)."""
    outstanding = stage.observed.outstanding
    if outstanding is None:
        return Step(None, holds)
    again = Hold(
        HoldReason.UNSETTLED,
        "",
        "the answer to the last reload is not known; the identical config is sent once more",
        "the answer to it",
        progressing=True,
    )
    return Step(Pass(number, PassKind.RESEND, (), outstanding.config, (), outstanding.specs), (again, *holds))
