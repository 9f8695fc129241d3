"""Pre-flight end to end: a breaking export is held before anything is touched, and a revert needs no consent."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.storage import USUAL, Files
from reconciler.state.desired import Accepted, Preflight
from reconciler.state.export import TensorSpec
from reconciler.state.plan import HoldReason

RENAMED = replace(USUAL, signatures=(replace(USUAL.signatures[0], inputs=(TensorSpec("pixels", "float", (-1,)),)),))
CONSENT = Preflight(accept_breaking=(Accepted(1, 2, "clients have moved"),))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        world.server("gpu-1")
        world.model_files("half", 1)
        world.storage.put("/models/half", 2, Files("half/2", export=RENAMED))
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        yield world
        assert world.lost == []
        assert world.troubles == []


def test_a_breaking_export_is_held_before_anything_is_touched(world: World) -> None:
    sent = len(world.pages.intents)
    world.commit(model("half", 2, stable=2))
    world.run(60)
    assert (len(world.pages.intents), world.serves("gpu-1")) == (sent, {"half": (1,)})
    assert HoldReason.SIGNATURE_BREAK in world.holds("gpu-1")


def test_consent_lets_it_through_and_the_revert_needs_none(world: World) -> None:
    world.commit(replace(model("half", 2, stable=2), preflight=CONSENT))
    world.run_until_converged(limit=10)
    assert world.answers("gpu-1", "half", "stable") == 2
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=10)
    assert world.answers("gpu-1", "half", "stable") == 1


def test_other_models_go_on_beside_a_held_one(world: World) -> None:
    world.model_files("other", 1)
    world.commit(model("half", 2, stable=2), model("other", 1, stable=1))
    world.run(20)
    assert world.answers("gpu-1", "other", "stable") == 1
    assert world.answers("gpu-1", "half", "stable") == 1


def test_files_changed_under_a_loaded_version_are_told_and_nothing_is_sent(world: World) -> None:
    sent = len(world.pages.intents)
    world.storage.put("/models/half", 1, Files("half/1 again"))
    world.run(30)
    assert HoldReason.FILES_CHANGED in world.holds("gpu-1")
    assert len(world.pages.intents) == sent
