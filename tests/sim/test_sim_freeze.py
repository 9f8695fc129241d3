"""Freeze windows end to end: held until the opening, healed meanwhile, gone back in, and clocks that jump."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import Window, WindowKind
from reconciler.state.plan import HoldReason

# Simulated clocks begin on 12 January 1970 at 13:46:40 UTC; this window opens 200 s later, for ten minutes.
DENY = Window("afternoon", WindowKind.DENY, "50 13 * * *", 600.0)
OPENS, ENDS = 200.0, 800.0


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=11) as world:
        world.fleet = replace(world.fleet, windows=(DENY,))
        for name in ("gpu-1", "gpu-2"):
            world.server(name)
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        yield world
        assert world.lost == []
        assert world.troubles == []


def serves_two(world: World) -> bool:
    return all(world.answers(name, "half", "stable") == 2 for name in ("gpu-1", "gpu-2"))


def commit_in_the_freeze(world: World) -> None:
    world.run(OPENS + 10 - world.now)
    world.commit(model("half", 2, stable=2))


def test_a_commit_before_the_window_goes_at_once(world: World) -> None:
    world.commit(model("half", 2, stable=2))
    assert world.run_until_converged() < 5


def test_a_commit_in_the_window_waits_for_its_end_and_not_a_second_longer(world: World) -> None:
    commit_in_the_freeze(world)
    world.run(5)
    assert {HoldReason.FROZEN} == world.holds("gpu-1") == world.holds("gpu-2")
    world.run(ENDS - 1 - world.now)
    assert world.serves("gpu-1") == {"half": (1,)}
    world.run_until(lambda: serves_two(world), limit=5)


def test_a_restart_in_the_window_is_healed_to_what_was_served(world: World) -> None:
    commit_in_the_freeze(world)
    world.run(5)
    world.restart("gpu-1")
    world.traffic.excuse("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)
    assert world.now < ENDS


def test_what_the_window_finds_under_way_is_finished(world: World) -> None:
    world.model_files("half", 3, seconds=30.0)
    world.run(OPENS - 10 - world.now)
    world.commit(model("half", 3, stable=3))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 3, limit=60)
    assert OPENS < world.now < ENDS


def test_a_revert_in_the_window_goes_at_once(world: World) -> None:
    world.commit(model("half", 2, stable=2))
    world.run_until_converged()
    world.run(OPENS + 10 - world.now)
    world.commit(model("half", 1, stable=1))
    assert world.run_until_converged() < 5


def test_a_reconciler_that_starts_in_the_window_holds_as_well(world: World) -> None:
    commit_in_the_freeze(world)
    world.crash()
    world.start()
    world.run(30)
    assert world.holds("gpu-1") == {HoldReason.FROZEN}


@pytest.mark.parametrize("jump", [-150.0, ENDS])
def test_a_clock_that_jumps_out_of_the_window_lets_the_change_begin(world: World, jump: float) -> None:
    commit_in_the_freeze(world)
    world.run(10)
    assert HoldReason.FROZEN in world.holds("gpu-1")
    world.clock.jump(jump)
    world.run_until(lambda: serves_two(world), limit=30)


def test_a_clock_that_jumps_into_the_window_keeps_what_comes_then_from_beginning(world: World) -> None:
    world.clock.jump(OPENS + 30 - world.now)
    world.commit(model("half", 2, stable=2))
    world.run(20)
    assert world.serves("gpu-1") == {"half": (1,)}
    world.clock.jump(-OPENS)
    world.run_until(lambda: serves_two(world), limit=30)
