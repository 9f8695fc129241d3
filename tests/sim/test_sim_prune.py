"""prune of a Model, end to end: its wish outlives its document, and the reconciler."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import Prune
from reconciler.state.plan import HoldReason

HALF = model("half", 1, stable=1)


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=12) as world:
        world.server("gpu-1")
        for name in ("half", "gone"):
            world.model_files(name, 1)
        yield world
        assert world.lost == []
        assert world.troubles == []


def placed(world: World, prune: Prune) -> None:
    world.commit(HALF, replace(model("gone", 1, stable=1), prune=prune))
    world.run_until_converged()


def test_a_document_that_forbade_it_keeps_the_model_served_when_it_is_gone(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    placed(world, Prune.FORBID)
    world.crash()
    world.start()
    world.commit(HALF)
    world.run(30)
    assert world.answers("gpu-1", "gone", "stable") == 1
    assert world.holds("gpu-1") == {HoldReason.PRUNE_GUARD}


def test_a_model_that_stays_gets_its_labels_back_after_a_restart(world: World) -> None:
    placed(world, Prune.FORBID)
    world.commit(HALF)
    world.run(5)
    world.restart("gpu-1")
    world.traffic.excuse("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "gone", "stable") == 1, limit=15)


def test_a_document_that_allowed_it_lets_the_model_go_although_the_fleet_does_not_prune(world: World) -> None:
    placed(world, Prune.ALLOW)
    world.commit(HALF)
    world.run_until_converged()
    world.run_until(lambda: world.serves("gpu-1") == {"half": (1,)}, limit=10)


def test_the_last_word_counts(world: World) -> None:
    placed(world, Prune.FORBID)
    placed(world, Prune.ALLOW)
    world.run(12)
    world.commit(HALF)
    world.run_until(lambda: world.serves("gpu-1") == {"half": (1,)}, limit=10)
