"""Reloads that nobody answers, because somebody else's holds the config lock: the server must not be worn out by us."""

from collections.abc import Iterator

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

BAD = ModelConfig("bad", "/models/bad", specific(1))
HALF = ModelConfig("half", "/models/half", specific(1), (("stable", 1),))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=4) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.foreign_reload("gpu-1", ServerConfig((BAD, HALF)))
        world.run(1)
        yield world
        assert world.lost == []
        assert world.troubles == []


def test_lock_held_by_somebody_elses_model_does_not_pile_up_reloads(world: World) -> None:
    before = len(world.pages.intents)
    world.commit(model("half", 1, 2, stable=1))
    world.run(300)
    assert len(world.pages.intents) - before <= 7
    assert world.holds("gpu-1") == {HoldReason.WEDGED}


@pytest.mark.parametrize("wanted", [model("half", 1, 2, stable=1), model("half", 1, stable=1, canary=1)])
def test_lane_goes_on_soon_after_the_lock_is_free(world: World, wanted: DesiredModel) -> None:
    world.commit(wanted)
    world.run(300)
    world.model_files("bad", 1)
    world.run_until_converged(limit=30)
