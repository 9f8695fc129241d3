"""What a measurement is, and the few ways of making one. Medians: a shared machine errs upwards only."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `against` and `ratio` where something else was measured in the same run."""

    what: str
    measured: str
    limit: str
    met: bool
    against: str = ""
    ratio: float | None = None


def seconds(body: Callable[[], object], times: int = 5) -> float:
    """The median of so many runs, in seconds; garbage of the runs before is collected outside the measured time."""
    taken = []
    for _ in range(times):
        gc.collect()
        begin = time.perf_counter()
        body()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def duration(value: float) -> str:
    """Seconds for people."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value: float) -> str:
    """Bytes for people."""
    return f"{value / 1e6:.0f} MB"


def at_most(what: str, value: float, limit: float, written: Callable[[float], str] = duration) -> Row:
    """A row whose limit is absolute."""
    return Row(what, written(value), f"≤ {written(limit)}", value <= limit)
