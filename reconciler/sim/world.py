"""A simulated world, scripted: servers, model files, commits, faults, and one reconciler that keeps up with them.

Tests and scripts read like this::

    with World(seed=1) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged(limit=10)
        assert world.lost == []

Calls take effect at once; simulated time passes only in the `run…` methods. All times are in simulated seconds since
the world began.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from reconciler.loop import Applied, Lane, apply
from reconciler.modelserver.core import Flags
from reconciler.modelserver.core import values as core
from reconciler.sim.clients import Network, SimClients, to_core
from reconciler.sim.crash import CrashPoint
from reconciler.sim.hands import SimHands
from reconciler.sim.ledger import Pages
from reconciler.sim.process import Process, Repository
from reconciler.sim.server import SimServer
from reconciler.sim.storage import USUAL, Files, Storage
from reconciler.sim.timeline import Timeline
from reconciler.sim.traffic import Traffic
from reconciler.sim.virtualtime import VirtualClock, VirtualLoop
from reconciler.state.config import ServerConfig
from reconciler.state.desired import (
    Adopt,
    Commit,
    Desired,
    DesiredModel,
    DesiredServer,
    Fleet,
    MemoryBudget,
    Transition,
    TransitionPolicy,
)
from reconciler.state.observed import Observed
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import ActionKind, HoldReason, ServerPlan
from reconciler.state.versions import VersionPolicy, specific

STEP = 0.01
"""Seconds between two looks at whether a script's condition has come true."""


def model(name: str, *versions: int, policy: VersionPolicy | None = None, **labels: int) -> DesiredModel:
    """A model with these versions and labels, under `/models/NAME`; `dataclasses.replace` gives it the rest."""
    chosen = specific(*versions) if policy is None else policy
    return DesiredModel(name, name, f"/models/{name}", chosen, tuple(sorted(labels.items())))


def auto(wanted: DesiredModel) -> DesiredModel:
    """The same model, in whichever order fits, with consent to the gap that this may make on one server."""
    return replace(wanted, transition=Transition(TransitionPolicy.AUTO, allow_downtime=True))


def resource(wanted: DesiredModel) -> DesiredModel:
    """The same model, unloading the old before it loads the new, with consent to the gap that makes on one server."""
    return replace(wanted, transition=Transition(TransitionPolicy.RESOURCE, allow_downtime=True))


class World:
    """Everything simulated, on one clock. See the module's text for how to use it.

    bots: whether the reconciler may commit; set it before it starts. fleet: the Fleet of all servers; replace it before
    a commit. memory: what models may take on each of them, likewise.
    `poll`: seconds between two looks at the repository.
    """

    def __init__(self, seed: int = 0, *, poll: float = 30.0, flags: Flags | None = None) -> None:
        self._loop = VirtualLoop()
        self.clock = VirtualClock(self._loop)
        self.random = random.Random(seed)
        self.network = Network(self.random)
        self.storage = Storage()
        self.pages = Pages()
        self.repository = Repository()
        self.repository.push = self.push
        self.timeline = Timeline()
        self.traffic = Traffic(lambda: self.now)
        self.flags = flags or Flags(num_load_threads=2, num_unload_threads=1, max_num_load_retries=0)
        self.fleet = Fleet("eu", adopt=Adopt.REPLACE)
        self.memory: MemoryBudget | None = None
        self.servers: dict[str, SimServer] = {}
        self.labels: dict[str, tuple[tuple[str, str], ...]] = {}
        self.bots = False
        self.process: Process | None = None
        self._poll = poll
        self._commits = 0
        self._names: set[str] = set()
        self._began = False

    def __enter__(self) -> "World":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.crash()
        self._loop.close()

    # -- what is there --------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        return self._loop.time()

    @property
    def lost(self) -> list[str]:
        """Labelled requests that were lost though nothing excused it, as sentences."""
        return self.traffic.lost

    @property
    def troubles(self) -> list[str]:
        """The errors that lanes met: a broken invariant is one."""
        return [trouble.message for trouble in self.timeline.troubles]

    def server(self, name: str, config: ServerConfig | None = None, **labels: str) -> SimServer:
        """A server that runs; it begins with an empty list of models, or with this config. Labels are its own."""
        self.labels[name] = tuple(sorted(labels.items()))
        server = SimServer(name, self.flags, self.storage, self._loop)
        server.moved = self.traffic.ask
        self.servers[name] = server
        server.start(to_core(config or ServerConfig()))
        return server

    def model_files(self, name: str, *versions: int, seconds: float = 0.1, error: str = "", size: int = 1000) -> None:
        """Complete version directories below `/models/NAME`; `error` makes their loads fail, as DATA_LOSS."""
        for version in versions:
            export = replace(USUAL, size=size)
            files = Files(f"{name}/{version}", seconds=seconds, error=error, export=export)
            self.storage.put(f"/models/{name}", version, files)

    # -- what git says --------------------------------------------------------------------------------------------

    def commit(
        self, *models: DesiredModel, subject: str = "", prune_all: bool = False, confirmed: bool = False
    ) -> Commit:
        """A commit in which every server has these models; the reconciler is told of it (a webhook)."""
        self._commits += 1
        said = {"Model-Prune": "all"} if prune_all else {}
        trailers = tuple((said | ({"Blast-Radius": "confirmed"} if confirmed else {})).items())
        commit = Commit(f"c{self._commits}", "ann", self.clock.now(), subject, trailers)
        ordered = tuple(sorted(models, key=lambda each: each.name))
        servers = tuple(
            DesiredServer(self.fleet, name, grpc=name, labels=self.labels[name], models=ordered, memory=self.memory)
            for name in sorted(self.servers)
        )
        self.push(Desired(commit, servers))
        return commit

    def push(self, desired: Desired) -> None:
        """Any desired state at all, as the new head."""
        self.repository.head = desired
        self.repository.line.append(desired)
        self._names |= {each.name for server in desired.servers for each in server.models}
        self.traffic.follow(desired)
        if self.process is not None and self.process.service is not None:
            self.process.service.trigger()

    # -- what goes wrong ------------------------------------------------------------------------------------------

    def restart(self, name: str, config: ServerConfig | None = None) -> None:
        """A server is killed and at once started again: empty, or from a file with this config."""
        self._say(f"{name}  killed and started anew" + (" from its file" if config else ", empty"))
        self.servers[name].start(to_core(config or ServerConfig()))

    def foreign_reload(self, name: str, config: ServerConfig) -> None:
        """Somebody else sends a server a config."""
        self._say(f"{name}  somebody else reloads it")
        self.traffic.excuse(name)
        self.servers[name].reload(to_core(config))

    def lose_answers(self, name: str, count: int = 1) -> None:
        """The answers to that server's next reloads do not come back; the reloads are applied."""
        self.network.lost_answers[name] = count

    def lose_requests(self, name: str, count: int = 1) -> None:
        """The next reloads do not reach that server."""
        self.network.lost_requests[name] = count

    def fail_next_look(self, name: str, error: Exception) -> None:
        """The reconciler's next question to that server raises an error, as only a bug of ours could."""
        self.network.broken_looks[name] = error

    def forget(self) -> None:
        """The record is lost; the reconciler must not run."""
        self._say("the record is lost")
        self.pages = Pages()

    # -- the reconciler -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a reconciler process; the first one starts by itself when time first passes."""
        self._began = True
        self.process = self._new_process()
        self._loop.run_until_complete(self._start(self.process))

    def apply(self, timeout: float = 60.0) -> Applied:
        """`reconciler apply` of the newest commit, beside no running service."""
        head = self.repository.head
        if head is None:
            raise RuntimeError("nothing was committed")
        tools = self._new_process().tools(self.timeline.hear)
        return self._loop.run_until_complete(apply(head, tools, timeout))

    def crash(self) -> None:
        """SIGKILL the reconciler, if it runs."""
        if self.process is not None:
            self._loop.run_until_complete(self.process.kill())
            self.process = None

    def crash_at(self, point: CrashPoint, kind: ActionKind | None = None) -> None:
        """SIGKILL the reconciler at that point of the next pass that has such an action."""
        self._running().trap.arm(point, kind)

    def stop(self) -> float:
        """SIGTERM the reconciler; how long it took to end."""
        process, self.process = self._running(), None
        return self._loop.run_until_complete(process.stop())

    # -- letting time pass ----------------------------------------------------------------------------------------

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have something happen after that much time, while it passes."""
        self._loop.call_later(seconds, call)

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        self._ready()
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def run_until(self, condition: Callable[[], bool], limit: float, what: str = "it") -> float:
        """Let time pass until a condition holds; seconds that took. AssertionError with the timeline when too long."""
        self._ready()
        began = self.now
        self._loop.run_until_complete(self._until(condition, began + limit))
        assert condition(), f"{what} did not come within {limit} s:\n{self.timeline.text()}{self._state()}"  # noqa: S101
        return self.now - began

    def run_until_converged(self, limit: float = 30.0) -> float:
        """Let time pass until every server is what the newest commit says; seconds that took."""
        return self.run_until(self.converged, limit, "convergence")

    def run_until_at_rest(self, limit: float = 30.0) -> float:
        """Let time pass until nothing is on its way: converged, or held by what does not release itself."""
        return self.run_until(self.at_rest, limit, "rest")

    def run_until_crashed(self, limit: float = 30.0) -> float:
        """Let time pass until the trap has killed the reconciler; then it is gone."""
        process = self._running()
        took = self.run_until(lambda: process.trap.dead, limit, "the crash")
        self._say("the reconciler is killed")
        self.crash()
        return took

    # -- what can be asked ----------------------------------------------------------------------------------------

    def converged(self) -> bool:
        """Whether every server is known to be what the newest commit says."""
        return self.at_rest() and all(lane.plan.converged and not lane.halted for lane in self._lanes())

    def at_rest(self) -> bool:
        """Whether every lane works on the newest commit, and found nothing on its way and nothing to send."""
        service = self.process.service if self.process is not None else None
        if service is None or self.repository.taken_up is not self.repository.head or not service.lanes.lanes:
            return False
        if service.desired is not self.repository.known:
            return False
        return all(lane.halted or lane.finished is lane.aim.server for lane in service.lanes.lanes.values())

    def plans(self) -> dict[str, ServerPlan]:
        """The latest plan of every server, by name."""
        return {lane.aim.server.name: lane.plan for lane in self._lanes()}

    def observed(self, name: str) -> Observed:
        """What is believed of a server."""
        found = next(lane.observed for lane in self._lanes() if lane.aim.server.name == name)
        assert found is not None  # noqa: S101
        return found

    def holds(self, name: str) -> set[HoldReason]:
        """Why something on that server is held now."""
        return {hold.reason for hold in self.plans()[name].holds}

    def outcomes(self) -> list[OutcomeKind]:
        """How actions ended, oldest first."""
        return [outcome.kind for each in self.pages.outcomes.values() for outcome in each.values()]

    def serves(self, name: str) -> dict[str, tuple[int, ...]]:
        """The versions that requests can reach on a server, ascending, by model; models without any are left out."""
        process = self.servers[name].process
        found = {each: process.core.loaded(each)[::-1] for each in sorted(self._names)} if process is not None else {}
        return {each: versions for each, versions in found.items() if versions}

    def answers(self, name: str, model_name: str, label: str) -> int | core.Status:
        """What a request by label is answered by now."""
        return self.servers[name].resolve(model_name, label=label)

    # -- within ---------------------------------------------------------------------------------------------------

    def _lanes(self) -> list[Lane]:
        service = self._running().service
        return [*service.lanes.lanes.values()] if service is not None else []

    def _running(self) -> Process:
        if self.process is None:
            raise RuntimeError("the reconciler does not run: call start()")
        return self.process

    def _ready(self) -> None:
        if not self._began:
            self.start()

    def _new_process(self) -> Process:
        return Process(SimClients(self.servers.__getitem__, self.network), self.storage, self.pages, self.clock)

    async def _start(self, process: Process) -> None:
        hands = SimHands(self.repository, process.trap, self.clock) if self.bots else None
        process.start(self.repository, self.timeline.hear, self._poll, hands)

    async def _until(self, condition: Callable[[], bool], end: float) -> None:
        while self.now < end and not condition():  # noqa: ASYNC110
            await asyncio.sleep(STEP)  # simulated, so nothing is burnt

    def _say(self, text: str) -> None:
        self.timeline.note(self.now, text)

    def _state(self) -> str:
        lines = [f"{name}: {plan}\n" for name, plan in (self.plans() if self.process else {}).items()]
        return "".join([*lines, *(f"lost: {each}\n" for each in self.lost)])
