"""Traps that a planner met on the real server: statuses that deceive, and lists that are never applied."""

from __future__ import annotations

import pytest
from conformance_cases import PLAIN, THREADS, case
from conformance_virtual import VirtualWorld
from conformance_world import POLL, World

from reconciler.modelserver.core import OK

KEEP = "keep"


def waiting_to_be_loaded(world: World, seconds: float) -> World:
    """Version 2 of m is START while 3 loads, for so long."""
    keep, m = world.model(KEEP, 1), world.model("m", 1, 2).publish(3, seconds=seconds)
    world.serve(keep(1), m(1))
    assert world.reload(keep(1), m(1, 2, 3)) == OK
    m.until({3: "LOADING", 2: "START", 1: "AVAILABLE"})
    return world


@case("O82", "O84")
def test_trap_1_a_model_dropped_while_a_version_waits_leaves_it_at_start_and_adding_it_waits_as_for_a_new_one(
    world: World,
) -> None:
    waiting_to_be_loaded(world, 1.0)
    keep, m = world.models[KEEP], world.models["m"]
    assert world.reload(keep(1)) == OK
    m.until({3: "END", 2: "START", 1: "END"})
    m.stays({3: "END", 2: "START", 1: "END"}, POLL + 0.3)
    assert world.reload(keep(1), m(2)) == OK
    assert m.states() == {3: "END", 2: "AVAILABLE", 1: "END"}


@case("O83")
@pytest.mark.parametrize("kept", [(), (1,)], ids=["none", "one"])
def test_trap_1_only_the_version_dropped_ends_properly(world: World, kept: tuple[int, ...]) -> None:
    """Because its drop is noticed by the next poll only, and by then it is loaded."""
    waiting_to_be_loaded(world, 0.3)
    keep, m = world.models[KEEP], world.models["m"]
    assert world.reload(keep(1), m(*kept)) == OK
    m.until({3: "END", 2: "END", 1: "AVAILABLE" if kept else "END"})


@case("O85", flags=THREADS, core_only="it happens once in hundreds of loads, by a race in the server")
def test_trap_2_an_unload_that_overtakes_the_end_of_a_load_leaves_available_on_show(world: VirtualWorld) -> None:
    m = world.model("m", 1).publish(2, seconds=0.5)
    world.serve(m(1))
    world.server.core.publish_race(m.name, 2)
    assert world.reload(m(1, 2)) == OK
    world.until(lambda: m.asks(2) == 2)
    assert world.reload() == OK
    m.until({2: "AVAILABLE", 1: "END"})
    m.stays({2: "AVAILABLE", 1: "END"}, 60.0)
    assert m.asks(2) == m.not_found(2)
    assert world.reload(m(2)) == OK
    assert m.asks(2) == 2


@case("O86", core_only="the moment to move the label is a tenth of a second long")
def test_trap_3_available_may_belong_to_an_earlier_life_and_a_label_moved_there_dangles(world: VirtualWorld) -> None:
    m, b = world.model("m", 1).publish(2, seconds=2.45), world.model("z", 1)
    world.serve(b(1), m(1, stable=1))
    assert world.reload(b(1), m(1, 2, stable=1)) == OK
    m.until_state(2, "LOADING")
    assert world.reload(b(1), m(1, stable=1)) == OK
    world.wait(2.2)
    assert m.states()[2] == "LOADING"
    assert world.reload(m(1, 2, stable=1)) == OK
    m.until_state(2, "AVAILABLE")
    assert world.reload(m(1, 2, stable=2)) == OK
    assert m.asks(label="stable") == 2
    m.until_state(2, "UNLOADING", "END", within=0.3)
    assert m.asks(label="stable") == m.not_found(2)
    m.until_state(2, "AVAILABLE")
    assert m.asks(label="stable") == 2


@case("O87", flags=PLAIN)
def test_trap_4_unloads_are_done_one_per_tick_in_the_whole_server(world: World) -> None:
    many = [world.model(f"m{number}", 1, 2, 3) for number in range(3)]
    world.serve(*(each(1, 2, 3) for each in many))
    assert world.reload() == OK
    world.until(lambda: any("END" in each.states().values() for each in many))
    began = world.now
    world.until(lambda: all(set(each.states().values()) == {"END"} for each in many))
    assert 0.6 < world.now - began < 3.0


@case("C46", "O90")
def test_trap_6_after_a_failed_switch_no_list_with_the_old_version_is_applied(world: World) -> None:
    m = world.model("m", 1, 3).publish(2, fault="garbage")
    world.serve(m(1, stable=1))
    assert world.reload(m(2, stable=1)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    assert world.reload(m(1, 3, stable=1)) == OK
    m.stays({2: "END", 1: "AVAILABLE"}, POLL + 1.0)
    assert world.reload(m(3, stable=1)) == OK
    m.until_state(3, "AVAILABLE")
    assert world.reload(m(3, stable=3)) == OK
    m.until({3: "AVAILABLE", 2: "END", 1: "END"})
    assert m.asks(label="stable") == 3


@case("C46")
def test_trap_6_the_same_happens_under_latest_when_a_bad_version_is_deleted(world: World) -> None:
    m = world.model("m", 1)
    assert world.reload(m.latest()) == OK
    m.publish(5, fault="garbage")
    m.until({5: "END", 1: "AVAILABLE"})
    m.remove(5)
    world.settle()
    m.publish(2)
    m.until({5: "END", 2: "AVAILABLE", 1: "END"})


@case("C47")
def test_trap_6_a_failed_addition_can_be_taken_back(world: World) -> None:
    m = world.model("m", 1, 3).publish(2, fault="garbage")
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    assert world.reload(m(1)) == OK
    world.settle()
    assert world.reload(m(1, 3)) == OK
    m.until({3: "AVAILABLE", 2: "END", 1: "AVAILABLE"})
