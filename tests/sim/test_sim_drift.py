"""Somebody else changes what a server serves: seen within one observe interval, and put right or only reported."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel, Drift
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

INTERVAL = 10.0
GIT = (model("half", 1, 2, stable=1, canary=2), model("other", 1, stable=1))
VERSIONS = "their versions"
LABELS = "their labels"


def theirs(what: str) -> ServerConfig:
    """What the other writer sends: one version fewer, or one label moved."""
    half = (
        ModelConfig("half", "/models/half", specific(1), (("stable", 1),))
        if what == VERSIONS
        else ModelConfig("half", "/models/half", specific(1, 2), (("canary", 1), ("stable", 1)))
    )
    return ServerConfig((half, ModelConfig("other", "/models/other", specific(1), (("stable", 1),))))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3)
        world.model_files("other", 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def drifted(world: World, drift: Drift, what: str, *models: DesiredModel) -> None:
    """A server that stood as git says for a while, and then somebody else changed it."""
    world.fleet = replace(world.fleet, drift=drift)
    world.commit(*(models or GIT))
    world.run_until_converged()
    world.run(25)
    world.foreign_reload("gpu-1", theirs(what))
    world.traffic.excuse("gpu-1")


@pytest.mark.parametrize("what", [VERSIONS, LABELS])
def test_it_is_reported_within_one_observe_interval_and_left_alone(world: World, what: str) -> None:
    drifted(world, Drift.REPORT, what)
    sent = len(world.pages.intents)
    world.run_until(lambda: HoldReason.DRIFT_REPORTED in world.holds("gpu-1"), limit=INTERVAL + 0.5)
    world.run(120)
    assert HoldReason.DRIFT_REPORTED in world.holds("gpu-1")
    assert len(world.pages.intents) == sent


@pytest.mark.parametrize("what", [VERSIONS, LABELS])
def test_it_is_seen_within_one_observe_interval_and_put_right_soon_after(world: World, what: str) -> None:
    drifted(world, Drift.HEAL, what)
    took = world.run_until(lambda: world.answers("gpu-1", "half", "canary") == 2, limit=30)
    assert took <= INTERVAL + 8.0


def test_it_stays_reported_when_the_reconciler_starts_anew(world: World) -> None:
    drifted(world, Drift.REPORT, VERSIONS)
    world.run_until(lambda: HoldReason.DRIFT_REPORTED in world.holds("gpu-1"), limit=15)
    world.run(10)
    world.crash()
    world.start()
    world.run(30)
    assert world.holds("gpu-1") == {HoldReason.DRIFT_REPORTED}
    assert world.serves("gpu-1")["half"] == (1,)


def test_others_change_while_it_is_reported_and_it_is_carried_as_it_is(world: World) -> None:
    drifted(world, Drift.REPORT, LABELS)
    world.run(30)
    world.commit(GIT[0], model("other", 2, stable=2))
    world.run_until(lambda: world.answers("gpu-1", "other", "stable") == 2, limit=20)
    world.run(30)
    assert world.answers("gpu-1", "half", "canary") == 1
    assert world.holds("gpu-1") == {HoldReason.DRIFT_REPORTED}


def test_the_next_commit_of_the_model_takes_over(world: World) -> None:
    drifted(world, Drift.REPORT, LABELS)
    world.run(30)
    world.commit(model("half", 1, 3, stable=1, canary=3), GIT[1])
    world.run_until_converged()
    assert world.answers("gpu-1", "half", "canary") == 3


def test_it_is_over_when_the_other_writer_takes_it_back(world: World) -> None:
    drifted(world, Drift.REPORT, LABELS)
    world.run(30)
    world.foreign_reload("gpu-1", ServerConfig(tuple(_as_git(each) for each in GIT)))
    world.run_until_converged(limit=20)


def test_a_restart_is_healed_although_drift_is_only_reported(world: World) -> None:
    world.fleet = replace(world.fleet, drift=Drift.REPORT)
    world.commit(*GIT)
    world.run_until_converged()
    world.run(25)
    world.restart("gpu-1")
    world.traffic.excuse("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "half", "canary") == 2, limit=15)
    assert HoldReason.DRIFT_REPORTED not in world.holds("gpu-1")


def _as_git(wanted: DesiredModel) -> ModelConfig:
    return ModelConfig(wanted.name, wanted.base_path, wanted.policy, wanted.labels)
