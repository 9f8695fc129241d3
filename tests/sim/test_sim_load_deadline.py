"""Loads that never end: past `loadDeadline` they count as failed, and the label stays where, or goes back to where, it
answers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import DesiredModel, Retry, Transition, TransitionPolicy
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

FOREVER = 100_000.0


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=11) as world:
        world.server("gpu-1")
        world.model_files("half", 1)
        world.model_files("half", 2, seconds=FOREVER)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(version: int, policy: TransitionPolicy = TransitionPolicy.AVAILABILITY, limit: int = 1) -> DesiredModel:
    wanted = model("half", policy=specific(version), stable=version)
    return replace(
        wanted,
        transition=Transition(policy, allow_downtime=True, load_deadline=20.0),
        retry=Retry(limit=limit, backoff=5.0),
    )


def promoted(world: World, policy: TransitionPolicy = TransitionPolicy.AVAILABILITY, limit: int = 1) -> None:
    """Version 1 is served, and git asks for version 2, which loads for ever."""
    world.commit(half(1, policy))
    world.run_until_converged()
    world.commit(half(2, policy, limit))


def test_load_that_never_ends_is_booked_once_and_quarantined(world: World) -> None:
    promoted(world)
    world.run(60)
    failures = world.observed("gpu-1").failures
    assert [(each.version, each.count, each.error.code) for each in failures] == [(2, 1, 4)]
    assert "LOADING" in failures[0].error.message
    assert "loadDeadline of 20 s" in failures[0].error.message
    assert HoldReason.QUARANTINED in world.holds("gpu-1")


def test_under_availability_the_label_stays_on_the_version_that_serves(world: World) -> None:
    promoted(world)
    world.run(60)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.observed("gpu-1").sent.names == {"half"}
    assert [each.listed for each in world.observed("gpu-1").sent.models] == [(1,)]


def test_load_that_never_ends_is_tried_again_as_often_as_git_says(world: World) -> None:
    promoted(world, limit=2)
    world.run(150)
    assert [each.count for each in world.observed("gpu-1").failures] == [2]
    assert HoldReason.QUARANTINED in world.holds("gpu-1")
    assert world.answers("gpu-1", "half", "stable") == 1


def test_under_resource_the_version_that_was_dropped_is_restored(world: World) -> None:
    promoted(world, TransitionPolicy.RESOURCE)
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=5)
    world.run(10)
    assert world.serves("gpu-1") == {}
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=60)
    assert HoldReason.RESTORED_AFTER_FAILED_LOAD in world.holds("gpu-1")


def test_load_slower_than_usual_but_within_its_deadline_is_no_failure(world: World) -> None:
    world.storage.change("/models/half", 2, seconds=18.0)
    promoted(world)
    world.run_until_converged(limit=40)
    assert world.observed("gpu-1").failures == ()
