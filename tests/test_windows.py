"""When a fleet may be changed: schedules, zones, changes of clocks, and clocks that jump."""

import datetime

import pytest

from reconciler import windows
from reconciler.state.desired import Window, WindowKind
from reconciler.state.plan import Freeze

HOUR = 3600.0
BERLIN = "Europe/Berlin"
WEEKEND = Window("weekend", WindowKind.DENY, "0 18 * * 5", 60 * HOUR, BERLIN)
OFFICE = Window("office", WindowKind.ALLOW, "0 9 * * 1-5", 8 * HOUR, BERLIN)


def at(text: str) -> float:
    """A moment, written in UTC."""
    return datetime.datetime.fromisoformat(text + "+00:00").timestamp()


def deny(schedule: str, hours: float = 1.0, zone: str = BERLIN) -> Window:
    return Window("w", WindowKind.DENY, schedule, hours * HOUR, zone)


def stretch(window: Window, moment: str) -> tuple[str, str] | None:
    """When the freeze at that moment began and will end, in UTC."""
    freeze = windows.frozen((window,), at(moment))
    return None if freeze is None else (written(freeze.since), written(freeze.until))


def written(moment: float | None) -> str:
    assert moment is not None
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [
        ("2026-11-20T16:59:59", False),
        ("2026-11-20T17:00:00", True),
        ("2026-11-22T12:00:00", True),
        ("2026-11-23T04:59:59", True),
        ("2026-11-23T05:00:00", False),
    ],
)
def test_a_deny_window_freezes_from_its_beginning_until_its_end(moment: str, frozen: bool) -> None:
    assert (windows.frozen((WEEKEND,), at(moment)) is not None) is frozen


def test_the_freeze_says_which_window_since_when_and_until_when() -> None:
    freeze = windows.frozen((WEEKEND,), at("2026-11-22T12:00"))
    assert freeze == Freeze("window weekend", at("2026-11-20T17:00"), at("2026-11-23T05:00"), rollbacks=True)


def test_outside_of_every_allow_window_it_is_frozen_until_one_opens() -> None:
    freeze = windows.frozen((OFFICE,), at("2026-11-20T20:00"))
    assert freeze == Freeze("the time outside of office", None, at("2026-11-23T08:00"), rollbacks=True)
    assert windows.frozen((OFFICE,), at("2026-11-20T12:00")) is None


def test_deny_goes_before_allow() -> None:
    lunch = deny("0 12 * * *")
    assert windows.frozen((OFFICE, lunch), at("2026-11-20T11:30")) == Freeze(
        "window w", at("2026-11-20T11:00"), at("2026-11-20T12:00")
    )


def test_the_next_opening_skips_what_another_window_closes() -> None:
    freeze = windows.frozen((OFFICE, deny("0 8 * * 1", 3.0)), at("2026-11-21T12:00"))
    assert freeze is not None
    assert written(freeze.until) == "2026-11-23T10:00"


def test_a_window_that_begins_in_the_hour_that_is_skipped_begins_when_it_is_skipped() -> None:
    assert stretch(deny("30 2 * * *"), "2026-03-29T01:00") == ("2026-03-29T01:00", "2026-03-29T02:00")
    assert stretch(deny("30 2 * * *"), "2026-03-29T00:59") is None


def test_a_window_that_begins_in_the_hour_that_comes_twice_begins_once() -> None:
    assert stretch(deny("30 2 * * *"), "2026-10-25T00:45") == ("2026-10-25T00:30", "2026-10-25T01:30")
    assert stretch(deny("30 2 * * *"), "2026-10-25T01:45") is None


@pytest.mark.parametrize(("friday", "until"), [("2026-03-27", "2026-03-30T05:00"), ("2026-10-23", "2026-10-26T04:00")])
def test_a_window_over_a_change_of_clocks_lasts_as_long_as_any(friday: str, until: str) -> None:
    found = stretch(WEEKEND, f"{friday}T20:00")
    assert found is not None
    assert found[1] == until


@pytest.mark.parametrize(
    ("schedule", "day"),
    [
        ("0 0 31 * *", "2026-12-31"),
        ("0 0 29 2 *", "2028-02-29"),
        ("0 0 1 1 *", "2027-01-01"),
        ("0 0 28-31 2 *", "2027-02-28"),
    ],
)
def test_days_that_only_some_months_have(schedule: str, day: str) -> None:
    opening = Window("w", WindowKind.ALLOW, schedule, HOUR)
    freeze = windows.frozen((opening,), at("2026-12-15T00:00") if day != "2027-02-28" else at("2027-02-01T00:00"))
    assert freeze is not None
    assert written(freeze.until) == f"{day}T00:00"


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("5", "Fri"),
        ("0", "Sun"),
        ("7", "Sun"),
        ("sat-sun", "Sat Sun"),
        ("5-7", "Fri Sat Sun"),
        ("fri-mon", "Mon Fri Sat Sun"),
    ],
)
def test_weekdays_are_counted_as_cron_does(weekday: str, days: str) -> None:
    window = Window("w", WindowKind.DENY, f"0 12 * * {weekday}", HOUR)
    week = [datetime.datetime(2026, 11, day, 12, 30, tzinfo=datetime.UTC) for day in range(16, 23)]
    assert " ".join(day.strftime("%a") for day in week if windows.frozen((window,), day.timestamp())) == days


def test_where_both_day_fields_are_given_either_counts() -> None:
    window = Window("w", WindowKind.DENY, "0 12 13 * 5", HOUR)
    days = [day for day in range(1, 29) if windows.frozen((window,), at(f"2026-09-{day:02}T12:30"))]
    assert days == [4, 11, 13, 18, 25]


def test_a_clock_that_jumps_is_only_another_moment() -> None:
    there_and_back = [windows.frozen((WEEKEND,), at(f"2026-11-{day}T12:00")) for day in ("19", "21", "19", "22", "21")]
    assert [freeze is not None for freeze in there_and_back] == [False, True, False, True, True]
    assert len({freeze for freeze in there_and_back if freeze}) == 1


def test_windows_that_follow_each_other_are_one_freeze() -> None:
    freeze = windows.frozen((deny("0 10 * * *", 2.0, "UTC"), deny("0 12 * * *", 1.5, "UTC")), at("2026-11-20T11:00"))
    assert freeze is not None
    assert written(freeze.until) == "2026-11-20T13:30"


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 30 2 *",
        "61 * * * *",
        "* * * *",
        "* * * * * *",
        "0 0 * * 8",
        "0 0 * * 1-",
        "0 0 * * mon-",
        "a b c d e",
        "0 24 * * *",
    ],
)
def test_what_is_no_schedule_is_said_to_be_none(schedule: str) -> None:
    assert windows.schedule_trouble(schedule) != ""


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia"])
def test_zones_are_those_of_the_iana(zone: str) -> None:
    assert windows.zone_trouble(zone) == ""


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe", ""])
def test_what_is_no_zone_is_said_to_be_none(zone: str) -> None:
    assert windows.zone_trouble(zone) != ""


def test_windows_that_leave_no_time_are_found() -> None:
    assert windows.never_open((deny("* * * * *", 2.0),))
    assert windows.never_open((Window("a", WindowKind.ALLOW, "0 12 * * *", HOUR), deny("0 11 * * *", 3.0, "UTC")))
    assert not windows.never_open((WEEKEND, OFFICE))
