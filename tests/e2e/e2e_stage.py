"""The stage of an end-to-end test: a repository, model files, model servers, a state directory, the reconciler.

Everything is real and everything waits with a deadline. What the reconciler did is read from its record, its log and
its commands, as its user would; what it did to clients is read from `e2e_traffic`.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import e2e_documents as documents
import e2e_processes as processes
from e2e_documents import Document, Model
from e2e_processes import Finished, Service
from e2e_repository import Repository
from e2e_servers import Pool, Server
from e2e_traffic import BothWays, RestTraffic, Traffic
from running_server import until
from sample_shelf import Shelf

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.errors import RecordError
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Intent, Outcome, Status, Sync

INTERVALS = ("--interval", "0.2", "--observe-interval", "0.3")


class Stage:
    """One test's world. `servers` are in the fleet from the first commit on."""

    def __init__(self, folder: Path, shelf: Shelf, pool: Pool, servers: Sequence[Server]) -> None:
        self.folder = folder
        self.servers = [*servers]
        self.storage = folder / "models"
        self.state = folder / "state"
        self.repository = Repository(folder)
        self.environment: Mapping[str, str] = {}
        self.services: list[Service] = []
        self._shelf = shelf
        self._pool = pool
        self._own: list[Server] = []

    @property
    def server(self) -> Server:
        """The first of the servers."""
        return self.servers[0]

    def own_server(self, *flags: str) -> Server:
        """One more server, with flags of its own, for this test alone."""
        server = Server(f"own-{len(self._own) + 1}", self.folder, *flags)
        self._own.append(server)
        self.servers.append(server)
        server.start()
        server.wait()
        return server

    # What git says

    def model(self, *versions: int, name: str = "half") -> Model:
        """A model with these versions on disk; its name is new to every server."""
        self._pool.models += 1
        made = Model(f"{name}-{self._pool.models}", self.storage / f"{name}-{self._pool.models}")
        made.base_path.mkdir(parents=True)
        self.publish(made, *versions)
        return made

    def publish(self, model: Model, *versions: int) -> None:
        """Put versions of a model on disk: 1 and 2 are real exports, others are copies of 1."""
        self._shelf.publish(model.base_path, *versions)

    def fleet(self, addresses: Mapping[str, str] | None = None, **spec: Any) -> Document:
        """The fleet of this stage's servers and of others, by address."""
        own = {server.name: server.address for server in self.servers}
        return documents.fleet(own | dict(addresses or {}), self.storage, **spec)

    def commit(self, message: str, *wanted: Document) -> str:
        """Commit and push; the fleet comes with the first commit unless it is among the documents."""
        first = not (self.repository.work / "fleets").exists()
        if first and not any(document["kind"] == "Fleet" for document in wanted):
            wanted = (self.fleet(), *wanted)
        return self.repository.commit(message, *wanted)

    # The reconciler

    @property
    def _where(self) -> tuple[str, ...]:
        return ("--repo", str(self.repository.remote), "--state", str(self.state))

    def start(self, repository: str = "") -> Service:
        """Start the service; on another repository than the stage's where one is given."""
        where = ("--repo", repository, "--state", str(self.state)) if repository else self._where
        service = Service.start(*where, *INTERVALS, environment=self.environment)
        self.services.append(service)
        return service

    @contextmanager
    def service(self) -> Iterator[Service]:
        """The service for the time of a block; it must end as its manual says."""
        service = self.start()
        yield service
        assert service.stop() == 0

    def run(self, verb: str, *arguments: str) -> Finished:
        """One command beside the service."""
        recorded = verb in {"status", "explain", "sync"}
        where = ("--state", str(self.state)) if recorded else self._where
        return processes.reconciler(verb, *arguments, *where, environment=self.environment)

    def close(self) -> None:
        """Leave nothing running."""
        for service in self.services:
            if service.process.poll() is None:
                service.kill()
        for server in self._own:
            server.stop()

    # What became of it

    @contextmanager
    def record(self) -> Iterator[SqliteLedger]:
        """The service's record, for reading."""
        with contextlib.closing(SqliteLedger(StateDirectory(self.state).ledger, writable=False)) as ledger:
            yield ledger

    def statuses(self) -> dict[str, Status]:
        """The status of every server at `eu/gpu-1` and of every model at `eu/gpu-1/half`; empty without a record."""
        with contextlib.suppress(RecordError), self.record() as ledger:
            return {f"{each.server}/{each.model}".rstrip("/"): each for each in ledger.statuses()}
        return {}

    def history(self) -> list[tuple[Intent, Sequence[Outcome]]]:
        """Every intent with its outcomes, oldest first."""
        with self.record() as ledger:
            intents = [*ledger.intents(limit=1000)][::-1]
            return [(intent, ledger.outcomes(intent.id)) for intent in intents]

    def is_settled(self, *names: str) -> bool:
        """Whether servers are as the newest commit says, with nothing open; all of the stage where none is named."""
        found, head = self.statuses(), self.repository.head
        for name in names or tuple(server.name for server in self.servers):
            own = found.get(f"{documents.FLEET}/{name}")
            if own is None or own.commit != head or own.sync is not Sync.SYNCED:
                return False
            with self.record() as ledger:
                if ledger.unsettled(own.server):
                    return False
        return True

    def settle(self, *names: str) -> None:
        """Wait for that."""
        until(lambda: self.is_settled(*names), "servers as git says")

    def stalled(self, subject: str) -> Condition | None:
        """Why somebody must act on a subject (`gpu-1`, `gpu-1/half`), None where nobody must."""
        found = self.statuses().get(f"{documents.FLEET}/{subject}")
        if found is None or found.commit != self.repository.head:
            return None
        conditions = (each for each in found.conditions if each.type is ConditionType.STALLED)
        return next((each for each in conditions if each.status is ConditionStatus.TRUE), None)

    def wait_stalled(self, subject: str, reason: str) -> Condition:
        """Wait until a subject is stalled for that reason."""

        def found() -> Condition | None:
            condition = self.stalled(subject)
            return condition if condition is not None and condition.reason == reason else None

        condition: Condition = self.until(found, f"{subject} stalled: {reason}")
        return condition

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait with a deadline, and fail with what was waited for."""
        return until(holds, what)

    @contextmanager
    def traffic(self, model: Model, label: str = "stable", server: Server | None = None) -> Iterator[BothWays]:
        """Requests by label for the time of a block, over gRPC and over REST."""
        asked = server or self.server
        over_grpc, over_rest = (
            Traffic(asked.address, model.name, label),
            RestTraffic(asked.rest, model.name, label),
        )
        with BothWays(over_grpc, over_rest).flowing() as traffic:
            yield traffic

    def timeline(self) -> Iterator[tuple[str, str]]:
        """Titles and texts of everything that helps to see what happened."""
        for number, service in enumerate(self.services):
            yield f"service {number + 1}, last lines", "\n".join(service.lines[-60:])
        for server in self.servers:
            yield f"{server.name}, last lines", "\n".join(server.log.splitlines()[-25:])
        states = (f"{name}: {each.sync} {each.conditions}" for name, each in self.statuses().items())
        yield "record", "\n".join(states)
