"""Where labels left from, as far as our own reloads tell: what keepPrevious is counted from."""

from builders import config

from reconciler.belief import departures
from reconciler.state.memory import Departure


def test_a_label_that_moves_leaves_its_version_at_that_time() -> None:
    before = config(half={"versions": (1, 2), "stable": 1})
    after = config(half={"versions": (1, 2), "stable": 2})
    assert departures((), before, after, 50.0) == (Departure("half", 1, 50.0),)


def test_a_label_taken_away_leaves_its_version_too() -> None:
    before = config(half={"versions": (1, 2), "stable": 2, "canary": 1})
    after = config(half={"versions": (1, 2), "stable": 2})
    assert departures((), before, after, 50.0) == (Departure("half", 1, 50.0),)


def test_a_version_that_another_label_is_on_was_not_left() -> None:
    before = config(half={"versions": (1, 2), "stable": 1, "last": 1})
    after = config(half={"versions": (1, 2), "stable": 2, "last": 1})
    assert departures((), before, after, 50.0) == ()


def test_the_first_departure_counts_while_nothing_changes() -> None:
    known = (Departure("half", 1, 50.0),)
    same = config(half={"versions": (1, 2), "stable": 2})
    assert departures(known, same, same, 90.0) == known


def test_a_version_that_is_dropped_or_labelled_again_is_forgotten() -> None:
    known = (Departure("half", 1, 50.0), Departure("other", 1, 50.0))
    before = config(half={"versions": (1, 2), "stable": 2}, other={"versions": (1, 2), "stable": 2})
    after = config(half={"versions": (1, 2), "stable": 1}, other={"versions": (2,), "stable": 2})
    assert departures(known, before, after, 90.0) == (Departure("half", 2, 90.0),)
