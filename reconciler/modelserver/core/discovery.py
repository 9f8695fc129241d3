"""Which versions are wanted: the thread that polls the file system.

One thread looks at all models of the applied configuration in order, with one period for all, which runs from where a
poll began. The source's mutex is held through a whole poll, so a reload that comes meanwhile waits for a slow disk. A
poll tells all models or none, and what it tells replaces what the manager was told before; a wanted-list may be empty,
and empty means unload everything.

Source: ``sources/storage_path/file_system_storage_path_source.cc`` (``PollFileSystemAndInvokeCallback``,
``UpdateConfig``) and ``batching_util/periodic_function.cc``. Used by reloads; wanted-lists go to the manager.
Deliberately not here: what a poll makes of the disk (looking).
"""

from __future__ import annotations

from collections.abc import Generator

from reconciler.modelserver.core.looking import Look
from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.manager import Manager
from reconciler.modelserver.core.schedule import Gate, Lock, Thread, Wait
from reconciler.modelserver.core.values import ModelConfig

Models = tuple[ModelConfig, ...]


class Source:
    """The file system source: the models it watches, and the thread that polls."""

    __slots__ = ("_closed", "_ended", "_lock", "_machine", "_manager", "_running", "models")

    def __init__(self, machine: Machine, manager: Manager, models: Models) -> None:
        self._machine = machine
        self._manager = manager
        self._lock = Lock(machine.scheduler)
        self._closed = False
        self._running = False
        self._ended = Gate()
        self.models = models

    def update(self, models: Models) -> Generator[Wait, None, frozenset[str]]:
        """``yield from`` this: take another list, and return the names that are new in it.

        Dropped models get an empty wanted-list now, all else waits for the next poll.
        """
        yield from self._lock.acquire()
        before, after = ({model.name for model in each} for each in (self.models, models))
        for name in sorted(before - after):
            self._manager.want(name, ())
        self.models = models
        self._lock.release()
        return frozenset(after - before)

    def close(self) -> Thread:
        """``yield from`` this: stop polling; what is wanted stays wanted.

        The thread sleeps to the end of its period before it sees that it shall end, and whoever closes waits for that.
        """
        self._closed = True
        while self._running:
            yield self._ended

    def run(self) -> Thread:
        """Poll at once and then every period; a period of 0 polls once, a negative one never."""
        period = self._machine.flags.file_system_poll_wait_seconds
        self._running = period >= 0
        while self._running and not self._closed:
            began = self._machine.scheduler.now
            yield from self._poll()
            if period == 0:
                break
            yield later(began, period)
        self._running = False
        self._machine.scheduler.open(self._ended)

    def _poll(self) -> Thread:
        yield from self._lock.acquire()
        sight = yield from self._machine.looks.ask(Look(self._machine.disk, self.models))
        for warning in sight.warnings:
            self._machine.log(warning)
        if sight.failure is not None:
            self._machine.log(f"FileSystemStoragePathSource encountered a filesystem access error: {sight.failure}")
        for name, wanted in sight.found:
            self._manager.want(name, wanted)
        self._lock.release()
