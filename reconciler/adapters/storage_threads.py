"""A few threads for storage that may hang: unlike an executor's, they never hold up the end of the process.

`concurrent.futures` joins its threads at exit, and a thread inside a dead network mount cannot be joined: SIGTERM would
wait for the mount. Used by `storage.py` only.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_Job = Callable[[], None]


class DaemonThreads:
    """At most `limit` threads, started as they are needed; what is asked beyond that waits in line."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = threading.Semaphore(0)

    def submit(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Run `work` in a thread; the future belongs to the running event loop. `work` must not raise."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def job() -> None:
            result = work()
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                loop.call_soon_threadsafe(_settle, future, result)

        if not self._waiting.acquire(blocking=False) and len(self._threads) < self._limit:
            self._start()
        self._jobs.put(job)
        return future

    def close(self) -> None:
        """Let every thread end after its job; one that hangs is left behind."""
        for _ in self._threads:
            self._jobs.put(None)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            self._waiting.release()


def _settle(future: "asyncio.Future[_T]", result: _T) -> None:
    if not future.done():
        future.set_result(result)
