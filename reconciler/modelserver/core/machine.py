"""What all actors of one server share: flags, disk, clock, board, lookup table, the central lock, desks, the outbox.

The central lock is ``BasicManager::mu_``: held for an instant by every step of a load or unload, but for as long as it
takes while requests leave an old lookup table or a failing size estimate is retried. Whoever needs it stands still.
"""

from __future__ import annotations

from reconciler.modelserver.core.board import Board
from reconciler.modelserver.core.desk import Desk
from reconciler.modelserver.core.looking import Disk, Look, Measure, Sight
from reconciler.modelserver.core.ports import Effect, Log, StartLoad, StartUnload
from reconciler.modelserver.core.schedule import Lock, Scheduler
from reconciler.modelserver.core.table import LookupTable
from reconciler.modelserver.core.values import Flags, Status


class Machine:
    """The shared parts; no behaviour of its own."""

    __slots__ = ("board", "disk", "flags", "lock", "looks", "outbox", "scheduler", "table", "works")

    def __init__(self, flags: Flags, disk: Disk, now: float) -> None:
        self.flags = flags
        self.disk = disk
        self.scheduler = Scheduler(now)
        self.outbox: list[Effect] = []
        self.board = Board(self.scheduler, self.outbox)
        self.table = LookupTable(self.scheduler)
        self.lock = Lock(self.scheduler)
        self.works: Desk[StartLoad | StartUnload | Measure, Status] = Desk(self.scheduler, self.outbox)
        self.looks: Desk[Look, Sight] = Desk(self.scheduler, self.outbox)

    def log(self, text: str) -> None:
        """Say what TensorFlow Serving would write to its log."""
        self.outbox.append(Log(text))


def later(began: float, seconds: float) -> float:
    """``began + seconds`` on a clean grid: without rounding, ten ticks of 0.1 would drift from one poll of 1.0."""
    return round(began + seconds, 9)
