"""Somebody else sends configs to our server, once or without end: healed at once twice, then named and not fought."""

from collections.abc import Iterator

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

ONLY_ONE = ServerConfig(
    (
        ModelConfig("half", "/models/half", specific(1), (("stable", 1),)),
        ModelConfig("other", "/models/other", specific(1), (("stable", 1),)),
    )
)
"""What the other writer sends: version 2 of `half` is not on it."""


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=7) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.model_files("other", 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def converged(world: World, *, canary: bool) -> None:
    half = model("half", 1, 2, stable=1, canary=2) if canary else model("half", 1, 2, stable=1)
    world.commit(half, model("other", 1, stable=1))
    world.run_until_converged()


def intrude(world: World, seconds: float = 0.0, every: float = 2.0) -> None:
    """One foreign reload, or one after another for that long."""
    world.foreign_reload("gpu-1", ONLY_ONE)
    world.run(every)
    for _ in range(int(seconds / every)):
        world.foreign_reload("gpu-1", ONLY_ONE)
        world.run(every)


def fought(world: World) -> None:
    """Version 2, with no label on it, was dropped by somebody else for the third time within ten minutes."""
    converged(world, canary=False)
    for _ in range(2):
        intrude(world)
        world.run_until(lambda: world.serves("gpu-1")["half"] == (1, 2), limit=30)
        world.run_until_converged()
    intrude(world)


def test_version_that_somebody_else_drops_three_times_is_drift_and_no_wedge(world: World) -> None:
    fought(world)
    world.run_until(lambda: HoldReason.DRIFT_FIGHT in world.holds("gpu-1"), limit=30)
    world.run(20)
    assert world.holds("gpu-1") == {HoldReason.DRIFT_FIGHT}
    assert world.at_rest()
    assert world.serves("gpu-1")["half"] == (1,)


def test_drift_says_what_was_seen_and_when_it_is_put_right_again(world: World) -> None:
    fought(world)
    world.run_until(lambda: HoldReason.DRIFT_FIGHT in world.holds("gpu-1"), limit=30)
    hold = next(hold for hold in world.plans()["gpu-1"].holds if hold.reason is HoldReason.DRIFT_FIGHT)
    assert "version 2" in hold.detail
    assert "unloaded it" in hold.detail
    assert "in turns; this was so 3 times lately" in hold.detail
    assert hold.since is not None
    assert world.clock.now() - hold.since > 10
    assert hold.until is not None
    assert 40 < hold.until - world.clock.now() <= 60


def test_drift_heals_a_pause_after_the_other_writer_stopped(world: World) -> None:
    fought(world)
    world.run_until(lambda: HoldReason.DRIFT_FIGHT in world.holds("gpu-1"), limit=30)
    world.run_until_converged(limit=80)
    assert world.serves("gpu-1")["half"] == (1, 2)


def test_labelled_version_dropped_twice_comes_back_at_once(world: World) -> None:
    converged(world, canary=True)
    for _ in range(2):
        intrude(world)
        world.run_until(lambda: world.answers("gpu-1", "half", "canary") == 2, limit=20)
        world.run_until_converged()
        assert HoldReason.DRIFT_FIGHT not in world.holds("gpu-1")


def test_labelled_version_dropped_every_two_seconds_is_named_and_not_fought(world: World) -> None:
    converged(world, canary=True)
    before = len(world.pages.intents)
    intrude(world, seconds=50)
    assert HoldReason.DRIFT_FIGHT in world.holds("gpu-1")
    assert len(world.pages.intents) - before <= 6
    assert world.answers("gpu-1", "half", "stable") == 1


def test_pauses_between_repairs_grow_while_the_other_writer_goes_on(world: World) -> None:
    converged(world, canary=True)
    intrude(world, seconds=60)
    before = len(world.pages.intents)
    intrude(world, seconds=600, every=5.0)
    assert len(world.pages.intents) - before < 16


def test_drifted_model_heals_once_the_other_writer_stops(world: World) -> None:
    converged(world, canary=True)
    intrude(world, seconds=50)
    world.run_until_converged(limit=130)
    assert world.answers("gpu-1", "half", "canary") == 2


def test_other_models_change_while_one_drifts(world: World) -> None:
    converged(world, canary=True)
    intrude(world, seconds=50)
    assert HoldReason.DRIFT_FIGHT in world.holds("gpu-1")
    world.commit(model("half", 1, 2, stable=1, canary=2), model("other", 2, stable=2))
    world.run_until(lambda: world.answers("gpu-1", "other", "stable") == 2, limit=20)
