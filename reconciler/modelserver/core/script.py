"""A whole server on a virtual clock: a core, a disk in memory and loads that go as scripted.

For the simulator and for tests: say what is on disk, how long each load takes or how it fails, which requests are in
flight; then let time pass. Nothing sleeps, equal scripts give equal histories.
Deliberately not here: randomness and misbehaviour of networks; they belong to whoever writes the script.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.modelserver.core.looking import Look, Measure, Sight
from reconciler.modelserver.core.memory import MemoryDisk
from reconciler.modelserver.core.ports import Effect, Log, Published, ReadConfigFile, StartLoad, StartUnload, Ticket
from reconciler.modelserver.core.server import Core
from reconciler.modelserver.core.values import (
    OK,
    Flags,
    Lease,
    LoadKey,
    ModelConfig,
    ServerConfig,
    Status,
    VersionState,
    VersionStatus,
)


@dataclass(frozen=True, slots=True)
class Load:
    """How one attempt to load goes."""

    seconds: float = 0.05
    status: Status = OK


class LoadPlan:
    """How loads go, per model and version: one ``Load`` per attempt in this process's life, the last one repeated."""

    def __init__(self, default: Load | None = None, unload_seconds: float = 0.0) -> None:
        self.default = default or Load()
        self.unload_seconds = unload_seconds
        self._loads: dict[tuple[str, int], deque[Load]] = {}

    def set(self, model: str, version: int, *loads: Load) -> None:
        """Script the attempts of one version from now on; none at all returns to the default."""
        self._loads[model, version] = deque(loads)

    def take(self, key: LoadKey) -> Load:
        """The next attempt of this version."""
        loads = self._loads.get((key.model, key.version))
        if not loads:
            return self.default
        return loads.popleft() if len(loads) > 1 else loads[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """One published state and when."""

    at: float
    model: str
    status: VersionStatus

    @property
    def state(self) -> VersionState:
        """The state alone."""
        return self.status.state


class VirtualServer:
    """A core with a disk and a plan. ``history`` and ``logs`` keep the last ``keep`` entries.

    Looking at the disk takes no time here, unless ``look_seconds`` says so.
    """

    def __init__(self, flags: Flags, disk: MemoryDisk, plan: LoadPlan, *, now: float = 0.0, keep: int = 10_000) -> None:
        self.core = Core(flags, disk, now)
        self.disk = disk
        self.plan = plan
        self.config_file: ServerConfig | Status = ServerConfig()
        self.history: deque[Seen] = deque(maxlen=keep)
        self.logs: deque[tuple[float, str]] = deque(maxlen=keep)
        self._agenda: list[tuple[float, int, Callable[[float], object]]] = []
        self._serial = 0
        self._seen: tuple[tuple[ModelConfig, ...], int, Sight] | None = None
        self.look_seconds = 0.0
        self.now = now

    def start(self, config: ServerConfig | None) -> Ticket:
        """Start the process now; ``run_until`` lets it come up."""
        ticket = self.core.start(config, self.now)
        self._settle()
        return ticket

    def reload(self, config: ServerConfig) -> Ticket:
        """Send a reload now. For configured models the ticket is done on return."""
        ticket = self.core.reload(config, self.now)
        self._settle()
        return ticket

    def request(
        self, model: str, version: int | None = None, label: str | None = None, *, seconds: float = 0.0
    ) -> int | Status:
        """Send a request that takes ``seconds``: the version that answers it, or the refusal."""
        found = self.core.resolve(model, version, label)
        if isinstance(found, Status):
            return found
        self._occupy(found[1], seconds)
        return found[0]

    def next_at(self) -> float | None:
        """When something happens next, if nothing is sent."""
        times = [at for at in (self.core.next_at(), self._agenda[0][0] if self._agenda else None) if at is not None]
        return min(times, default=None)

    def run_until(self, until: float) -> None:
        """Let time pass up to and including ``until``."""
        while (at := self.next_at()) is not None and at <= until:
            self._step(max(at, self.now))
        self._step(max(until, self.now))

    def run_for(self, seconds: float) -> None:
        """Let that much time pass."""
        self.run_until(self.now + seconds)

    def run_until_done(self, ticket: Ticket, limit: float = 600.0) -> Status | None:
        """Let time pass until the ticket is answered; None when it was not within ``limit`` seconds."""
        end = self.now + limit
        while not ticket.done and (at := self.next_at()) is not None and at <= end:
            self._step(max(at, self.now))
        return ticket.status

    def _step(self, at: float) -> None:
        self.now = at
        if self._agenda and self._agenda[0][0] <= at:
            _, _, call = heapq.heappop(self._agenda)
            call(at)
        self._settle()

    def _settle(self) -> None:
        while effects := self.core.advance(self.now):
            self._carry_out(effects)

    def _occupy(self, lease: Lease, seconds: float) -> None:
        if seconds > 0:
            self._after(seconds, lambda at: self.core.release(lease, at))
        else:
            self.core.release(lease, self.now)

    def _after(self, seconds: float, call: Callable[[float], object]) -> None:
        self._serial += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._serial, call))

    def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case StartLoad(key):
                    self._load(key)
                case StartUnload(key):
                    self._unload(key)
                case Look() | Measure() as question:
                    self._look(question)
                case ReadConfigFile():
                    self._after(0.0, lambda at: self.core.reload_from_file(self.config_file, at))
                case Published(model, status):
                    self.history.append(Seen(self.now, model, status))
                case Log(text):
                    self.logs.append((self.now, text))

    def _load(self, key: LoadKey) -> None:
        load = self.plan.take(key)
        self._after(load.seconds, lambda at: self.core.load_finished(key, load.status, at))

    def _unload(self, key: LoadKey) -> None:
        self._after(self.plan.unload_seconds, lambda at: self.core.unload_finished(key, at))

    def _look(self, question: Look | Measure) -> None:
        if self.look_seconds:
            self._after(self.look_seconds, lambda at: self.core.answered(question, question.run(), at))
        else:
            answer = self._sight(question) if isinstance(question, Look) else question.run()
            self.core.answered(question, answer, self.now)

    def _sight(self, look: Look) -> Sight:
        """What a poll sees; the last one again as long as nothing changed, because idle servers only poll."""
        if self._seen is None or self._seen[0] is not look.models or self._seen[1] != self.disk.changes:
            self._seen = (look.models, self.disk.changes, look.run())
        return self._seen[2]
