"""An asyncio event loop whose time is simulated, and the Clock that reads it.

Where a real loop would sleep until the next timer, this one moves its clock there. Used by `World` only. A program that
waits for something that no timer and no task will ever bring is told so, instead of hanging.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

from reconciler.ports import AbstractDeadline

EPOCH = 1_000_000.0
"""What the simulated clock shows when a world begins. Times of 0 mean "never" elsewhere, so it is not 0."""


class Deadlock(RuntimeError):
    """Every task waits, and nothing is left that could wake one."""


class _Skipper(selectors.BaseSelector):
    """A selector that lets simulated time pass instead of waiting; the loop's own wake-up pipe is still served."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("every task of the simulation waits for something that nothing will bring")
        if timeout > 0:
            self.now += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on simulated time, from 0 seconds on."""

    def __init__(self) -> None:
        self._skipper = _Skipper()
        super().__init__(self._skipper)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._skipper.now


class VirtualClock:
    """`ports.Clock` on simulated time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._ahead = 0.0

    def now(self) -> float:
        """Simulated seconds since the epoch."""
        return EPOCH + self._ahead + self._loop.time()

    def jump(self, seconds: float) -> None:
        """Somebody sets the machine's clock: forward, or back. Waits are not shortened by it."""
        self._ahead += seconds

    async def sleep(self, seconds: float) -> None:
        """Let that much simulated time pass."""
        await asyncio.sleep(seconds)

    def deadline(self, seconds: float) -> AbstractDeadline:
        """`asyncio.timeout`, on simulated time."""
        return asyncio.timeout(seconds)
