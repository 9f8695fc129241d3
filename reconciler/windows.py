"""When a fleet may be changed: cron schedules in time zones, read in one place.

Called by `parse/`, which asks whether a schedule and a zone are any, and by the compositions' planning (`loop/`,
`cli/`), which ask what is frozen at a moment and hand the answer to `plan/` as a value. Schedules are APScheduler's,
read in wall-clock time and only then placed on the time line: a window that begins in an hour that is skipped begins
when it is skipped, one that begins in an hour that comes twice begins once, at the first; its length is time that
passes. Every answer follows from the moment alone, so a clock that jumps is no more than another moment.
Deliberately not here: what a freeze holds back (`plan/guards.py`).
"""

import datetime
import functools
import zoneinfo
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.state.desired import Window, WindowKind
from reconciler.state.plan import Freeze

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SOME_DAY = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
NEVER = datetime.datetime(2033, 1, 1, tzinfo=datetime.UTC)
"""What has not come by then never comes: 29 February, the rarest day, is at most eight years away."""

LOOKBACKS = tuple(datetime.timedelta(hours=hours).total_seconds() for hours in (1, 24, 24 * 8, 24 * 64, 24 * 400))
STEPS = 60
"""How many windows in a row are followed to find the next opening."""


def schedule_trouble(schedule: str) -> str:
    """Why that is no cron schedule of five fields that ever comes; "" where it is one."""
    try:
        triggers = _triggers(schedule, NEVER)
    except ValueError as error:
        return str(error)
    return "" if _next(triggers, SOME_DAY) else "there is no such day"


def zone_trouble(name: str) -> str:
    """Why that is no IANA time zone; "" where it is one."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return "no such time zone"
    return ""


def never_open(windows: tuple[Window, ...]) -> bool:
    """Whether these windows leave no time in which a change may begin."""
    freeze = frozen(windows, SOME_DAY.timestamp())
    return freeze is not None and freeze.until is None


def frozen(windows: tuple[Window, ...], now: float) -> Freeze | None:
    """What keeps changes from beginning at that moment, to the second; None where nothing does.

    A window of kind `deny` goes before any of kind `allow`; where there are any of the latter, the time outside of all
    of them is frozen, too.
    """
    return _frozen(windows, int(now)) if windows else None


@functools.lru_cache(maxsize=256)
def _frozen(windows: tuple[Window, ...], now: int) -> Freeze | None:
    until = _opening(windows, float(now))
    for window in windows:
        start = _last_start(window, now) if window.kind is WindowKind.DENY else None
        if start is not None:
            return Freeze(f"window {window.name}", start, until, window.rollbacks)
    allowing = [window for window in windows if window.kind is WindowKind.ALLOW]
    if not allowing or any(_last_start(window, now) is not None for window in allowing):
        return None
    names = ", ".join(window.name for window in allowing)
    return Freeze(f"the time outside of {names}", None, until, all(window.rollbacks for window in allowing))


def _opening(windows: tuple[Window, ...], at: float) -> float | None:
    """The first moment from then on at which nothing is frozen; None where none is in sight."""
    allowing = [window for window in windows if window.kind is WindowKind.ALLOW]
    for _ in range(STEPS):
        closed = [window for window in windows if window.kind is WindowKind.DENY]
        ends = [start + window.duration for window in closed if (start := _last_start(window, at)) is not None]
        if ends:
            at = max(ends)
        elif not allowing or any(_last_start(window, at) is not None for window in allowing):
            return at
        else:
            coming = [start for window in allowing if (start := _next_start(window, at)) is not None]
            if not coming:
                return None
            at = min(coming)
    return None


def _last_start(window: Window, at: float) -> float | None:
    """When the window began that is open at that moment; None where it is not."""
    earliest = at - window.duration
    for lookback in (*LOOKBACKS, window.duration):
        found = None
        for start in _starts(window, max(earliest, at - lookback)):
            if start > at:
                break
            found = start if start > earliest else found
        if found is not None or lookback >= window.duration:
            return found
    return None


def _next_start(window: Window, at: float) -> float | None:
    return next((start for start in _starts(window, at) if start > at), None)


def _starts(window: Window, since: float) -> Iterator[float]:
    """The beginnings of a window from a moment on, ascending, in seconds since the epoch."""
    zone, triggers = zoneinfo.ZoneInfo(window.time_zone), _triggers(window.schedule)
    # Some hours earlier, since wall-clock time may go back; what is too early is passed over.
    wall = datetime.datetime.fromtimestamp(since, zone).replace(tzinfo=datetime.UTC) - datetime.timedelta(hours=3)
    while (wall_start := _next(triggers, wall)) is not None:
        start = _instant(wall_start.replace(tzinfo=None), zone)
        if start >= since:
            yield start
        wall = wall_start + datetime.timedelta(minutes=1)


def _instant(wall: datetime.datetime, zone: zoneinfo.ZoneInfo) -> float:
    """When clocks show that time there: at first, where they do so twice; where they never do, when they skip it."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    low, high = second.timestamp(), first.timestamp()
    if high <= low:
        return high
    while high - low > 1.0:
        middle = (low + high) // 2
        passed = datetime.datetime.fromtimestamp(middle, zone).utcoffset() == second.utcoffset()
        low, high = (low, middle) if passed else (middle, high)
    return high


def _next(triggers: "tuple[CronTrigger, ...]", wall: datetime.datetime) -> datetime.datetime | None:
    found = [when for each in triggers if (when := each.get_next_fire_time(None, wall)) is not None]
    return min(found, default=None)


@functools.lru_cache(maxsize=256)
def _triggers(schedule: str, end: datetime.datetime | None = None) -> "tuple[CronTrigger, ...]":
    """The schedule in wall-clock time; two where both day fields are restricted: cron means either. ValueError."""
    from apscheduler.triggers.cron import CronTrigger

    fields = schedule.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields, and not five")
    minute, hour, day, month, weekday = fields
    times = {"minute": minute, "hour": hour, "month": month.lower(), "end_date": end}
    ways: list[dict[str, str]] = [{"day": day, "day_of_week": _weekdays(weekday.lower())}]
    if not day.startswith("*") and not weekday.startswith("*"):
        ways = [{"day": day, "day_of_week": "*"}, {"day": "*", "day_of_week": ways[0]["day_of_week"]}]
    return tuple(CronTrigger(**times, **way, timezone=datetime.UTC) for way in ways)


def _weekdays(field: str) -> str:
    """The days by name: cron counts from Sunday (0 or 7), APScheduler from Monday."""
    if field == "*":
        return field
    chosen: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "", "6") if span == "*" else span.partition("-")
        if span.endswith("-"):
            raise ValueError(f"{part} has no end")
        begin, end = _weekday(first), _weekday(last) if last else _weekday("6" if step else first)
        if not (step or "1").isdigit() or int(step or 1) < 1:
            raise ValueError(f"{part} is no day of the week")
        length = (end - begin) % 7 if span != "0-7" else 6
        chosen |= {(begin + each) % 7 for each in range(0, length + 1, int(step or 1))}
    return ",".join(DAYS[each] for each in sorted(chosen))


def _weekday(text: str) -> int:
    if text in DAYS:
        return DAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text) % 7
    raise ValueError(f"{text or 'nothing'} is no day of the week")
