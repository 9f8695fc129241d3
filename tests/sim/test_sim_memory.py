"""A memory budget end to end: loads in sequence, what `auto` comes to, holds with numbers, consent to downtime."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.world import auto, resource
from reconciler.state import footprint
from reconciler.state.desired import DesiredModel, MemoryBudget, Retry, Transition, TransitionPolicy
from reconciler.state.plan import HoldReason

SIZE = 1200
"""What a version of the usual 1000 bytes of files is reckoned to take."""


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        world.server("gpu-1")
        for name in ("a", "b"):
            world.model_files(name, 1, 2, 3)
        yield world
        assert world.lost == []
        assert world.troubles == []


def both(version: int, kind: Callable[[DesiredModel], DesiredModel] = lambda each: each) -> list[DesiredModel]:
    return [kind(model(name, version, stable=version)) for name in ("a", "b")]


def most(world: World, name: str = "gpu-1") -> int:
    """The most versions that were in memory at once until everything was as git says."""
    highest = 0
    while not world.converged():
        world.run(0.01)
        core = world.servers[name].process
        assert core is not None
        highest = max(highest, sum(len(core.core.loaded(each)) for each in ("a", "b")))
        assert world.now < 60
    return highest


def converged_on(world: World, *models: DesiredModel, room: int) -> None:
    """Everything is as these say, and from now on there is room for so many versions."""
    world.commit(*models)
    world.run_until_converged()
    world.memory = MemoryBudget(room * SIZE)


@pytest.mark.parametrize(("room", "highest"), [(4, 4), (3, 3)])
def test_two_models_that_fit_only_one_after_the_other_change_one_after_the_other(
    world: World, room: int, highest: int
) -> None:
    converged_on(world, *both(1), room=room)
    world.commit(*both(2))
    assert most(world) == highest
    assert world.serves("gpu-1") == {"a": (2,), "b": (2,)}
    assert world.traffic.gaps == []


def test_auto_keeps_the_label_answering_where_old_and_new_fit(world: World) -> None:
    converged_on(world, *both(1, auto), room=3)
    world.commit(*both(2, auto))
    assert most(world) == 3
    assert world.traffic.gaps == []


def test_auto_exchanges_one_model_after_the_other_where_they_do_not_fit(world: World) -> None:
    converged_on(world, *both(1, auto), room=2)
    world.commit(*both(2, auto))
    assert most(world) <= 2
    assert [key[1] for key, _ in world.traffic.gaps] == ["a", "b"]
    assert world.serves("gpu-1") == {"a": (2,), "b": (2,)}


def test_auto_holds_what_does_not_even_fit_alone_and_touches_nothing(world: World) -> None:
    world.model_files("a", 9, size=5000)
    converged_on(world, *both(1, auto), room=3)
    sent = len(world.pages.intents)
    world.commit(auto(model("a", 9, stable=9)), auto(model("b", 1, stable=1)))
    world.run_until_at_rest()
    (hold,) = [each for each in world.plans()["gpu-1"].holds if each.reason is HoldReason.MEMORY_SHORT]
    assert "version 9 needs 5.86 KiB" in hold.detail
    assert (len(world.pages.intents), world.answers("gpu-1", "a", "stable")) == (sent, 1)


def test_a_hold_for_memory_ends_with_a_commit_that_gives_more(world: World) -> None:
    world.model_files("a", 9, size=5000)
    converged_on(world, *both(1, auto), room=3)
    wanted = (auto(model("a", 9, stable=9)), auto(model("b", 1, stable=1)))
    world.commit(*wanted)
    world.run_until_at_rest()
    world.memory = MemoryBudget(20 * SIZE)
    world.commit(*wanted)
    world.run_until_converged()
    assert world.traffic.gaps == []


def test_a_budget_smaller_than_one_version_loads_nothing_and_says_so(world: World) -> None:
    world.memory = MemoryBudget(SIZE - 1)
    world.commit(*both(1))
    world.run_until_at_rest()
    assert (world.serves("gpu-1"), world.holds("gpu-1")) == ({}, {HoldReason.MEMORY_SHORT})


def test_a_failed_exchange_under_auto_brings_the_old_version_back(world: World) -> None:
    world.model_files("a", 7, error="Can't parse saved_model.pb as binary proto")
    converged_on(world, *both(1, auto), room=2)
    world.commit(auto(model("a", 7, stable=7)), auto(model("b", 1, stable=1)))
    world.run_until(lambda: HoldReason.RESTORED_AFTER_FAILED_LOAD in world.holds("gpu-1"), limit=20)
    world.run_until(lambda: world.answers("gpu-1", "a", "stable") == 1, limit=20)
    world.run(300)
    assert len(world.traffic.gaps) == 1


def test_a_failed_load_beside_the_old_version_is_tried_again_under_auto(world: World) -> None:
    world.model_files("a", 7, error="out of memory")
    converged_on(world, *both(1, auto), room=3)
    wanted = replace(auto(model("a", 7, stable=7)), retry=Retry(limit=3, backoff=5.0, max=60.0))
    world.commit(wanted, auto(model("b", 1, stable=1)))
    world.run(3)
    world.storage.change("/models/a", 7, error="")
    world.run_until_converged()
    assert world.traffic.gaps == []


def test_an_exchange_goes_on_as_one_when_a_commit_in_the_middle_gives_more_room(world: World) -> None:
    world.storage.change("/models/a", 2, seconds=5.0)
    converged_on(world, *both(1, auto), room=2)
    wanted = (auto(model("a", 2, stable=2)), auto(model("b", 1, stable=1)))
    world.commit(*wanted)
    world.run_until(lambda: world.serves("gpu-1") == {"b": (1,)}, limit=5)
    world.memory = MemoryBudget(10 * SIZE)
    world.commit(*wanted)
    world.run_until_converged()
    ways = {each.policy for each in world.observed("gpu-1").ways}
    assert ways == {TransitionPolicy.RESOURCE}


def test_a_killed_reconciler_finishes_the_exchange_that_it_began(world: World) -> None:
    world.storage.change("/models/a", 2, seconds=5.0)
    converged_on(world, *both(1, auto), room=2)
    world.commit(*both(2, auto))
    world.run_until(lambda: "a" not in world.serves("gpu-1"), limit=5)
    world.crash()
    world.run(1)
    world.start()
    world.run_until_converged()
    assert [key[1] for key, _ in world.traffic.gaps] == ["a", "b"]


def test_what_is_kept_for_a_while_goes_when_a_load_needs_its_room(world: World) -> None:
    kept = Transition(keep_previous=600.0)
    converged_on(world, *both(1), room=4)
    world.commit(replace(model("a", 2, stable=2), transition=kept), model("b", 1, stable=1))
    world.run_until_converged()
    assert world.serves("gpu-1") == {"a": (1, 2), "b": (1,)}
    world.memory = MemoryBudget(3 * SIZE)
    world.commit(replace(model("a", 2, stable=2), transition=kept), model("b", 2, stable=2))
    assert most(world) == 3
    assert world.serves("gpu-1") == {"a": (2,), "b": (2,)}


def test_a_restarted_server_gets_back_what_fits(world: World) -> None:
    converged_on(world, *both(1), room=2)
    world.commit(*both(1))
    world.restart("gpu-1")
    world.run_until_converged()
    assert world.serves("gpu-1") == {"a": (1,), "b": (1,)}


def test_an_exchange_on_the_only_server_waits_for_consent(world: World) -> None:
    careful = Transition(TransitionPolicy.RESOURCE)
    converged_on(world, replace(model("a", 1, stable=1), transition=careful), room=2)
    wanted = model("a", 2, stable=2)
    world.commit(replace(wanted, transition=careful))
    world.run_until_at_rest()
    assert world.holds("gpu-1") == {HoldReason.DOWNTIME_NOT_ALLOWED}
    assert world.answers("gpu-1", "a", "stable") == 1
    world.commit(resource(wanted))
    world.run_until_converged()
    assert [key[1] for key, _ in world.traffic.gaps] == ["a"]


@pytest.mark.parametrize("count", [2, 10])
def test_where_others_answer_the_label_exchanges_go_round_and_it_is_always_answered_somewhere(count: int) -> None:
    with World(seed=6) as world:
        names = [f"gpu-{number:02}" for number in range(1, count + 1)]
        for name in names:
            world.server(name)
        world.model_files("a", 1, 2)
        world.memory = MemoryBudget(SIZE)
        careful = Transition(TransitionPolicy.AUTO)
        world.commit(replace(model("a", 1, stable=1), transition=careful))
        world.run_until_converged()
        world.commit(replace(model("a", 2, stable=2), transition=careful))
        while not world.converged():
            world.run(0.02)
            silent = [name for name in names if not isinstance(world.answers(name, "a", "stable"), int)]
            assert len(silent) <= 1
            assert world.now < 300
        assert {world.answers(name, "a", "stable") for name in names} == {2}
        assert world.troubles == []


def test_apply_exchanges_on_one_server_after_the_other(world: World) -> None:
    careful = Transition(TransitionPolicy.RESOURCE)
    world.server("gpu-2")
    world.commit(replace(model("a", 1, stable=1), transition=careful))
    assert len(world.apply().converged) == 2
    world.commit(replace(model("a", 2, stable=2), transition=careful))
    assert len(world.apply().converged) == 2
    assert {world.answers(name, "a", "stable") for name in ("gpu-1", "gpu-2")} == {2}


def test_the_last_server_that_answers_is_left_alone_when_the_other_one_dies(world: World) -> None:
    careful = Transition(TransitionPolicy.RESOURCE)
    world.server("gpu-2")
    world.commit(replace(model("a", 1, stable=1), transition=careful))
    world.run_until_converged()
    world.servers["gpu-2"].kill()
    world.traffic.excuse("gpu-2")
    world.run(15)
    world.commit(replace(model("a", 2, stable=2), transition=careful))
    world.run(30)
    assert HoldReason.DOWNTIME_NOT_ALLOWED in world.holds("gpu-1")
    assert world.answers("gpu-1", "a", "stable") == 1
    world.restart("gpu-2")
    world.run_until_converged(limit=120)
    assert {world.answers(name, "a", "stable") for name in ("gpu-1", "gpu-2")} == {2}


def test_no_pass_of_a_long_walk_exceeds_the_budget(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    world.memory = MemoryBudget(4 * SIZE)
    for _ in range(30):
        chosen = [name for name in ("a", "b") if name == "a" or world.random.random() < 0.7]
        models = []
        for name in chosen:
            window = sorted(world.random.sample((1, 2, 3), world.random.randint(1, 2)))
            stable = world.random.choice(window)
            models.append(auto(model(name, *window, stable=stable)))
        world.commit(*models)
        world.run(world.random.uniform(0.2, 4.0))
        if world.random.random() < 0.2:
            world.restart("gpu-1")
        assert footprint.total(footprint.held(world.observed("gpu-1"))) <= world.memory.usable
    world.run_until_converged(limit=120)
