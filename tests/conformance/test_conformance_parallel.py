"""Reloads that meet other reloads, and requests that meet loads."""

from __future__ import annotations

from conformance_cases import THREADS, case
from conformance_world import World

from reconciler.modelserver.core import OK


@case("O75")
def test_of_two_reloads_at_once_both_are_accepted_and_the_later_one_wins_whole(world: World) -> None:
    m = world.model("m", 1, 2, 3)
    world.serve(m(1))
    sent = [world.send(m(1, 2, a=1)), world.send(m(1, 3, b=1))]
    assert [world.answer(each) for each in sent] == [OK, OK]
    m.until({3: "AVAILABLE", 1: "AVAILABLE"})
    assert m.asks(label="a") == "INVALID_ARGUMENT: Unrecognized servable version label: a"
    assert m.asks(label="b") == 1


@case("O76")
def test_a_reload_behind_one_that_waits_is_answered_right_after_it_while_questions_go_on(world: World) -> None:
    a, x = world.model("a", 1), world.model("x").publish(1, seconds=1.5)
    world.serve(a(1))
    first = world.send(a(1), x(1))
    x.until_state(1, "LOADING")
    second = world.send(a(1), x(1))
    world.stays(lambda: a.asks() == 1 and second.status is None, 1.0)
    assert (world.answer(first), world.answer(second)) == (OK, OK)
    assert second.seconds < 3.0


@case("C64")
def test_a_long_request_delays_the_availability_of_another_model_but_not_its_answers(world: World) -> None:
    a, b = world.model("a", 1), world.model("b", 1)
    world.serve(a(1))
    request = world.occupy(a.name, None, seconds=2.5)
    sent = world.send(a(1), b(1))
    world.until(lambda: b.asks() == 1)
    assert (b.states(), sent.status, request.answer) == ({1: "LOADING"}, None, None)
    assert world.answer(sent) == OK
    assert b.states() == {1: "AVAILABLE"}
    world.until(lambda: request.answer == 1)


@case("C64", flags=THREADS)
def test_load_threads_do_not_change_that(world: World) -> None:
    a, b = world.model("a", 1), world.model("b", 1)
    world.serve(a(1))
    request = world.occupy(a.name, None, seconds=2.5)
    sent = world.send(a(1), b(1))
    world.until(lambda: b.asks() == 1)
    assert (b.states(), sent.status, request.answer) == ({1: "LOADING"}, None, None)
    assert world.answer(sent) == OK


@case("C63", flags=THREADS)
def test_requests_that_began_after_the_drop_are_not_waited_for(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    world.occupy(m.name, 1, seconds=1.6)
    assert world.reload(m(2)) == OK
    m.until_state(1, "UNLOADING")
    later = world.occupy(m.name, 2, seconds=2.0)
    m.until({2: "AVAILABLE", 1: "END"})
    assert later.answer is None
    world.until(lambda: later.answer is not None)
    assert later.answer == 2


@case("O75", process_only="a client's deadline ends at the client")
def test_a_reload_whose_client_gave_up_is_carried_out_all_the_same(world: World) -> None:
    a, x = world.model("a", 1), world.model("x").publish(1, seconds=1.0)
    world.serve(a(1))
    world.send(a(1), x(1)).cancel()
    x.until({1: "AVAILABLE"})
    assert a.asks() == 1
