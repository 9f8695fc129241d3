"""Waves end to end, at 1, 10 and 100 servers: who changes when, and what stops it. No labelled request is lost."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.desired import Rollout, Wave
from reconciler.state.plan import HoldReason

CANARY = Rollout(1, 1, (Wave("first", (("tier", "canary"),), pause=60.0), Wave("rest")))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=3) as world:
        world.model_files("half", 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def fleet(world: World, count: int, rules: Rollout, canaries: int = 1) -> list[str]:
    """So many servers, the first of them canaries, converged on version 1."""
    world.fleet = replace(world.fleet, rollout=rules)
    names = [f"gpu-{number:03}" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        world.server(name, tier="canary" if number < canaries else "prod")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=400)
    return names


def moved(world: World, names: list[str]) -> list[str]:
    """The servers whose label is on version 2."""
    return [name for name in names if world.answers(name, "half", "stable") == 2]


def changing(world: World, names: list[str]) -> list[str]:
    """The servers that hold both versions."""
    return [name for name in names if len(world.serves(name).get("half", ())) > 1]


@pytest.mark.parametrize(("count", "canaries", "most"), [(1, 1, 1), (10, 2, 2), (100, 5, 20)])
def test_a_change_goes_through_the_waves_and_never_on_more_servers_than_may(
    world: World, count: int, canaries: int, most: int
) -> None:
    names = fleet(world, count, replace(CANARY, max_concurrent=most), canaries)
    world.commit(model("half", 2, stable=2))
    began = world.now
    highest = 0
    while not world.converged():
        world.run(0.05)
        highest = max(highest, len(changing(world, names)))
        if world.now < began + 60.0:
            assert set(moved(world, names)) <= set(names[:canaries])
        assert world.now < began + 400
    assert highest <= most
    assert moved(world, names) == names


def test_the_rest_waits_out_the_pause_and_says_so(world: World) -> None:
    names = fleet(world, 3, CANARY)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: moved(world, names) == names[:1], limit=5)
    world.run(30)
    assert moved(world, names) == names[:1]
    assert HoldReason.WAVE_TURN in world.holds(names[1])


def test_a_version_that_fails_on_the_first_server_reaches_no_other(world: World) -> None:
    world.model_files("half", 3, error="Can't parse saved_model.pb as binary proto")
    names = fleet(world, 3, CANARY)
    world.commit(replace(model("half", 3, stable=3), retry=replace(model("half", 3).retry, limit=1)))
    world.run(300)
    assert [world.answers(name, "half", "stable") for name in names] == [1, 1, 1]
    assert HoldReason.ROLLOUT_STOPPED in world.holds(names[1])
    assert all(3 not in [each.version for each in world.observed(name).model("half").versions] for name in names[1:])


def test_a_revert_in_the_middle_of_a_rollout_takes_back_what_was_begun(world: World) -> None:
    names = fleet(world, 4, CANARY)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: moved(world, names) == names[:1], limit=5)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=10)
    assert moved(world, names) == []


def test_going_back_after_a_rollout_does_not_wait_for_pauses(world: World) -> None:
    names = fleet(world, 3, CANARY)
    world.commit(model("half", 2, stable=2))
    world.run_until_converged(limit=200)
    world.commit(model("half", 1, stable=1))
    took = world.run_until_converged(limit=20)
    assert took < 60.0
    assert moved(world, names) == []


def test_a_killed_reconciler_goes_on_where_the_rollout_was(world: World) -> None:
    names = fleet(world, 3, CANARY)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: moved(world, names) == names[:1], limit=5)
    world.run(5)
    world.crash()
    world.start()
    world.run(20)
    assert moved(world, names) == names[:1]
    world.run_until_converged(limit=200)
    assert moved(world, names) == names


def test_a_server_that_restarts_in_the_middle_of_its_wave_holds_up_the_next(world: World) -> None:
    names = fleet(world, 3, CANARY)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: moved(world, names) == names[:1], limit=5)
    world.restart(names[0])
    world.run_until_converged(limit=200)
    assert moved(world, names) == names


def test_a_server_out_of_reach_stops_the_rollout_until_it_answers(world: World) -> None:
    names = fleet(world, 3, CANARY)
    world.servers[names[2]].kill()
    world.traffic.excuse(names[2])
    world.run(15)
    world.commit(model("half", 2, stable=2))
    world.run(30)
    assert moved(world, names[:2]) == []
    assert HoldReason.ROLLOUT_STOPPED in world.holds(names[0])
    world.restart(names[2])
    world.run_until_converged(limit=300)
    assert moved(world, names) == names


def test_resource_exchanges_go_one_server_at_a_time_without_any_rules(world: World) -> None:
    names = ["gpu-1", "gpu-2", "gpu-3"]
    for name in names:
        world.server(name)
    world.commit(resource(model("half", 1, stable=1)))
    world.run_until_converged()
    world.commit(resource(model("half", 2, stable=2)))
    silent = 0
    while not world.converged():
        world.run(0.02)
        silent = max(silent, sum(not isinstance(world.answers(name, "half", "stable"), int) for name in names))
    assert silent == 1
    assert moved(world, names) == names
