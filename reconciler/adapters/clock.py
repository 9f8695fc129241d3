"""The wall clock, for everything that `ports.Clock` serves.

Made by the compositions (`cli`). The simulator has a clock of its own, so nothing else in the project reads the time.
"""

import asyncio
import time

from reconciler.ports import AbstractDeadline


class SystemClock:
    """Real time: seconds since the epoch, real sleeps, `asyncio.timeout` as deadline."""

    def now(self) -> float:
        """Seconds since the epoch. May step when the machine's clock is set."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass; a negative time is none."""
        await asyncio.sleep(max(0.0, seconds))

    def deadline(self, seconds: float) -> AbstractDeadline:
        """An async context manager that raises TimeoutError when its body takes longer than that."""
        return asyncio.timeout(seconds)
