"""`apply`: how it ends, and with which exit code."""

from collections.abc import Iterator

import pytest

from reconciler.loop import Verdict
from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.outcome import Status, Sync


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=1) as world:
        world.server("gpu-1")
        world.server("gpu-2")
        world.model_files("half", 1)
        yield world


def test_apply_ends_when_every_server_is_what_git_says(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    applied = world.apply()
    assert applied.converged == ("eu/gpu-1", "eu/gpu-2")
    assert applied.verdict is Verdict.APPLIED
    assert world.answers("gpu-2", "half", "stable") == 1


def test_apply_again_sends_nothing(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.apply()
    sent = len(world.pages.intents)
    assert world.apply().verdict is Verdict.APPLIED
    assert len(world.pages.intents) == sent


def test_apply_of_a_version_that_is_not_there_is_blocked(world: World) -> None:
    world.commit(model("half", 2, stable=2))
    began = world.now
    assert world.apply().verdict is Verdict.BLOCKED
    assert world.now - began < 10


def test_apply_of_a_missing_version_of_a_served_model_is_blocked_and_nothing_is_unloaded(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.apply()
    world.commit(model("half", 2, stable=2))
    assert world.apply().verdict is Verdict.BLOCKED
    assert world.serves("gpu-1") == {"half": (1,)}


def test_apply_of_a_version_that_cannot_be_loaded_is_blocked_though_the_old_one_was_brought_back(world: World) -> None:
    world.model_files("half", 2, error="Can't parse saved_model.pb")
    world.commit(resource(model("half", 1, stable=1)))
    world.apply()
    world.commit(resource(model("half", 2, stable=2)))
    assert world.apply().verdict is Verdict.BLOCKED
    assert (world.serves("gpu-1"), status_of(world).sync) == ({"half": (1,)}, Sync.OUT_OF_SYNC)


def status_of(world: World) -> Status:
    return next(each for each in world.pages.statuses["eu/gpu-1"] if each.model == "half")


def test_apply_with_one_server_down_is_applied_partly(world: World) -> None:
    world.servers["gpu-2"].kill()
    world.commit(model("half", 1, stable=1))
    applied = world.apply()
    assert (applied.converged, applied.blocked) == (("eu/gpu-1",), ("eu/gpu-2",))
    assert applied.verdict is Verdict.PARTLY


def test_apply_waits_for_a_server_that_is_starting(world: World) -> None:
    world.servers["gpu-2"].kill()
    world.commit(model("half", 1, stable=1))
    world.later(4.0, lambda: world.restart("gpu-2"))
    assert world.apply().verdict is Verdict.APPLIED


def test_apply_whose_time_runs_out_says_so_and_leaves_what_was_sent(world: World) -> None:
    world.model_files("slow", 1, seconds=60)
    world.commit(model("slow", 1, stable=1))
    applied = world.apply(timeout=10)
    assert applied.verdict is Verdict.TIMED_OUT
    assert world.pages.memories["eu/gpu-1"].outstanding is not None


def test_apply_of_a_desired_state_without_servers_is_applied() -> None:
    with World(seed=1) as world:
        world.commit()
        assert world.apply().verdict is Verdict.APPLIED
