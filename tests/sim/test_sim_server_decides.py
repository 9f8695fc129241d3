"""Under `latest` and `all` the server chooses: what we dropped before says nothing about what it takes up then."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.versions import Latest


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=3) as world:
        world.server("gpu-1")
        yield world
        assert world.troubles == []


def test_version_not_yet_discovered_when_latest_takes_over_is_believed_once_it_serves(world: World) -> None:
    world.model_files("half", 2, 3)
    world.commit(model("half", policy=Latest(2)))
    world.run_until_converged(limit=15)
    sent = len(world.pages.intents)
    world.run(30)
    assert (world.serves("gpu-1"), len(world.pages.intents)) == ({"half": (2, 3)}, sent)


def test_version_dropped_a_moment_before_latest_takes_it_back_is_believed(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, 2))
    world.run_until_converged(limit=15)
    world.commit(model("half", 2))
    world.run(0.1)
    world.commit(model("half", policy=Latest(2)))
    world.run_until_converged(limit=15)
    world.run(30)
    assert (world.serves("gpu-1"), world.converged()) == ({"half": (1, 2)}, True)


def test_version_that_comes_back_to_storage_under_latest_is_believed(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(replace(model("half", 2)))
    world.run_until_converged(limit=15)
    world.commit(model("half", 1))
    world.run_until_converged(limit=15)
    world.commit(model("half", policy=Latest(1)))
    world.run_until_converged(limit=15)
    assert world.serves("gpu-1") == {"half": (2,)}


def test_label_waits_until_what_latest_chose_is_seen(world: World) -> None:
    """Git flaps from named versions to latest and back: the poll between drops the version that the label wants."""
    world.model_files("half", 1, 3, seconds=0.3)
    named = model("half", 1, 3, stable=1)
    world.commit(named)
    world.run_until_converged(limit=15)
    for pause in (0.35, 0.52, 0.7, 0.9):
        world.commit(model("half", policy=Latest(1)))
        world.run(pause)
        world.commit(named)
        world.run_until_converged(limit=15)
    assert world.lost == []
