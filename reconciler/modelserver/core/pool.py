"""Executors for loads and unloads: n threads and a queue, or none, and then the caller does the work itself.

With none (the default) the caller is the manager's thread, which therefore does nothing else until the load, its
retries and its sleeps are over. Source: ``util/threadpool_executor``, ``util/inline_executor`` and
``BasicManager::SetNumLoadThreads``. Deliberately not here: what the work is (loading).
"""

from __future__ import annotations

from collections import deque

from reconciler.modelserver.core.schedule import Gate, Lock, Scheduler, Thread


class Pool:
    """Runs jobs in order, at most ``size`` at a time; 0 runs them inside the caller."""

    __slots__ = ("_busy", "_idle", "_lock", "_queue", "_scheduler", "size")

    def __init__(self, scheduler: Scheduler, size: int) -> None:
        self._scheduler = scheduler
        self._lock = Lock(scheduler)
        self._queue: deque[Thread] = deque()
        self._busy = 0
        self._idle = Gate()
        self.size = size

    def submit(self, job: Thread) -> Thread:
        """``yield from`` this; returns once the job is queued or, inline, done."""
        yield from self._lock.acquire()
        if self.size == 0:
            yield from job
        else:
            self._queue.append(job)
            if self._busy < self.size:
                self._busy += 1
                self._scheduler.spawn(self._work())
        self._lock.release()

    def resize(self, size: int) -> Thread:
        """``yield from`` this: let everything submitted finish, then go on with ``size`` threads.

        The lock is held meanwhile, so a manager that wants to submit stands still: a start-up ends only after the loads
        it began have ended, and begins no others.
        """
        yield from self._lock.acquire()
        while self._busy:
            yield self._idle
        self.size = size
        self._lock.release()

    def _work(self) -> Thread:
        while self._queue:
            yield from self._queue.popleft()
        self._busy -= 1
        self._scheduler.open(self._idle)
