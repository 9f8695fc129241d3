"""One server driven by the real lanes, with the real store, storage and clients; git is taken to have been read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench import fleets, servers
from reconciler.adapters.ledger import SqliteLedger
from reconciler.cli import wiring
from reconciler.loop.lane import Lane
from reconciler.loop.lanes import Lanes
from reconciler.loop.tools import Pace, deaf
from reconciler.ports import ServingClients
from reconciler.state.desired import Adopt, Commit, Desired, DesiredModel, DesiredServer, StorageMapping, TfServing
from reconciler.state.versions import specific

FLAGS = TfServing(num_load_threads=2, num_unload_threads=1, max_num_load_retries=0)


@dataclass(frozen=True, slots=True)
class Drive:
    """A server with its lanes."""

    port: int
    base_path: Path
    lanes: Lanes
    clients: ServingClients

    @property
    def lane(self) -> Lane:
        """The one lane."""
        return next(iter(self.lanes.lanes.values()))

    def aim(self, *versions: int, stable: int) -> None:
        """Have git want these versions and the label there, from now on."""
        model = DesiredModel(
            servers.MODEL, servers.MODEL, str(self.base_path), specific(*versions), ((servers.LABEL, stable),)
        )
        storage = (StorageMapping(str(self.base_path), self.base_path.as_uri()),)
        fleet = replace(fleets.fleet(), storage=storage, adopt=Adopt.REPLACE, tf_serving=FLAGS)
        server = DesiredServer(fleet, "s", f"127.0.0.1:{self.port}", models=(model,))
        self.lanes.aim_at(Desired(Commit(f"{stable:040}"), (server,)))

    async def rest(self, *versions: int, stable: int) -> None:
        """Aim, and wait until git is reached."""
        self.aim(*versions, stable=stable)
        while not (self.lane.finished is not None and self.lane.plan.converged):  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def driving(
    port: int, base_path: Path, record: Path, wrap: Callable[[ServingClients], ServingClients] | None = None
) -> AsyncIterator[Drive]:
    """Lanes on a record, closed at the end; `wrap` is put around the clients, to count."""
    ledger = SqliteLedger(record)
    async with wiring.connections() as clients:
        seen: ServingClients = clients if wrap is None else wrap(clients)
        tools = replace(wiring.tools(ledger, clients, deaf, Pace()), clients=seen)
        lanes = Lanes(tools)
        try:
            yield Drive(port, base_path, lanes, seen)
        finally:
            await lanes.close(3)
            ledger.close()
