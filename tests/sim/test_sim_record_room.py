"""A disk that fills up under the record: healing and ways back go on with the room kept aside, nothing else begins."""

from collections.abc import Iterator

import pytest

from reconciler.sim import World, model
from reconciler.state.plan import HoldReason


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=21) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.commit(model("half", 2, stable=2))
        world.run_until_converged()
        yield world
        assert world.lost == []


def test_a_change_is_held_by_name_and_goes_on_when_there_is_room(world: World) -> None:
    world.pages.tight = True
    world.commit(model("half", 3, stable=3))
    world.run(20)
    assert world.holds("gpu-1") == {HoldReason.RECORD_TIGHT}
    assert world.serves("gpu-1") == {"half": (2,)}
    world.pages.tight = False
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 3, limit=15)


def test_a_restarted_server_is_healed(world: World) -> None:
    world.pages.tight = True
    world.commit(model("half", 3, stable=3))
    world.run(5)
    world.restart("gpu-1")
    world.traffic.excuse("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=10)
    assert world.pages.entries[-1].initiated_by == "drift"


def test_a_revert_goes_at_once(world: World) -> None:
    world.pages.tight = True
    world.commit(model("half", 1, stable=1))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)


def test_what_is_under_way_is_finished(world: World) -> None:
    world.model_files("half", 4, seconds=10.0)
    world.commit(model("half", 4, stable=4))
    world.run(5)
    world.pages.tight = True
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 4, limit=30)


def test_a_record_without_any_room_stops_everything_and_says_so_until_there_is_some(world: World) -> None:
    world.pages.full = True
    world.restart("gpu-1")
    world.traffic.excuse("gpu-1")
    world.run(5)
    assert world.serves("gpu-1") == {}
    assert "free some space" in world.troubles[-1]
    world.pages.full = False
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=30)
