"""Servers that leave their Fleet and come back: what is told of them, and one lane at a time."""

from collections.abc import Iterator

import pytest

from reconciler.sim import World, model


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=3) as world:
        world.server("gpu-1")
        world.server("gpu-2")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        yield world
        assert world.troubles == []


def looked_at(world: World) -> set[str]:
    """The servers whose present lane has had a look."""
    assert world.process is not None
    assert world.process.service is not None
    lanes = world.process.service.lanes.lanes
    return {server_id for server_id, lane in lanes.items() if lane.observed is not None}


def test_nothing_is_told_of_a_server_that_was_let_go_and_its_memory_is_kept(world: World) -> None:
    world.servers.pop("gpu-2")
    world.commit(model("half", 1, stable=1))
    world.run(5)
    assert world.pages.statuses["eu/gpu-2"] == ()
    assert "eu/gpu-2" not in world.pages.plans
    assert "eu/gpu-2" in world.pages.memories
    assert world.pages.statuses["eu/gpu-1"] != ()


def test_nothing_is_told_of_a_server_that_left_while_nobody_watched(world: World) -> None:
    world.stop()
    world.servers.pop("gpu-2")
    world.commit(model("half", 1, stable=1))
    world.start()
    world.run(5)
    assert world.pages.statuses["eu/gpu-2"] == ()
    assert "eu/gpu-2" in world.pages.memories


def test_server_that_is_listed_again_is_told_of_again_and_sent_nothing(world: World) -> None:
    gone = world.servers.pop("gpu-2")
    world.commit(model("half", 1, stable=1))
    world.run(5)
    sent = len(world.pages.intents)
    world.servers["gpu-2"] = gone
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    assert {status.model for status in world.pages.statuses["eu/gpu-2"]} == {"", "half"}
    assert len(world.pages.intents) == sent


def test_server_listed_again_during_a_reload_has_one_lane_at_a_time(world: World) -> None:
    """The reload with a new, slow name is under way when the server leaves and comes back."""
    world.model_files("slow", 1, seconds=4.0)
    world.commit(model("half", 1, stable=1), model("slow", 1, stable=1))
    world.run(0.5)
    gone = world.servers.pop("gpu-2")
    world.commit(model("half", 1, stable=1), model("slow", 1, stable=1))
    world.run(0.1)
    world.servers["gpu-2"] = gone
    world.commit(model("half", 1, stable=1), model("slow", 1, stable=1))
    world.run(1)
    assert looked_at(world) == {"eu/gpu-1"}
    world.run_until_converged(limit=40)
    assert looked_at(world) == {"eu/gpu-1", "eu/gpu-2"}
    adding = [each for each in world.pages.intents if each.server == "eu/gpu-2" and "slow" in each.body.config.names]
    assert [each.body.kind.value for each in adding] == ["add", "change"]
    assert world.pages.statuses["eu/gpu-2"] != ()
