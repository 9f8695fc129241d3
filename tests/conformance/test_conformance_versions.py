"""Versions of a configured model: in what order they come and go, and what requests see meanwhile."""

from __future__ import annotations

from dataclasses import replace

from conformance_cases import THREADS, case
from conformance_world import BLOCKED, POLL, World, garbage

from reconciler.modelserver.core import OK, Code, Status


def each_after(seen: list[dict[int, str]], later: int, earlier: int, state: str) -> bool:
    """Whether, in every picture in which ``later`` is AVAILABLE, ``earlier`` is in that state."""
    return all(states.get(earlier) == state for states in seen if states.get(later) == "AVAILABLE")


@case("O33", "O66")
def test_added_versions_load_one_after_another_highest_first(world: World) -> None:
    m = world.model("m", 1).publish(2, 3, 4, seconds=0.15)
    world.serve(m(1))
    sent = world.send(m(1, 2, 3, 4))
    assert sent.status == OK
    assert sent.seconds < 0.5
    seen = m.watch({4: "AVAILABLE", 3: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"})
    assert each_after(seen, later=3, earlier=4, state="AVAILABLE")
    assert each_after(seen, later=2, earlier=3, state="AVAILABLE")


@case("O34")
def test_a_dropped_version_serves_until_the_poll_and_then_ends(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload(m(2)) == OK
    assert (m.states(), m.asks(1)) == ({2: "AVAILABLE", 1: "AVAILABLE"}, 1)
    m.until({2: "AVAILABLE", 1: "END"})
    assert m.asks(1) == m.not_found(1)


@case("O35", "C63")
def test_a_dropped_version_with_a_request_in_flight_is_unloading_until_it_ends(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    request = world.occupy(m.name, 1, seconds=2.5)
    assert world.reload(m(2)) == OK
    m.until({2: "AVAILABLE", 1: "UNLOADING"})
    assert (m.asks(1), m.asks()) == (m.not_found(1), 2)
    m.until({2: "AVAILABLE", 1: "END"})
    world.until(lambda: request.answer is not None)
    assert request.answer == 1


@case("O35")
def test_without_unload_threads_that_wait_holds_up_the_loads_of_other_models(world: World) -> None:
    m, other = world.model("m", 1, 2), world.model("other", 1, 2)
    world.serve(m(1, 2), other(1))
    world.occupy(m.name, 1, seconds=3.2)
    assert world.reload(m(2), other(1, 2)) == OK
    m.until_state(1, "UNLOADING")
    world.until(lambda: other.states().get(2) == "AVAILABLE" or m.states()[1] == "END")
    assert m.states()[1] == "END"
    other.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("O36")
def test_a_version_dropped_and_listed_again_within_one_poll_notices_nothing(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload(m(2)) == OK
    assert world.reload(m(1, 2)) == OK
    m.stays({2: "AVAILABLE", 1: "AVAILABLE"}, POLL + 0.4)


@case("O37")
def test_the_new_version_loads_before_the_old_one_goes_and_no_request_fails(world: World) -> None:
    m = world.model("m", 1).publish(2, seconds=0.3)
    world.serve(m(1))
    assert world.reload(m(2)) == OK
    answers: list[int | str] = []

    def it_is_through() -> bool:
        answers.append(m.asks())
        return m.states() == {2: "AVAILABLE", 1: "END"}

    world.until(it_is_through)
    answers.append(m.asks())  # the last one above may have been answered just before the new version was there
    assert set(answers) == {1, 2}
    assert answers == sorted(answers, key=str)


@case("O38")
def test_of_two_old_versions_the_lower_goes_first_then_the_new_one_loads_then_the_other_goes(world: World) -> None:
    m = world.model("m", 1, 2).publish(3, seconds=0.3)
    world.serve(m(1, 2))
    assert world.reload(m(3)) == OK
    seen = m.watch({3: "AVAILABLE", 2: "END", 1: "END"})
    assert each_after(seen, later=3, earlier=1, state="END")
    assert {3: "LOADING", 2: "AVAILABLE", 1: "END"} in seen


@case("O38")
def test_an_old_version_goes_before_the_new_one_loads_if_another_stays(world: World) -> None:
    m = world.model("m", 1, 2).publish(3, seconds=0.3)
    world.serve(m(1, 2))
    assert world.reload(m(2, 3)) == OK
    seen = m.watch({3: "AVAILABLE", 2: "AVAILABLE", 1: "END"})
    assert {3: "LOADING", 2: "AVAILABLE", 1: "END"} in seen


@case("O39")
def test_the_old_version_stays_while_its_successor_cannot_be_loaded(world: World) -> None:
    m = world.model("m", 1).publish(4, fault="garbage")
    world.serve(m(1))
    assert world.reload(m(4)) == OK
    m.until({4: "END", 1: "AVAILABLE"})
    assert m.error(4) == garbage(m, 4)
    m.stays({4: "END", 1: "AVAILABLE"}, POLL + 0.3)
    assert world.reload(m(1)) == OK
    assert m.asks() == 1


@case("O40")
def test_a_listed_version_that_is_not_on_disk_is_loaded_when_it_appears(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1))
    assert world.reload(m(1, 2, 9)) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    m.publish(9)
    m.until({9: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"})


@case("O40", fresh="it reads the server's log")
def test_the_log_names_a_listed_version_that_is_not_on_disk(world: World) -> None:
    m = world.model("m", 1)
    world.open(m(1, 9))
    words = f"Version 9 of servable {m.name}, which was requested to be served as a 'specific' version"
    world.until(lambda: words in world.log())


@case("C37", "O41")
def test_a_list_of_missing_versions_unloads_all_there_are(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    assert world.reload(m(9)) == OK
    m.until({1: "END"}, within=POLL + 2.0)
    assert m.asks() == m.not_found()


@case("C38", "O41")
def test_an_empty_list_unloads_all_there_are(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload(m()) == OK
    m.until({2: "END", 1: "END"})
    assert m.asks() == m.not_found()


@case("C43", "O37")
def test_under_latest_the_successor_loads_while_the_old_one_serves(world: World) -> None:
    m = world.model("m", 1)
    assert world.reload(m.latest()) == OK
    m.publish(2, seconds=0.3)
    assert {2: "LOADING", 1: "AVAILABLE"} in m.watch({2: "AVAILABLE", 1: "END"})


@case("C44", "O38")
def test_under_latest_two_the_oldest_ends_before_the_newest_loads(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.latest(2)) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    m.publish(3, seconds=0.5)
    seen = m.watch({3: "AVAILABLE", 2: "AVAILABLE", 1: "END"})
    assert {3: "LOADING", 2: "AVAILABLE", 1: "END"} in seen


@case("C45", "O39")
def test_under_latest_a_broken_successor_ends_and_the_old_one_is_the_default(world: World) -> None:
    m = world.model("m", 1)
    assert world.reload(m.latest()) == OK
    m.publish(2, fault="garbage")
    m.until({2: "END", 1: "AVAILABLE"})
    assert m.error(2) == garbage(m, 2)
    m.stays({2: "END", 1: "AVAILABLE"}, POLL + 0.3)
    assert m.asks() == 1


@case("C50", flags=THREADS)
def test_a_slow_load_that_succeeds_after_its_version_was_dropped_ends_cancelled(world: World) -> None:
    m = world.model("m", 1).publish(2, seconds=2.2)
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.until_state(2, "LOADING")
    assert world.reload(m(1)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    assert m.error(2) == Status(Code.CANCELLED, "Loading of servable cancelled")


@case("C41", "O56")
def test_another_base_path_with_the_same_version_changes_nothing(world: World) -> None:
    m, elsewhere = world.model("m", 1), world.model("elsewhere").publish(1, content=101)
    world.serve(m(1))
    assert world.reload(replace(m(1), base_path=elsewhere.base)) == OK
    world.settle()
    assert (m.states(), world.content(m.name)) == ({1: "AVAILABLE"}, 1)


@case("C42", "O56")
def test_from_another_base_path_only_new_numbers_are_loaded_and_missing_ones_go(world: World) -> None:
    m = world.model("m", 1, 2)
    elsewhere = world.model("elsewhere").publish(1, content=101).publish(5, content=105)
    world.serve(m(1, 2))
    assert world.reload(replace(m(1, 5), base_path=elsewhere.base)) == OK
    m.until({5: "AVAILABLE", 2: "END", 1: "AVAILABLE"})
    assert (world.content(m.name, 1), world.content(m.name, 5)) == (1, 105)


@case("O96")
def test_one_new_version_for_each_of_many_models_is_accepted_at_once_and_loads_one_per_tick(world: World) -> None:
    many = [world.model(f"m{number}", 1, 2) for number in range(6)]
    world.serve(*(each(1) for each in many))
    sent = world.send(*(each(1, 2) for each in many))
    assert (sent.status, sent.seconds < 0.5) == (OK, True)
    up: list[float] = []
    for count in range(1, 7):
        world.until(lambda count=count: sum(2 in m.states() and m.states()[2] == "AVAILABLE" for m in many) >= count)  # type: ignore[misc]
        up.append(world.now)
    assert up[-1] - up[0] > 0.3


@case("O89")
def test_reloads_of_a_configured_model_return_at_once_whatever_they_ask_for(world: World) -> None:
    m = world.model("m", 1, 2).publish(4, fault="garbage")
    world.serve(m(1))
    for entry in (m(), m(9), m(4), m(2), m.latest(), m.all(), m(2)):
        sent = world.send(entry)
        assert (sent.status, sent.seconds < 0.5) == (OK, True)
    m.until_state(2, "AVAILABLE", within=BLOCKED + POLL)
