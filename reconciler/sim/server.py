"""One simulated model server: a place where processes live and die, each of them a `VirtualServer` over the core.

Used by `World` and by the clients. It is driven by timers of the event loop, set to the moment at which its core has
something to do next; after each of them the watcher (traffic) is told, so no state of the server goes unnoticed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from reconciler.modelserver.core import Flags, Lease, ServerConfig, Status, Ticket, VirtualServer
from reconciler.sim.storage import Storage, StoredLoads
from reconciler.state.look import Page


class Timers(Protocol):
    """What a server needs of an event loop: the time, and being woken at a time."""

    def time(self) -> float:
        """Seconds."""
        ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> Any:
        """Call at that time; the answer has `cancel()`."""
        ...

    def create_future(self) -> "asyncio.Future[Any]":
        """Something to wait for."""
        ...


class SimServer:
    """A server at an address. `process` is None while it is down; `life` counts its processes.

    silent: connected, but nothing answers (a partition). moved: called after every moment in which it changed.
    """

    def __init__(self, name: str, flags: Flags, storage: Storage, loop: Timers) -> None:
        self.name = name
        self.flags = flags
        self.process: VirtualServer | None = None
        self.life = 0
        self.silent = False
        self.page = Page(unseen="no metrics page")
        self.config_file: ServerConfig | None = None
        self.moved: Callable[[SimServer], None] = lambda _: None
        self._storage = storage
        self._loop = loop
        self._started: Ticket | None = None
        self._timer: Any = None
        self._waiting: list[tuple[Ticket, asyncio.Future[Status]]] = []

    @property
    def up(self) -> bool:
        """Whether the port is open."""
        return self.process is not None and self._started is not None and self._started.status is not None

    def start(self, config: ServerConfig | None) -> None:
        """Start a process with this config; a running one is killed first."""
        self.kill()
        self.life += 1
        self.process = VirtualServer(
            self.flags, self._storage.disk, StoredLoads(self._storage), now=self._loop.time(), keep=100
        )
        self.process.config_file = config if config is not None else ServerConfig()
        self._started = self.process.start(config)
        self.settle()

    def kill(self) -> None:
        """The process ends at once; whoever waits for an answer loses the connection."""
        self.process = self._started = None
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            future.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self.moved(self)

    def reload(self, config: ServerConfig) -> "asyncio.Future[Status]":
        """Send a reload; the future is cancelled if the process ends first."""
        future: asyncio.Future[Status] = self._loop.create_future()
        process = self.catch_up()
        if process is None:
            future.cancel()
            return future
        self._waiting.append((process.reload(config), future))
        self.settle()
        return future

    def hold_request(self, model: str, seconds: float) -> None:
        """A client's slow request, on the model's highest version."""
        process = self.catch_up()
        if process is not None:
            process.request(model, seconds=seconds)
            self.settle()

    def resolve(self, model: str, version: int | None = None, label: str | None = None) -> int | Status:
        """What a request would be answered by now; it takes no time."""
        process = self.process
        if process is None:
            raise ConnectionRefusedError(self.name)
        found = process.core.resolve(model, version, label)
        if isinstance(found, Status):
            return found
        number, lease = found
        self._release(process, lease)
        return number

    def catch_up(self) -> VirtualServer | None:
        """Bring the process to the time of now."""
        if self.process is not None:
            self.process.run_until(self._loop.time())
        return self.process

    def settle(self) -> None:
        """After anything that may have moved the process: answer who waits, look for an exit, set the next timer."""
        process = self.process
        if process is None:
            return
        if process.core.exited is not None:
            self.kill()
            return
        done = [each for each in self._waiting if each[0].status is not None]
        self._waiting = [each for each in self._waiting if each[0].status is None]
        for ticket, future in done:
            if not future.done() and ticket.status is not None:
                future.set_result(ticket.status)
        self._arm(process)
        self.moved(self)

    def _release(self, process: VirtualServer, lease: Lease) -> None:
        process.core.release(lease, process.now)

    def _arm(self, process: VirtualServer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = process.next_at()
        self._timer = None if at is None else self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self.catch_up()
        self.settle()
