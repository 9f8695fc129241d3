"""Blast radius end to end, at 1, 10 and 100 servers: held over restarts and later commits, until confirmed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import BlastRadius
from reconciler.state.plan import HoldReason

HALF = model("half", 1, stable=1)
GONE = model("gone", 1, stable=1)


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=13) as world:
        for name in ("half", "gone"):
            world.model_files(name, 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def fleet(world: World, count: int, limits: BlastRadius) -> list[str]:
    """So many servers that hold both models, and a commit that takes one of them off all."""
    world.fleet = replace(world.fleet, prune=True, blast_radius=limits)
    names = [f"gpu-{number:03}" for number in range(1, count + 1)]
    for name in names:
        world.server(name)
    world.commit(HALF, GONE)
    world.run_until_converged(limit=60)
    return names


def still_there(world: World, names: list[str]) -> list[str]:
    return [name for name in names if "gone" in world.serves(name)]


@pytest.mark.parametrize(("count", "limits"), [(1, BlastRadius(0)), (10, BlastRadius(100, 20)), (100, BlastRadius())])
def test_more_removals_than_allowed_wait_for_a_confirmed_commit(world: World, count: int, limits: BlastRadius) -> None:
    names = fleet(world, count, limits)
    world.commit(HALF)
    world.run(30)
    assert still_there(world, names) == names
    assert all(world.holds(name) == {HoldReason.BLAST_RADIUS} for name in names)
    world.commit(HALF, confirmed=True)
    world.run_until(lambda: still_there(world, names) == [], limit=60)


def test_the_rest_of_the_commit_goes_on(world: World) -> None:
    names = fleet(world, 3, BlastRadius(2))
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: all(world.answers(name, "half", "stable") == 2 for name in names), limit=10)
    assert still_there(world, names) == names


def test_it_stays_held_over_a_restart_of_the_reconciler_and_an_unrelated_commit(world: World) -> None:
    names = fleet(world, 3, BlastRadius(2))
    world.commit(HALF)
    world.run(5)
    world.crash()
    world.start()
    world.run(20)
    world.commit(model("half", 2, stable=2))
    world.run(20)
    assert still_there(world, names) == names


def test_what_is_held_is_healed_when_its_server_restarts(world: World) -> None:
    names = fleet(world, 3, BlastRadius(2))
    world.commit(HALF)
    world.run(5)
    world.restart(names[0])
    world.traffic.excuse(names[0])
    world.run_until(lambda: world.answers(names[0], "gone", "stable") == 1, limit=15)


def test_a_commit_after_a_confirmed_one_does_not_hold_again_what_is_still_going(world: World) -> None:
    names = fleet(world, 3, BlastRadius(2))
    world.commit(HALF, confirmed=True)
    world.run(0.01)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: still_there(world, names) == [], limit=20)


def test_a_commit_that_names_the_model_again_leaves_nothing_to_hold(world: World) -> None:
    names = fleet(world, 3, BlastRadius(2))
    world.commit(HALF)
    world.run(5)
    world.commit(HALF, GONE)
    world.run_until_converged(limit=10)
    assert all(world.holds(name) == set() for name in names)
