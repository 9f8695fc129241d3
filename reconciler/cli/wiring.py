"""The composition: real adapters behind the ports, opened and closed in one place.

Called by the verbs that look at servers or change them. Everything here is wiring; nothing decides.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from reconciler.adapters import codec, delivery_file
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.adapters.serving import GrpcClients
from reconciler.adapters.storage import FsspecStore
from reconciler.adapters.storage_threads import DaemonThreads
from reconciler.cli import repository, survey
from reconciler.loop.events import Events
from reconciler.loop.tools import Pace, Tools
from reconciler.ports import Ledger, Source
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Desired
from reconciler.state.memory import Memory
from reconciler.state.observed import Observed
from reconciler.state.plan import ServerPlan

T = TypeVar("T")


@contextmanager
def writing(state: Path, command: str) -> Iterator[SqliteLedger]:
    """The record, opened for writing by the one process that may.

    Args:
        state: the state directory; made where it is not there.
        command: what this process is, for whoever is refused beside it.

    Raises:
        StateLocked: another process holds the directory; it is named.
        RecordError: the record cannot be used.
    """
    directory = StateDirectory(state)
    with directory.locked(command):
        ledger = SqliteLedger(directory.ledger)
        try:
            yield ledger
        finally:
            ledger.close()


def remembered(state: Path) -> dict[str, Memory]:
    """What a service remembers of every server, by server id; read beside it, nothing where there is no record yet."""
    path = StateDirectory(state).ledger
    if not path.exists():
        return {}
    ledger = SqliteLedger(path, writable=False)
    try:
        return {memory.server: memory for memory in ledger.memories()}
    finally:
        ledger.close()


def judged(desired: Desired, source: Source, below: str, state: Path) -> Desired:
    """The desired state as a service would take it up now: removals held, pins laid over; itself without a record."""
    path = StateDirectory(state).ledger
    if not path.exists():
        return desired
    ledger = SqliteLedger(path, writable=False)
    try:
        judged_now = repository.baseline(source, below, ledger).judged(desired, keep=False)
        return repository.pins(source, below, ledger).over(judged_now, end=False) or judged_now
    finally:
        ledger.close()


def in_force(state: Path) -> str | None:
    """The commit in force by the record; None where there is no record yet."""
    path = StateDirectory(state).ledger
    if not path.exists():
        return None
    ledger = SqliteLedger(path, writable=False)
    try:
        return ledger.good_commit()
    finally:
        ledger.close()


async def look_at(desired: Desired, state: Path) -> dict[str, Observed]:
    """One look at every server of a desired state, with what the record knows; nothing is written."""
    async with connections() as clients:
        eyes = survey.Eyes(clients, FsspecStore(), SystemClock())
        return await survey.survey(desired, remembered(state), eyes)


async def look_at_storage(desired: Desired, rest: Mapping[str, Observed]) -> dict[str, Observed]:
    """Servers at rest with what storage holds for them; no server is asked."""
    store = FsspecStore()
    try:
        return await survey.stored(desired, rest, store)
    finally:
        store.close()


@asynccontextmanager
async def connections() -> AsyncIterator[GrpcClients]:
    """Clients of servers, closed at the end."""
    clients = GrpcClients()
    try:
        yield clients
    finally:
        await clients.close()


def tools(ledger: Ledger, clients: GrpcClients, tell: Events, pace: Pace | None = None) -> Tools:
    """What the lanes work with."""
    return Tools(
        clients,
        FsspecStore(),
        ledger,
        SystemClock(),
        tell,
        _OffTheLoop(),
        _dumped,
        _bootstrap,
        pace or Pace(),
    )


class _OffTheLoop:
    """Blocking calls in threads that nobody joins: a git host that never answers must not hold up the end (SIGTERM)."""

    def __init__(self) -> None:
        self._threads = DaemonThreads(4, "blocking")

    async def __call__(self, call: Callable[[], T]) -> T:
        return (await self._threads.submit(lambda: _tried(call)))()


def _tried(call: Callable[[], T]) -> Callable[[], T]:
    """The outcome of the call, as something that gives or raises it."""
    try:
        result = call()
    except Exception as error:
        caught = error

        def again() -> T:
            raise caught

        return again
    return lambda: result


def _bootstrap(path: str, config: ServerConfig) -> None:
    delivery_file.write_config_file(path, config)


def _dumped(plan: ServerPlan) -> str:
    return codec.dump(ServerPlan, plan)
