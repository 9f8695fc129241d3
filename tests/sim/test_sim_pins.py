"""A local pin from end to end: git is not followed for one model, for a while, and then it is again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.source import Pins, pins
from reconciler.state.desired import Commit, DesiredModel, Transition
from reconciler.state.outcome import ConditionType, Sync
from reconciler.state.pin import Pin


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=7, poll=5.0) as world:
        for name in ("gpu-1", "gpu-2"):
            world.server(name)
        world.model_files("half", 1, 2)
        world.model_files("other", 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(version: int) -> DesiredModel:
    return replace(model("half", version, stable=version), transition=Transition(keep_previous=600.0))


def other(version: int) -> DesiredModel:
    return model("other", version, stable=version)


def promoted(world: World) -> Commit:
    """Both models at 2, with half's old version kept; the commit before."""
    good = world.commit(half(1), other(1))
    world.run_until_converged()
    world.commit(half(2), other(2))
    world.run_until_converged()
    return good


def pin(world: World, good: Commit, seconds: float = 60.0) -> None:
    """Clients learn of it, and may meet what git says as soon as it ends."""
    assert world.process is not None
    assert world.process.service is not None
    now, head = world.clock.now(), world.repository.head
    pins.add(world.process.ledger, [Pin("half", good.id, "p99 doubled", "Ada", now, now + seconds, "noon")])
    for desired in (Pins(world.process.ledger, world.repository.commits.get, lambda: now).over(head), head):
        assert desired is not None
        world.traffic.follow(desired)
    world.process.service.trigger()


def stable(world: World, name: str) -> set[object]:
    return {world.answers(server, name, "stable") for server in world.servers}


def test_a_pin_brings_the_last_good_state_back_by_one_label_move(world: World) -> None:
    good = promoted(world)
    before = len(world.pages.intents)
    pin(world, good)
    world.run_until(lambda: stable(world, "half") == {1}, limit=2)
    assert len(world.pages.intents) == before + len(world.servers)
    assert stable(world, "other") == {2}


def test_a_pinned_model_is_shown_as_pinned_and_not_as_in_sync(world: World) -> None:
    pin(world, promoted(world))
    world.run(10)
    assert world.process is not None
    found = next(each for each in world.process.ledger.statuses() if (each.server, each.model) == ("eu/gpu-1", "half"))
    said = next(each for each in found.conditions if each.type is ConditionType.PINNED)
    assert found.sync is Sync.OUT_OF_SYNC
    assert "by Ada until noon" in said.message
    assert "(p99 doubled)" in said.message


def test_when_its_time_is_over_git_counts_again(world: World) -> None:
    pin(world, promoted(world), seconds=30.0)
    world.run(10)
    assert stable(world, "half") == {1}
    world.run(30)
    assert stable(world, "half") == {2}
    assert world.process is not None
    assert pins.noted(world.process.ledger) == ()


def test_it_survives_a_restart_of_the_reconciler(world: World) -> None:
    pin(world, promoted(world))
    world.run(10)
    world.crash()
    world.start()
    world.run(20)
    assert stable(world, "half") == {1}


def test_it_ends_once_git_says_the_same(world: World) -> None:
    pin(world, promoted(world), seconds=600.0)
    world.run(10)
    world.commit(half(1), other(2))
    world.run(10)
    assert world.process is not None
    assert pins.noted(world.process.ledger) == ()
    world.commit(half(2), other(2))
    world.run_until_converged()
    assert stable(world, "half") == {2}


def test_other_models_follow_git_meanwhile(world: World) -> None:
    pin(world, promoted(world))
    world.run(5)
    world.commit(half(2), other(1))
    world.run(10)
    assert (stable(world, "half"), stable(world, "other")) == ({1}, {1})


def test_the_ledger_says_that_a_pin_began_it(world: World) -> None:
    pin(world, promoted(world))
    world.run(10)
    assert world.process is not None
    last = world.process.ledger.entries(model="half")[-1]
    assert (last.initiated_by, last.reason) == ("pin", "p99 doubled")


def test_a_removed_model_is_held_as_it_was(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    good = promoted(world)
    pin(world, good, seconds=600.0)
    world.commit(other(2))
    world.run(10)
    assert stable(world, "half") == {1}


def test_a_server_that_came_later_is_held_as_well(world: World) -> None:
    good = promoted(world)
    world.server("gpu-3")
    world.commit(half(2), other(2))
    world.run_until_converged()
    pin(world, good)
    assert world.process is not None
    laid = Pins(world.process.ledger, world.repository.commits.get, world.clock.now).over(world.repository.head)
    assert laid is not None
    world.traffic.follow(laid)  # gpu-3 has to load version 1 first, and answers 2 until then
    world.run_until(lambda: stable(world, "half") == {1}, limit=30)
    assert world.answers("gpu-3", "other", "stable") == 2


def test_a_document_that_git_renames_does_not_end_the_pin(world: World) -> None:
    good = promoted(world)
    pin(world, good)
    world.run_until(lambda: stable(world, "half") == {1}, limit=30)
    world.commit(replace(half(2), document="neu"), other(2))
    world.run(20)
    assert stable(world, "half") == {1}


def test_a_commit_that_cannot_be_read_leaves_git_in_force_and_the_pin_on_record(world: World) -> None:
    promoted(world)
    pin(world, Commit("nowhere"))
    world.run(10)
    assert stable(world, "half") == {2}
    assert world.process is not None
    assert len(pins.noted(world.process.ledger)) == 1
