"""A server that turned a config down: whose change it was, and how the others go on without it.

TensorFlow Serving refuses a reload as a whole, for one model's sake (server_core.cc, ValidateModelConfigList and
UpdateModelVersionLabelMap; rule E4). The models that were about to change are under suspicion, or the one that the
server's words name. What a suspect would send again waits for a pause that grows, and then goes alone: it never travels
in a reload that others need. A change that git asks of it meanwhile is another one, and goes like any.
Called by `plan/step.py`. Deliberately not here: who is suspected (`belief/reloads.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.plan.gates import refusal_pause_ends
from reconciler.plan.labels import drop_dangling
from reconciler.plan.scene import Move, Scene, draft
from reconciler.plan.target import Target, Targets
from reconciler.plan.wording import times
from reconciler.state.config import ModelConfig
from reconciler.state.memory import Refusal
from reconciler.state.plan import Hold, HoldReason


def apart(stage: Scene, targets: Targets, moves: Sequence[Move]) -> list[Move]:
    """The moves of models that the server has, with those of suspects taken out, or left alone to go."""
    refusal = stage.observed.refusal
    if refusal is None or not refusal.suspects:
        return list(moves)
    again = [each.config.name for each in moves if each.actions and each.config in refusal.suspects]
    others = [each for each in moves if each.actions and not each.waits and each.config.name not in again]
    chosen = again[:1] if again and not others and not _paused(stage, refusal) else []
    kept = []
    for each in moves:
        target = targets.model(each.config.name)
        waits = each.config.name in again and each.config.name not in chosen and target is not None
        kept.append(_held(stage, target, refusal) if waits and target is not None else each)
    return kept


def newcomers_apart(stage: Scene, missing: Sequence[Target]) -> tuple[list[Target], list[Hold]]:
    """The new names that may be added with others, or one suspect alone; and the holds of the suspects that wait."""
    refusal = stage.observed.refusal
    names = {each.name for each in refusal.suspects} if refusal is not None else set()
    suspects = [target for target in missing if target.name in names]
    if refusal is None or not suspects:
        return list(missing), []
    others = [target for target in missing if target.name not in names]
    chosen = others or ([] if _paused(stage, refusal) else suspects[:1])
    return chosen, [_hold(stage, target.name, refusal) for target in suspects if target not in chosen]


def _paused(stage: Scene, refusal: Refusal) -> bool:
    return stage.observed.at < refusal_pause_ends(refusal)


def _held(stage: Scene, target: Target, refusal: Refusal) -> Move:
    """The model as it is in force, for the reloads of others to carry."""
    config: ModelConfig = stage.configs[target.name]
    work = draft(stage, target, config)
    drop_dangling(work)
    work.holds.append(_hold(stage, target.name, refusal))
    return replace(work.finish(), waits=True)


def _hold(stage: Scene, model: str, refusal: Refusal) -> Hold:
    paused = _paused(stage, refusal)
    return Hold(
        HoldReason.SERVER_REFUSED,
        model,
        f"the server refused a config with this change {times(refusal.count)}: {refusal.message} (code {refusal.code})",
        "the next try, alone; or a commit that asks for something else",
        until=refusal_pause_ends(refusal) if paused else None,
        progressing=refusal.count < 3,
    )
