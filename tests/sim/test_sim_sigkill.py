"""SIGKILL at every point of a pass that matters, for every kind of action, then start again."""

import pytest

from reconciler.sim import CrashPoint, World, model
from reconciler.state.plan import ActionKind

KINDS = [ActionKind.LOAD, ActionKind.LABEL, ActionKind.UNLOAD, ActionKind.ADD_MODEL]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", CrashPoint)
@pytest.mark.parametrize("pause", [0.0, 3.0], ids=["at once", "after 3 s"])
def test_reconciler_killed_in_the_middle_of_a_pass_goes_on_from_its_record(
    point: CrashPoint, kind: ActionKind, pause: float
) -> None:
    with World(seed=11) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.model_files("other", 1)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point, kind)
        world.commit(model("half", 2, stable=2), model("other", 1, stable=1))
        world.run_until_crashed()
        world.run(pause)
        world.start()
        world.run_until_converged(limit=40)
        assert world.serves("gpu-1") == {"half": (2,), "other": (1,)}
        assert world.answers("gpu-1", "other", "stable") == 1
        assert world.lost == []
        assert world.troubles == []


@pytest.mark.parametrize("point", CrashPoint)
def test_every_intent_has_its_outcomes_after_a_crash(point: CrashPoint) -> None:
    with World(seed=12) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point)
        world.commit(model("half", 2, stable=2))
        world.run_until_crashed()
        world.start()
        world.run_until_converged(limit=40)
        open_actions = [
            (intent.id, index)
            for intent in world.pages.intents
            for index in range(len(intent.body.actions))
            if index not in world.pages.outcomes[intent.id]
        ]
        assert open_actions == []


@pytest.mark.parametrize("point", CrashPoint)
def test_server_killed_together_with_the_reconciler_is_healed(point: CrashPoint) -> None:
    with World(seed=13) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point, ActionKind.LABEL)
        world.commit(model("half", 2, stable=2))
        world.run_until_crashed()
        world.restart("gpu-1")
        world.start()
        world.run_until_converged(limit=40)
        assert world.serves("gpu-1") == {"half": (2,)}
        assert world.troubles == []
