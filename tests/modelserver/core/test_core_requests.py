"""Requests: how they find a version, and how one in flight holds up every publication."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import QUICK, model, serving

from reconciler.modelserver.core import OK, Code, Status, VersionState


def test_without_a_version_the_highest_loaded_one_answers() -> None:
    """C7, E38: a canary with a higher number takes all such traffic at once."""
    world = serving(model("M", 1), on_disk={"M": (1, 2)})
    assert world.asks("M") == 1
    world.send(model("M", 1, 2))
    world.run_for(2.0)
    assert world.asks("M") == 2


def test_a_version_answers_for_itself_and_an_unloaded_one_is_not_found() -> None:
    """C8, C10."""
    world = serving(model("M", 1, 2))
    assert world.asks("M", 1) == 1
    assert world.core.resolve("M", 9) == Status(Code.NOT_FOUND, "Servable not found for request: Specific(M, 9)")


def test_an_unknown_label_is_invalid_even_for_an_unknown_model() -> None:
    """C9, observed (i)."""
    world = serving(model("M", 1))
    words = Status(Code.INVALID_ARGUMENT, "Unrecognized servable version label: beta")
    assert world.core.resolve("M", label="beta") == words
    assert world.core.resolve("nope", label="beta") == words


def test_an_unknown_model_and_no_name_say_what_they_are() -> None:
    """C11, C12."""
    world = serving()
    assert world.core.resolve("nope") == Status(Code.NOT_FOUND, "Servable not found for request: Latest(nope)")
    assert world.core.resolve("") == Status(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")


def test_a_version_with_a_request_in_flight_is_unloading_until_it_ends_and_takes_no_new_ones() -> None:
    """C63."""
    world = serving(model("M", 1, 2))
    assert world.asks("M", 1, seconds=10.0) == 1
    world.send(model("M", 2))
    world.run_for(3.0)
    assert world.states("M") == {2: "AVAILABLE", 1: "UNLOADING"}
    assert world.asks("M", 1) == "Servable not found for request: Specific(M, 1)"
    assert world.asks("M") == 2
    world.run_for(7.5)
    assert world.states("M") == {2: "AVAILABLE", 1: "END"}


def test_a_long_request_on_one_model_delays_the_availability_of_another_but_not_its_answers() -> None:
    """C64, E25."""
    world = serving(model("A", 1), on_disk={"B": (1,)})
    assert world.asks("A", seconds=10.0) == 1
    ticket = world.send(model("A", 1), model("B", 1))
    world.run_for(3.0)
    assert world.state("B", 1) == "LOADING"
    assert world.asks("B") == 1
    assert not ticket.done
    world.run_for(7.5)
    assert (world.state("B", 1), ticket.status) == ("AVAILABLE", OK)


@pytest.mark.parametrize("threads", [0, 4])
def test_while_a_retirement_waits_nothing_else_is_loaded_whatever_the_threads(threads: int) -> None:
    """Observed (c), behaviour 5.3: the wait holds the central lock."""
    flags = replace(QUICK, num_load_threads=4, num_unload_threads=threads)
    world = serving(model("A", 1, 2), model("B", 1), on_disk={"B": (1, 2)}, flags=flags)
    world.asks("A", 1, seconds=10.0)
    world.send(model("A", 2), model("B", 1))
    world.run_for(2.0)
    world.send(model("A", 2), model("B", 1, 2))
    world.run_for(5.0)
    assert world.state("B", 2) is None
    world.run_for(4.0)
    assert world.state("B", 2) == "AVAILABLE"


def test_only_requests_that_began_on_the_old_table_are_waited_for() -> None:
    """Behaviour 5.3: the table is swapped at once."""
    world = serving(model("M", 1, 2))
    world.asks("M", 1, seconds=3.0)
    world.send(model("M", 2))
    world.run_for(2.0)
    world.asks("M", 2, seconds=60.0)
    world.run_for(2.0)
    assert world.state("M", 1) == "END"
    assert world.moment("M", 1, VersionState.END) < world.now


def test_a_lease_given_back_twice_is_an_error_of_the_owner() -> None:
    """The owner's side of the contract."""
    world = serving(model("M", 1))
    found = world.core.resolve("M")
    assert not isinstance(found, Status)
    world.core.release(found[1], world.now)
    with pytest.raises(KeyError):
        world.core.release(found[1], world.now)
