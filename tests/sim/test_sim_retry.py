"""`retry`: what failed is tried anew when a person says that the cause is gone, and stays quarantined until then."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import DesiredModel, Retry
from reconciler.state.plan import HoldReason


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=9) as world:
        world.server("gpu-1")
        world.model_files("half", 1)
        world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
        world.commit(once(1))
        world.run_until_converged()
        world.commit(once(2))
        world.run(30)
        assert HoldReason.QUARANTINED in world.holds("gpu-1")
        world.storage.change("/models/half", 2, error="")
        yield world
        assert world.lost == []
        assert world.troubles == []


def once(version: int) -> DesiredModel:
    return replace(model("half", version, stable=version), retry=Retry(limit=1))


def retry(world: World, subject: str) -> tuple[str, ...]:
    assert world.process is not None
    assert world.process.service is not None
    return world.process.service.lanes.retry(subject)


def test_a_quarantined_version_is_not_tried_again_by_itself(world: World) -> None:
    world.run(600)
    assert world.answers("gpu-1", "half", "stable") == 1


@pytest.mark.parametrize("subject", ["half", "gpu-1", "eu/gpu-1", "eu/gpu-1/half", "eu"])
def test_retry_tries_it_again_whatever_name_it_is_given(world: World, subject: str) -> None:
    assert retry(world, subject) == ("eu/gpu-1/half",)
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=20)
    world.run_until_converged(limit=5)


def test_retry_of_another_name_changes_nothing(world: World) -> None:
    assert retry(world, "other") == ()
    world.run(60)
    assert HoldReason.QUARANTINED in world.holds("gpu-1")


def test_a_moment_without_storage_lifts_no_quarantine() -> None:
    """A look that failed is no other spec, even where the fleet consents to storage that is not seen."""
    with World(seed=1) as world:
        world.fleet = replace(world.fleet, allow_unseen_storage=True)
        world.server("gpu-1")
        world.model_files("half", 1)
        world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.commit(replace(model("half", 2, stable=2), retry=Retry(limit=1)))
        world.run(12)
        world.timeline.clear()
        world.storage.unseen.add("/models/half")
        world.run(90)
        world.storage.unseen.clear()
        world.run(30)
        assert world.holds("gpu-1") == {HoldReason.QUARANTINED}
        assert world.timeline.lines == []
