"""Somebody else changes a model whose versions the server chooses: put right or only reported, like any other."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Drift
from reconciler.state.plan import HoldReason
from reconciler.state.versions import All, Latest, VersionPolicy, specific

TWO = Latest(2)
OTHER = ModelConfig("other", "/models/other", specific(1), (("stable", 1),))
NARROWED = ServerConfig((ModelConfig("half", "/models/half", specific(1)), OTHER))
WIDENED = ServerConfig((ModelConfig("half", "/models/half", All()), OTHER))
REMOVED = ServerConfig((OTHER,))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=9) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3)
        world.model_files("other", 1, 2)
        yield world
        assert world.troubles == []


def settled(world: World, drift: Drift, policy: VersionPolicy = TWO) -> None:
    world.fleet = replace(world.fleet, drift=drift)
    world.commit(model("half", policy=policy), model("other", 1, stable=1))
    world.run_until_converged()
    world.run(25)


@pytest.mark.parametrize("theirs", [NARROWED, WIDENED, REMOVED])
def test_what_somebody_else_sends_is_put_right_soon_after(world: World, theirs: ServerConfig) -> None:
    settled(world, Drift.HEAL)
    world.foreign_reload("gpu-1", theirs)
    world.run(2)
    assert world.serves("gpu-1").get("half") != (2, 3)
    assert world.run_until(lambda: world.serves("gpu-1").get("half") == (2, 3), limit=40) < 25
    world.run_until_converged()


@pytest.mark.parametrize("theirs", [NARROWED, WIDENED, REMOVED])
def test_where_drift_is_only_reported_it_is_told_and_left(world: World, theirs: ServerConfig) -> None:
    settled(world, Drift.REPORT)
    world.foreign_reload("gpu-1", theirs)
    sent = len(world.pages.intents)
    world.run_until(lambda: world.holds("gpu-1") == {HoldReason.DRIFT_REPORTED}, limit=25)
    found = world.serves("gpu-1").get("half")
    world.run(300)
    assert (world.holds("gpu-1"), world.serves("gpu-1").get("half")) == ({HoldReason.DRIFT_REPORTED}, found)
    assert len(world.pages.intents) == sent


def test_it_is_carried_as_it_was_found_when_another_model_changes(world: World) -> None:
    settled(world, Drift.REPORT)
    world.foreign_reload("gpu-1", NARROWED)
    world.run(30)
    world.commit(model("half", policy=Latest(2)), model("other", 2, stable=2))
    world.run_until(lambda: world.answers("gpu-1", "other", "stable") == 2, limit=30)
    world.run(60)
    assert (world.serves("gpu-1")["half"], world.holds("gpu-1")) == ((1,), {HoldReason.DRIFT_REPORTED})


def test_it_stays_reported_when_the_reconciler_starts_anew(world: World) -> None:
    settled(world, Drift.REPORT)
    world.foreign_reload("gpu-1", NARROWED)
    world.run(30)
    world.crash()
    world.start()
    world.run(30)
    assert (world.serves("gpu-1")["half"], world.holds("gpu-1")) == ((1,), {HoldReason.DRIFT_REPORTED})


def test_it_is_over_when_the_other_writer_takes_it_back(world: World) -> None:
    settled(world, Drift.REPORT)
    world.foreign_reload("gpu-1", NARROWED)
    world.run(30)
    world.foreign_reload("gpu-1", ServerConfig((ModelConfig("half", "/models/half", Latest(2)), OTHER)))
    world.run_until_converged(limit=40)


def test_a_choice_frozen_by_somebody_else_shows_when_the_next_version_comes(world: World) -> None:
    settled(world, Drift.HEAL, Latest(1))
    world.foreign_reload("gpu-1", ServerConfig((ModelConfig("half", "/models/half", specific(3)), OTHER)))
    world.run(30)
    world.model_files("half", 4)
    assert world.run_until(lambda: world.serves("gpu-1")["half"] == (4,), limit=120) > 60


def test_somebody_who_narrows_it_again_and_again_is_named_and_not_fought(world: World) -> None:
    settled(world, Drift.HEAL)
    sent = len(world.pages.intents)
    for _ in range(12):
        world.foreign_reload("gpu-1", NARROWED)
        world.run(10)
    assert HoldReason.DRIFT_FIGHT in world.holds("gpu-1")
    assert len(world.pages.intents) - sent < 16
    world.run_until_converged(limit=700)
    assert world.serves("gpu-1")["half"] == (2, 3)


def test_files_that_come_one_after_another_are_no_drift(world: World) -> None:
    settled(world, Drift.REPORT, All())
    for number in range(4, 12):
        world.model_files("half", number, seconds=3.0)
        world.run(number % 3 + 0.4)
        assert HoldReason.DRIFT_REPORTED not in world.holds("gpu-1")
    world.run_until_converged(60)
    assert world.serves("gpu-1")["half"] == tuple(range(1, 12))
