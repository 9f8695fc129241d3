"""When the repository is asked: a timer with jitter that coalesces, never two at once (APScheduler).

The service gives it one callable; the simulator brings a timer of its own. Deliberately not here: what is done then.
"""

from collections.abc import Callable
from datetime import UTC
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger


class Timer(Protocol):
    """Calls something every so often until stopped."""

    def start(self, call: Callable[[], None]) -> None:
        """Call it from now on."""
        ...

    def stop(self) -> None:
        """Call it no more."""
        ...


class IntervalTimer:
    """Every `seconds`, up to `jitter` seconds sooner or later, so that many instances do not fall together."""

    def __init__(self, seconds: float, jitter: float | None = None) -> None:
        self._trigger = IntervalTrigger(
            seconds=seconds, jitter=seconds / 10 if jitter is None else jitter, timezone=UTC
        )
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self, call: Callable[[], None]) -> None:
        """Call it from now on; missed calls are made up for by one."""
        self._scheduler.add_job(_soon(call), self._trigger, coalesce=True, max_instances=1, misfire_grace_time=None)
        self._scheduler.start()

    def stop(self) -> None:
        """Call it no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _soon(call: Callable[[], None]) -> Callable[[], object]:
    """As a coroutine function: APScheduler would run a plain one in a thread, away from the event loop."""

    async def job() -> None:
        call()

    return job
