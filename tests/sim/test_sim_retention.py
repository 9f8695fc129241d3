"""keepPrevious end to end: a revert within the time sends one reload and loads nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.desired import DesiredModel, Transition


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=11) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(version: int) -> DesiredModel:
    return replace(model("half", version, stable=version), transition=Transition(keep_previous=600.0))


def promoted(world: World) -> None:
    world.commit(half(1))
    world.run_until_converged()
    world.commit(half(2))
    world.run_until_converged(limit=5)


def test_the_old_version_stays_loaded_after_a_promotion(world: World) -> None:
    promoted(world)
    world.run(500)
    assert world.serves("gpu-1") == {"half": (1, 2)}


def test_the_old_version_goes_when_its_time_is_over(world: World) -> None:
    promoted(world)
    world.run(610)
    assert world.serves("gpu-1") == {"half": (2,)}


def test_a_revert_within_the_time_moves_the_label_in_one_reload_and_loads_nothing(world: World) -> None:
    promoted(world)
    before = len(world.pages.intents)
    world.commit(half(1))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=1)
    assert len(world.pages.intents) == before + 1
    world.run_until_converged(limit=5)
    assert world.serves("gpu-1") == {"half": (1,)}


def test_a_restart_of_the_reconciler_forgets_no_version_that_is_kept(world: World) -> None:
    promoted(world)
    world.crash()
    world.start()
    world.run(300)
    assert world.serves("gpu-1") == {"half": (1, 2)}
    world.run(310)
    assert world.serves("gpu-1") == {"half": (2,)}


def test_after_a_restart_of_the_server_only_what_git_names_is_loaded(world: World) -> None:
    promoted(world)
    world.restart("gpu-1")
    world.run(60)
    assert world.serves("gpu-1") == {"half": (2,)}
