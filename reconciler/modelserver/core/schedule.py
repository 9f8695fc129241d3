"""Deterministic threads: generators on a virtual clock.

TensorFlow Serving is a handful of threads and mutexes, and what its clients see is how those interleave. So each of its
threads is one generator here, written in the order of the C++ it stands for, and this scheduler decides who runs: by
time, and at the same time first come, first served. A generator yields a float (sleep until then), an ``Early`` (the
same, but before all others due at that instant) or a ``Gate`` (park until it is opened). Nothing ever waits for real;
an owner moves the clock by calling ``run``.

Used by every actor of the core. Deliberately not here: anything about models.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator


class Gate:
    """A place to park. Opening it wakes all who are parked; they look again at what they waited for."""

    __slots__ = ("parked",)

    def __init__(self) -> None:
        self.parked: list[Thread] = []


class Early(float):
    """A time to sleep until, ahead of everything else that is due then."""

    __slots__ = ()


Wait = float | Gate
Thread = Generator[Wait, None, None]


class Scheduler:
    """Runs threads in order of time, then of arrival."""

    __slots__ = ("_due", "_serial", "now")

    def __init__(self, now: float) -> None:
        self.now = now
        self._due: list[tuple[float, int, Thread]] = []
        self._serial = 0

    def spawn(self, thread: Thread) -> None:
        """Let ``thread`` start now, after those already due now."""
        self._push(self.now, thread)

    def open(self, gate: Gate) -> None:
        """Wake everyone parked at ``gate``."""
        if gate.parked:
            woken, gate.parked = gate.parked, []
            for thread in woken:
                self._push(self.now, thread)

    def run(self, until: float) -> None:
        """Run everything due up to and including ``until``, then stand there. Time never goes back."""
        due = self._due
        while due and due[0][0] <= until:
            at, _, thread = heapq.heappop(due)
            self.now = max(self.now, at)
            self._step(thread)
        self.now = max(self.now, until)

    def next_at(self) -> float | None:
        """When the next thread is due; None while all are parked."""
        return self._due[0][0] if self._due else None

    def stop(self) -> None:
        """Forget every sleeping thread: the process has ended."""
        self._due.clear()

    def _push(self, at: float, thread: Thread, rank: int = 1) -> None:
        self._serial += 1
        heapq.heappush(self._due, (at, rank * self._serial, thread))

    def _step(self, thread: Thread) -> None:
        try:
            wait = next(thread)
        except StopIteration:
            return
        if isinstance(wait, Gate):
            wait.parked.append(thread)
        else:
            self._push(max(wait, self.now), thread, -1 if isinstance(wait, Early) else 1)


class Lock:
    """A mutex that is handed over in the order of asking."""

    __slots__ = ("_queue", "_scheduler", "held")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._queue: deque[Gate] = deque()
        self.held = False

    def acquire(self) -> Thread:
        """``yield from`` this; the lock is ours when it returns."""
        if not self.held:
            self.held = True
            return
        gate = Gate()
        self._queue.append(gate)
        yield gate

    def release(self) -> None:
        """Give the lock to whoever asked first; it stays held if somebody did."""
        if self._queue:
            self._scheduler.open(self._queue.popleft())
        else:
            self.held = False
