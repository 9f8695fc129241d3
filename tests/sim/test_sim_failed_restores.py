"""A load that fails for a reason that passes (a full GPU, storage away) must not end a model for ever."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.desired import Retry
from reconciler.state.plan import HoldReason
from reconciler.state.versions import Latest

QUICK = Retry(limit=3, backoff=5.0, max=60.0)


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=3) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        yield world
        assert world.troubles == []


def test_healing_under_resource_is_tried_again_after_one_failed_load(world: World) -> None:
    world.commit(replace(resource(model("half", 1, stable=1)), retry=QUICK))
    world.run_until_converged()
    world.storage.change("/models/half", 1, error="out of GPU memory")
    world.restart("gpu-1")
    world.run(3)
    world.storage.change("/models/half", 1, error="")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=20)


def test_restore_under_resource_is_tried_again_when_it_fails_too(world: World) -> None:
    world.commit(replace(resource(model("half", 1, stable=1)), retry=QUICK))
    world.run_until_converged()
    for version in (1, 2):
        world.storage.change("/models/half", version, error="storage is away")
    world.commit(replace(resource(model("half", 2, stable=2)), retry=QUICK))
    world.run(8)
    for version in (1, 2):
        world.storage.change("/models/half", version, error="")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=20)
    assert world.holds("gpu-1") == {HoldReason.RESTORED_AFTER_FAILED_LOAD}


def test_restores_and_retries_end_when_every_load_fails_for_ever(world: World) -> None:
    world.commit(replace(resource(model("half", 1, stable=1)), retry=QUICK))
    world.run_until_converged()
    for version in (1, 2):
        world.storage.change("/models/half", version, error="corrupt")
    world.commit(replace(resource(model("half", 2, stable=2)), retry=QUICK))
    world.run(600)
    sent = len(world.pages.intents)
    world.run(600)
    assert (len(world.pages.intents), world.holds("gpu-1")) == (sent, {HoldReason.QUARANTINED})


def test_heal_of_the_last_good_spec_is_tried_again_while_git_is_quarantined(world: World) -> None:
    world.commit(replace(model("half", 1, stable=1), retry=QUICK))
    world.run_until_converged()
    world.storage.change("/models/half", 2, error="corrupt")
    world.commit(replace(model("half", 2, stable=2), retry=QUICK))
    world.run_until(lambda: HoldReason.QUARANTINED in world.holds("gpu-1"), limit=60)
    world.storage.change("/models/half", 1, error="out of GPU memory")
    world.restart("gpu-1")
    world.run(3)
    world.storage.change("/models/half", 1, error="")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=20)


def test_failure_of_a_version_that_latest_no_longer_chooses_holds_nothing(world: World) -> None:
    world.commit(replace(model("half", policy=Latest(1)), retry=Retry(limit=1)))
    world.run_until_converged()
    world.model_files("half", 3, error="corrupt")
    world.run(20)
    assert world.holds("gpu-1") != set()
    world.model_files("half", 4)
    world.run_until_converged(limit=30)
    assert (world.serves("gpu-1"), world.holds("gpu-1")) == ({"half": (4,)}, set())
