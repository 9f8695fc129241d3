"""Loads: retries, cancellation, inline and threaded, the size estimate that holds everything up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import OK, Code, Flags, Load, ServerConfig, Status, VersionState

RETRYING = replace(QUICK, max_num_load_retries=3, load_retry_interval_micros=2_000_000)
CANCELLED = Status(Code.CANCELLED, "Loading of servable cancelled")


def retrying(load_threads: int) -> World:
    """Model bad version 4 is in its retries, model a serves 1 and has 2 on disk."""
    flags = replace(RETRYING, num_load_threads=load_threads)
    world = serving(model("a", 1), model("bad", 1), on_disk={"a": (1, 2), "bad": (1, 4)}, flags=flags)
    world.loads("bad", 4, seconds=0.1, status=CORRUPT)
    world.send(model("a", 1), model("bad", 1, 4))
    world.run_for(2.0)
    return world


def test_while_retrying_a_version_is_loading_and_shows_no_error_and_then_it_ends_with_it() -> None:
    """Observed (j)."""
    world = retrying(1)
    assert world.core.get_model_status("bad", 4) == (world.core.statuses("bad")[0],)
    assert (world.state("bad", 4), world.error("bad", 4)) == ("LOADING", OK)
    world.run_for(8.0)
    assert (world.state("bad", 4), world.error("bad", 4)) == ("END", CORRUPT)


def test_by_default_a_corrupt_model_takes_five_minutes_to_fail() -> None:
    """Observed (j): five retries of sixty seconds."""
    world = World({"bad": (4,)}, Flags())
    world.run_until_done(world.start(ServerConfig(())))
    world.loads("bad", 4, status=CORRUPT)
    status = world.apply(model("bad", 4), limit=1000.0)
    assert status is not None
    assert status.code is Code.UNKNOWN
    assert 300.0 <= world.moment("bad", 4, VersionState.END) - world.moment("bad", 4, VersionState.LOADING) <= 301.0


def test_a_retry_that_succeeds_makes_the_version_available() -> None:
    """Behaviour 5.3: the successful attempt is the one that serves."""
    world = serving(on_disk={"m": (1,)}, flags=RETRYING)
    world.plan.set("m", 1, Load(0.1, CORRUPT), Load(0.1, CORRUPT), Load(0.1))
    assert world.apply(model("m", 1)) == OK
    found = world.core.resolve("m", 1)
    assert not isinstance(found, Status)
    assert found[1].key.attempt == 3


@pytest.mark.parametrize(("threads", "other_goes_on"), [(0, False), (1, False), (2, True)])
def test_retries_hold_up_other_models_unless_there_is_a_thread_to_spare(threads: int, *, other_goes_on: bool) -> None:
    """C91, E23: sleeps included. With one thread nothing loads either, but the manager itself goes on."""
    world = retrying(threads)
    world.send(model("a", 1, 2), model("bad", 1, 4))
    world.run_for(2.0)
    assert (world.state("a", 2) == "AVAILABLE") is other_goes_on
    world.run_for(10.0)
    assert world.state("a", 2) == "AVAILABLE"


def test_an_inline_load_holds_up_unloads_too() -> None:
    """Observed (j): no load or unload of any model."""
    world = retrying(0)
    world.send(model("bad", 1, 4))
    world.run_for(2.0)
    assert world.states("a") == {1: "AVAILABLE"}
    world.run_for(8.0)
    assert world.states("a") == {1: "END"}


def test_a_cancelled_retry_series_ends_after_the_sleep_and_one_more_try() -> None:
    """Observed (j), behaviour 5.3: with threads, dropping the version is noticed at the next retry."""
    world = retrying(2)
    world.send(model("a", 1), model("bad", 1))
    world.run_for(3.5)
    assert (world.state("bad", 4), world.error("bad", 4)) == ("END", CORRUPT)
    series = world.moment("bad", 4, VersionState.END) - world.moment("bad", 4, VersionState.LOADING)
    assert series == pytest.approx(2 * 0.1 + 2.0)


def test_an_inline_retry_series_cannot_be_cancelled() -> None:
    """Observed (j): dropping the bad version does not cancel it."""
    world = retrying(0)
    world.send(model("a", 1), model("bad", 1))
    world.run_for(30.0)
    series = world.moment("bad", 4, VersionState.END) - world.moment("bad", 4, VersionState.LOADING)
    assert series == pytest.approx(4 * 0.1 + 3 * 2.0)


def test_a_load_that_succeeds_after_it_was_unwanted_ends_as_cancelled_and_never_serves() -> None:
    """C50."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.loads("m", 2, seconds=5.0)
    world.send(model("m", 1, 2))
    world.run_for(2.0)
    world.send(model("m", 1))
    while world.state("m", 2) != "END":
        assert world.asks("m") == 1
        world.run_for(0.1)
    assert world.error("m", 2) == CANCELLED
    assert world.story("m")[-1] == (2, "END")


def test_a_version_cancelled_in_the_queue_is_still_tried_once() -> None:
    """Behaviour 5.3: the retrier looks for a cancellation after a try only."""
    world = serving(model("z", 1), model("m", 1), on_disk={"z": (1, 2), "m": (1, 2)})
    world.loads("z", 2, seconds=5.0)
    world.send(model("z", 1, 2), model("m", 1, 2))
    world.run_for(2.0)
    assert (world.state("z", 2), world.state("m", 2)) == ("LOADING", "START")
    world.send(model("z", 1, 2), model("m", 1))
    world.run_for(6.0)
    assert world.story("m")[-3:] == [(2, "START"), (2, "LOADING"), (2, "END")]
    assert world.error("m", 2) == CANCELLED


def test_a_failing_size_estimate_stops_all_loading_whatever_the_threads_and_shows_start() -> None:
    """C92, E24."""
    flags = replace(RETRYING, num_load_threads=2)
    world = serving(model("a", 1), model("m", 1), on_disk={"a": (1, 2), "m": (1,)}, flags=flags)
    world.disk.write("/models/m/15")
    world.send(model("a", 1), model("m", 1, 15))
    world.run_for(2.0)
    world.send(model("a", 1, 2), model("m", 1, 15))
    world.run_for(2.0)
    assert world.state("m", 15) == "START"
    assert world.state("a", 2) is None
    assert (world.asks("a"), world.asks("m")) == (1, 1)
    world.run_for(6.0)
    assert world.state("m", 15) == "END"
    assert world.error("m", 15).code is Code.INTERNAL
    assert world.state("a", 2) == "AVAILABLE"


def test_a_directory_that_vanishes_before_its_load_fails_the_estimate() -> None:
    """Behaviour 2: the words around the cause."""
    world = serving(model("z", 1), model("m", 1), on_disk={"z": (1, 2), "m": (1, 2)})
    world.loads("z", 2, seconds=3.0)
    world.send(model("z", 1, 2), model("m", 1, 2))
    world.run_for(1.5)
    world.disk.remove("/models/m/2")
    world.run_for(0.4)
    world.disk.remove("/models/m")
    world.run_for(5.0)
    assert world.error("m", 2) == Status(
        Code.INTERNAL,
        "Error while attempting to reserve resources to load servable {name: m version: 2}: /models/m/2 not found",
    )


def test_load_threads_bound_how_many_load_at_once() -> None:
    """Behaviour 5.3."""
    names = [f"m{number}" for number in range(5)]
    world = serving(on_disk=dict.fromkeys(names, (1,)), flags=replace(QUICK, num_load_threads=2))
    for name in names:
        world.loads(name, 1, seconds=10.0)
    world.send(*(model(name, 1) for name in names))
    world.run_for(3.0)
    assert sorted(world.states(name)[1] for name in names) == ["LOADING", "LOADING", "START", "START", "START"]


def test_an_answer_nobody_asked_for_is_an_error_of_the_owner() -> None:
    """The owner's side of the contract."""
    world = serving(model("m", 1))
    found = world.core.resolve("m")
    assert not isinstance(found, Status)
    with pytest.raises(KeyError):
        world.core.load_finished(found[1].key, OK, world.now)
