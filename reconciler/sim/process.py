"""One reconciler process in a simulated world: the real service on simulated ports, until it is stopped or killed.

Used by `World`. The repository is a value that the world changes; the timer is the virtual clock's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reconciler.loop import Bots, Hands, Service, Tools
from reconciler.loop.events import Events
from reconciler.ports import ServingClient
from reconciler.sim.clients import SimClient, SimClients
from reconciler.sim.crash import CrashPoint, Trap
from reconciler.sim.ledger import MemoryLedger, Pages
from reconciler.sim.storage import Storage
from reconciler.sim.virtualtime import VirtualClock
from reconciler.source import Baseline, InForce, Pins, Trouble
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.memory import Answer
from reconciler.state.plan import Action

T = TypeVar("T")


class Repository:
    """`loop.Repository` of commits given as values. `trouble`: what is wrong; then nothing newer comes.

    line: every commit of the branch, oldest first. made: those of bots, each with its base. push: takes up a new head.
    branches: other ones, each with its commit. refuses: the words with which the remote turns every push down, "" where
    it does not. meanwhile: what somebody else does just before the next push.
    """

    def __init__(self) -> None:
        self.head: Desired | None = None
        self.known: Desired | None = None
        self.taken_up: Desired | None = None
        self.commits: dict[str, Desired] = {}
        self.line: list[Desired] = []
        self.branches: dict[str, str] = {}
        self.made: dict[str, tuple[str, Desired]] = {}
        self.refuses = ""
        self.meanwhile: Callable[[], object] | None = None
        self.push: Callable[[Desired], None] = self.line.append
        self.baseline: Baseline | None = None
        self.pins: Pins | None = None
        self.trouble: tuple[str, str] | None = None

    def recall(self) -> InForce:
        """See `loop.Repository`."""
        return self._answer()

    def refresh(self) -> InForce:
        """See `loop.Repository`."""
        if self.trouble is None:
            self._take_up()
        return self._answer()

    def insist(self) -> None:
        """See `loop.Repository`."""

    def _take_up(self) -> None:
        if self.head is None or self.head is self.taken_up or self.baseline is None:
            return
        self.commits[self.head.commit.id] = self.head
        self.known, self.taken_up = self.baseline.judged(self.head), self.head

    def _answer(self) -> InForce:
        asked = self.taken_up.commit if self.taken_up is not None else None
        known = self.pins.over(self.known) if self.pins is not None else self.known
        return InForce(known, asked, trouble=Trouble(*self.trouble, since=0.0) if self.trouble else None)


class Timer:
    """`loop.Timer` on the virtual clock, without jitter."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._handle: asyncio.TimerHandle | None = None

    def start(self, call: Callable[[], None]) -> None:
        """See `loop.Timer`."""
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._fire, call)

    def stop(self) -> None:
        """See `loop.Timer`."""
        if self._handle is not None:
            self._handle.cancel()

    def _fire(self, call: Callable[[], None]) -> None:
        self.start(call)
        call()


async def at_once(call: Callable[[], T]) -> T:
    """Run a blocking call where it stands: in a simulation nothing blocks."""
    return call()


class _Trapped:
    """A client whose process may be killed the moment a reload has left."""

    def __init__(self, client: SimClient, trap: Trap, actions: Callable[[], tuple[Action, ...]]) -> None:
        self._client = client
        self._trap = trap
        self._actions = actions
        self.reach = client.reach
        self.status = client.status
        self.read_label = client.read_label
        self.prove = client.prove
        self.page = client.page
        self.signatures = client.signatures
        self.predict = client.predict
        self.dropped = client.dropped
        self.close = client.close

    async def reload(self, config: ServerConfig) -> Answer:
        """See `ports.ServingClient`."""
        sending = asyncio.ensure_future(self._client.reload(config))
        await asyncio.sleep(0.005)  # on its way for longer than any trip takes
        try:
            self._trap.at(CrashPoint.RPC_SENT, self._actions())
        except BaseException:
            sending.cancel()
            raise
        return await sending


class _TrappedClients:
    """Trapped clients, one per server."""

    def __init__(self, clients: SimClients, trap: Trap, pages: Pages) -> None:
        self._clients = clients
        self._trap = trap
        self._pages = pages

    def client(self, server: DesiredServer) -> ServingClient:
        """See `ports.ServingClients`."""
        return _Trapped(self._clients.client(server), self._trap, self._newest)

    async def close(self) -> None:
        """See `ports.ServingClients`."""

    def _newest(self) -> tuple[Action, ...]:
        return self._pages.intents[-1].body.actions


class Process:
    """A service with its ledger and its trap."""

    def __init__(self, clients: SimClients, storage: Storage, pages: Pages, clock: VirtualClock) -> None:
        self.trap = Trap()
        self.ledger = MemoryLedger(pages, self.trap)
        self._clients = _TrappedClients(clients, self.trap, pages)
        self._storage = storage
        self._clock = clock
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._beside: asyncio.Task[None] | None = None
        self.service: Service | None = None
        self.bots: Bots | None = None
        self.bootstrap: dict[str, ServerConfig] = {}

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._task is not None and not self._task.done() and not self.trap.dead

    def start(self, repository: Repository, tell: Events, poll: float, hands: Hands | None = None) -> None:
        """Run the service from now on; it asks the repository every `poll` seconds and whenever triggered.

        With `hands` its bots may commit.
        """
        repository.baseline, repository.taken_up = Baseline(self.ledger, repository.commits.get), None
        repository.pins = Pins(self.ledger, repository.commits.get, self._clock.now)
        tools = self.tools(tell)
        self.service = Service(repository, tools, Timer(poll))
        self._task = asyncio.create_task(self.service.run(self._stop), name="service")
        self.bots = Bots(self.service, tools, hands)
        self._beside = asyncio.create_task(self.bots.run(), name="bots")

    def tools(self, tell: Events) -> Tools:
        """What its lanes work with."""
        return Tools(
            self._clients,
            self._storage,
            self.ledger,
            self._clock,
            tell,
            at_once,
            repr,
            bootstrap=self.bootstrap.__setitem__,
        )

    async def stop(self) -> float:
        """SIGTERM; how long it took to end, in seconds."""
        began = self._clock.now()
        self._stop.set()
        if self._beside is not None:
            self._beside.cancel()
        if self._task is not None:
            await self._task
        return self._clock.now() - began

    async def kill(self) -> None:
        """SIGKILL: nothing is written any more, and no task goes on."""
        self.trap.kill()
        tasks: list[Awaitable[object]] = []
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
                tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)
