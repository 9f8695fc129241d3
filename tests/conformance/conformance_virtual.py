"""A world on the simulator's server: the core on a virtual clock, so a case takes no time.

Used by the suite's conftest for every case that is about the core, and by the differential as the reference side.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from conformance_exports import Export
from conformance_world import InFlight, Pending, Statuses, World

from reconciler.modelserver.core import (
    Flags,
    Load,
    LoadKey,
    LoadPlan,
    MemoryDisk,
    ModelConfig,
    ServerConfig,
    Status,
    Ticket,
    VirtualServer,
)
from reconciler.modelserver.statuses import cut, invalid_argument

Answer = TypeVar("Answer")
LOAD_SECONDS = 0.02


class ExportPlan(LoadPlan):
    """Loads go as what is on disk says, by path; what was loaded last is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.exports: dict[str, Export] = {}
        self.loaded: dict[tuple[str, int], Export] = {}

    def take(self, key: LoadKey) -> Load:
        """How an attempt goes that begins now."""
        export = self.exports.get(key.path, Export(fault="empty"))
        self.loaded[key.model, key.version] = export
        return Load(LOAD_SECONDS + export.seconds, export.outcome(key.path))


class VirtualWorld(World):
    """One core, its disk in memory, its time at our command."""

    kind = "simulated"

    def __init__(self, flags: tuple[str, ...], tag: str = "s", root: str = "/models") -> None:
        """The tag is always the same: the order of models in the server's tables follows from their names."""
        super().__init__(tag)
        self._root = root
        self.flags = flags
        self.disk = MemoryDisk(self.root)
        self.plan = ExportPlan()
        self._sent: list[tuple[Ticket, Pending, float]] = []
        self._in_flight: list[tuple[float, InFlight, int | Status]] = []
        self._config: ServerConfig | None = ServerConfig(())
        self._boot: Ticket | None = None
        self.server = self._new_server(0.0)

    def _new_server(self, now: float) -> VirtualServer:
        return VirtualServer(core_flags(self.flags), self.disk, self.plan, now=now)

    # -- the disk -----------------------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        return self._root

    def make(self, path: str) -> None:
        self.disk.make(path)

    def put(self, path: str, export: Export) -> None:
        self.disk.make(path)
        self.plan.exports[path] = export

    def overwrite(self, path: str, export: Export) -> None:
        self.put(path, export)

    def write(self, path: str) -> None:
        self.disk.write(path)

    def remove(self, path: str) -> None:
        self.disk.remove(path)
        for each in [each for each in self.plan.exports if f"{each}/".startswith(f"{path}/")]:
            del self.plan.exports[each]

    # -- the server ---------------------------------------------------------------------------------------------------

    def start(self, config: ServerConfig | None) -> None:
        self._config = config
        self.server.config_file = config or ServerConfig()
        self._boot = self.server.start(config)

    def is_open(self) -> bool:
        return self._boot is not None and self._boot.status is not None and self._boot.status.ok

    def last_words(self) -> str | None:
        ended = self.server.core.exited
        return None if ended is None else f"Failed to start server. Error: {ended}"

    def restart(self) -> None:
        self.server = self._new_server(self.now)
        self.start(self._config)
        self.until(self.is_open)

    def write_config(self, config: ServerConfig | None) -> None:
        self._config = config
        self.server.config_file = config or invalid_argument("Invalid protobuf file: 'models.config'").status

    def log(self) -> str:
        return "\n".join(text for _, text in self.server.logs)

    def send(self, *configs: ModelConfig, config: ServerConfig | None = None) -> Pending:
        pending = Pending()
        ticket = self.server.reload(config if config is not None else ServerConfig(configs))
        self._sent.append((ticket, pending, self.now))
        self._pass_on()
        return pending

    def get_model_status(self, name: str, version: int | None = None, label: str | None = None) -> Statuses | Status:
        return _cut(self.server.core.get_model_status(name, version))

    def resolve(self, name: str, version: int | None = None, label: str | None = None) -> int | Status:
        return _cut(self.server.request(name, version, label))

    def content(self, name: str, version: int | None = None) -> int | Status:
        found = self.resolve(name, version)
        return found if isinstance(found, Status) else self.plan.loaded[name, found].content

    def occupy(self, name: str, version: int | None, seconds: float) -> InFlight:
        sent = InFlight()
        self._in_flight.append((self.now + seconds, sent, self.server.request(name, version, seconds=seconds)))
        return sent

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self.server.now

    def wait(self, seconds: float) -> None:
        self._run_until(self.now + seconds)

    def pause(self, end: float) -> None:
        """To the next event, but never on the spot and never in steps a client could not make."""
        due = self.server.next_at()
        self._run_until(min(end, max(due if due is not None else end, self.now + 0.002)))

    def _run_until(self, at: float) -> None:
        self.server.run_until(at)
        self._pass_on()

    def _pass_on(self) -> None:
        for ticket, pending, sent in self._sent:
            if ticket.status is not None and ticket.finished_at is not None:
                pending.seconds = ticket.finished_at - sent
                pending.status = _cut(ticket.status)
        self._sent = [each for each in self._sent if each[1].status is None]
        for end, request, answer in self._in_flight:
            if end <= self.now:
                request.answer = answer


def _cut(answer: Answer) -> Answer:
    """A refusal as an RPC carries it; anything else as it is."""
    return replace(answer, message=cut(answer.message)) if isinstance(answer, Status) else answer


def core_flags(flags: tuple[str, ...]) -> Flags:
    """Those flags of a command line that the core obeys: numbers, and ``true``."""
    known = {each.name for each in fields(Flags)}
    values: dict[str, Any] = {}
    for name, _, text in (flag.removeprefix("--").partition("=") for flag in flags):
        if name in known:
            values[name] = text == "true" if text in {"true", "false"} else int(text)
    return Flags(**values)
