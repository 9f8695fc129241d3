"""What all actors of one server share: flags, disk, clock, board, lookup table, the central lock, the outbox.

The central lock is ``BasicManager::mu_``: held for an instant by every step of a load or unload, but for as long as it
takes while requests leave an old lookup table or a failing size estimate is retried. Whoever needs it stands still.
"""

from __future__ import annotations

from reconciler.modelserver.core.board import Board
from reconciler.modelserver.core.ports import Disk, Effect, Log
from reconciler.modelserver.core.schedule import Lock, Scheduler
from reconciler.modelserver.core.table import LookupTable
from reconciler.modelserver.core.values import Flags


class Machine:
    """The shared parts; no behaviour of its own."""

    __slots__ = ("board", "disk", "flags", "lock", "outbox", "scheduler", "table")

    def __init__(self, flags: Flags, disk: Disk, now: float) -> None:
        self.flags = flags
        self.disk = disk
        self.scheduler = Scheduler(now)
        self.outbox: list[Effect] = []
        self.board = Board(self.scheduler, self.outbox)
        self.table = LookupTable(self.scheduler)
        self.lock = Lock(self.scheduler)

    def log(self, text: str) -> None:
        """Say what TensorFlow Serving would write to its log."""
        self.outbox.append(Log(text))


def later(began: float, seconds: float) -> float:
    """``began + seconds`` on a clean grid: without rounding, ten ticks of 0.1 would drift from one poll of 1.0."""
    return round(began + seconds, 9)
