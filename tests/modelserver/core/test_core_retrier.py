"""How often something is tried, and what the log says of it (``util/retrier.cc``)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import OK, Flags, Load, VersionState

LOADING = "Loading servable: {name: m version: 1}"
RESERVING = "Reserving resources for servable: {name: m version: 1}"


def tried(world: World, *loads: Load) -> list[str]:
    """What the log says of the tries of m version 1."""
    world.plan.set("m", 1, *loads)
    world.send(model("m", 1))
    world.run_for(20.0)
    return [text for _, text in world.logs if text.startswith(("Loading servable", "Reserving", "Retrying"))]


def retrying(retries: int) -> World:
    flags = replace(QUICK, max_num_load_retries=retries, load_retry_interval_micros=1_000_000)
    return serving(on_disk={"m": (1,)}, flags=flags)


def test_a_series_that_fails_is_logged_try_by_try() -> None:
    assert tried(retrying(2), Load(0.1, CORRUPT)) == [
        f"{LOADING} failed: {CORRUPT}",
        f"Retrying of {LOADING} retry: 1",
        f"{LOADING} failed: {CORRUPT}",
        f"Retrying of {LOADING} retry: 2",
        f"{LOADING} failed: {CORRUPT}",
        f"Retrying of {LOADING} exhausted max_num_retries: 2",
    ]


def test_a_single_try_counts_as_exhausted_even_when_it_succeeds() -> None:
    """It does so on the real server, and has puzzled many readers of its log."""
    assert tried(retrying(0), Load(0.1)) == [
        f"Retrying of {RESERVING} exhausted max_num_retries: 0",
        f"Retrying of {LOADING} exhausted max_num_retries: 0",
    ]


def test_a_cancelled_series_says_so() -> None:
    flags = replace(QUICK, max_num_load_retries=3, load_retry_interval_micros=2_000_000)
    world = serving(model("m", 2), on_disk={"m": (1, 2)}, flags=flags)
    world.loads("m", 1, status=CORRUPT)
    world.send(model("m", 1, 2))
    world.run_for(2.0)
    world.send(model("m", 2))
    world.run_for(10.0)
    texts = [text for _, text in world.logs]
    assert texts[-2:] == [f"{LOADING} failed: {CORRUPT}", f"Retrying of {LOADING} was cancelled."]


def test_an_estimate_that_works_at_last_is_followed_by_the_load() -> None:
    """The directory is closed for one try; the pause keeps the central lock."""
    world = retrying(3)
    world.disk.close("/models/m/1")
    ticket = world.send(model("m", 1))
    world.run_for(1.5)
    assert world.state("m", 1) == "START"
    world.disk.open("/models/m/1")
    assert world.run_until_done(ticket) == OK
    assert world.moment("m", 1, VersionState.LOADING) - world.moment("m", 1, VersionState.START) == pytest.approx(1.0)


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (5, 6), (-1, 1), (-2, 2**32 - 1)])
def test_retries_are_counted_without_a_sign(retries: int, tries: int) -> None:
    """-1 becomes the largest number, one more is none at all, and a first try is always made."""
    assert Flags(max_num_load_retries=retries).load_tries == tries
