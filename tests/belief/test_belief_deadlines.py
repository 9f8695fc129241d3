"""Loads past their deadline (600 s by default): a failure, once per listing, unless something explains it."""

from dataclasses import replace

from belief_lane import AVAILABLE, BROKEN, LOADING, START, Lane, config, listing, serving

from reconciler.state.look import ServingError, VersionState


def loading(state: VersionState = LOADING) -> Lane:
    """Version 2 was listed at 101 s and shows that state since 102 s."""
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0, m="digest")
    world.models["m"][2] = state
    lane.look(102.0)
    return lane


def shown(lane: Lane, state: VersionState | ServingError) -> None:
    lane.world.models["m"][2] = state  # type: ignore[attr-defined]  # `serving` gives a HandWorld


def counts(lane: Lane) -> list[tuple[int, int, str, int]]:
    return [(each.version, each.count, each.digest, each.error.code) for each in lane.memory.failures]


def test_load_is_booked_once_its_deadline_is_over_and_not_before() -> None:
    lane = loading()
    assert not lane.version("m", 2, 702.0).late
    assert lane.version("m", 2, 702.1).late
    lane.look(2000.0)
    assert counts(lane) == [(2, 1, "digest", 4)]


def test_load_that_is_late_and_then_fails_is_one_failure() -> None:
    lane = loading()
    lane.look(703.0)
    shown(lane, BROKEN)
    lane.look(704.0)
    assert counts(lane) == [(2, 1, "digest", 4)]


def test_late_load_that_is_listed_anew_is_booked_anew() -> None:
    lane = loading()
    lane.look(703.0)
    lane.send(config(listing("m", 1)), 704.0, m="digest")
    lane.look(706.0)
    lane.send(config(listing("m", 1, 2)), 1400.0, m="digest")
    lane.look(1500.0)
    assert counts(lane) == [(2, 1, "digest", 4)]
    lane.look(2001.0)
    assert counts(lane) == [(2, 2, "digest", 4)]


def test_late_load_that_arrives_after_all_is_available() -> None:
    lane = loading()
    lane.look(703.0)
    shown(lane, AVAILABLE)
    lane.look(704.0)
    seen = lane.version("m", 2, 704.1)
    assert (seen.proven, seen.late) == (True, False)


def test_load_that_waits_for_another_is_not_late() -> None:
    lane = loading(START)
    lane.memory = replace(lane.memory, busy_at=690.0)
    assert not lane.version("m", 2, 703.0).late


def test_load_that_does_not_begin_though_nothing_else_loads_is_late() -> None:
    assert loading(START).version("m", 2, 702.1).late
