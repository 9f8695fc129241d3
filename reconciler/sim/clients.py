"""`ports.ServingClients` over simulated servers: latency, deadlines, lost answers, silence.

Used by the reconciler processes of a `World`; it says what the gRPC adapter would say. Whether a
reload goes astray is asked of the `Network` when it is sent.
"""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.modelserver.core import Code, Status
from reconciler.modelserver.core import values as core
from reconciler.sim.predictions import Predictions
from reconciler.sim.server import SimServer
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DeliveryMode, DesiredServer
from reconciler.state.inference import Heard, Prediction, Question, Signatures
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    ModelLook,
    Page,
    ProofLook,
    Reach,
    ReachKind,
    ServingError,
    StatusEntry,
    VersionState,
)
from reconciler.state.memory import Answer, AnswerKind
from reconciler.state.versions import All, Latest, Specific

DANGLING = re.compile(r"Servable not found for request: Specific\(.*, (-?\d+)\)")
NO_CONNECTION = "Connection refused"
NO_ANSWER = "Deadline Exceeded"


@dataclass
class Network:
    """How calls travel: seconds there and back, from a seeded source; how many of the next reloads go astray.

    lost_requests: reloads that never arrive. lost_answers: reloads that arrive, and whose answer does not come back.
    broken_looks: by server, an error that taking its client raises next, as only a bug could.
    predictions: what versions answer to Predict.
    """

    random: random.Random
    fastest: float = 0.0003
    slowest: float = 0.0015
    lost_requests: dict[str, int] = field(default_factory=dict)
    lost_answers: dict[str, int] = field(default_factory=dict)
    broken_looks: dict[str, Exception] = field(default_factory=dict)
    predictions: Predictions = field(default_factory=Predictions)

    def trip(self) -> float:
        """How long one way takes, in seconds."""
        return self.random.uniform(self.fastest, self.slowest)

    def loses(self, which: dict[str, int], server: str) -> bool:
        """Whether this one goes astray; each fault is used up once."""
        left = which.get(server, 0)
        if left:
            which[server] = left - 1
        return left > 0


class SimClient:
    """`ports.ServingClient` of one simulated server."""

    def __init__(self, server: SimServer, desired: DesiredServer, network: Network) -> None:
        self._server = server
        self.desired = desired
        self._network = network
        self._life = server.life

    async def reach(self) -> Reach:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        await self._return()
        return trouble or Reach()

    async def status(self, model: str) -> ModelLook:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        if trouble is not None:
            return ModelLook(model, unseen=trouble.detail)
        process = self._server.catch_up()
        entries = process.core.statuses(model) if process is not None else ()
        await self._return()
        return ModelLook(model, tuple(to_entry(each) for each in entries))

    async def read_label(self, model: str, label: str) -> LabelReading:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        if trouble is not None:
            return LabelReading(LabelKind.UNSEEN, detail=trouble.detail)
        found = self._server.resolve(model, label=label)
        await self._return()
        if isinstance(found, int):
            return LabelReading(LabelKind.RESOLVES, found)
        named = DANGLING.search(found.message)
        if named is None:
            return LabelReading(LabelKind.UNDEFINED, detail=found.message)
        return LabelReading(LabelKind.DANGLES, int(named[1]), found.message)

    async def prove(self, model: str, version: int) -> ProofLook:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        if trouble is not None:
            return ProofLook(model, version, answered=False, unseen=trouble.detail)
        found = self._server.resolve(model, version)
        await self._return()
        return ProofLook(model, version, answered=isinstance(found, int))

    async def signatures(self, model: str, version: int) -> Signatures:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        if trouble is not None:
            return Signatures(_heard(trouble), detail=trouble.detail)
        found = self._server.resolve(model, version)
        await self._return()
        if not isinstance(found, int):
            return Signatures(Heard.LOST, detail=found.message)
        return Signatures(Heard.ANSWERED, self._network.predictions.of(self._server.name, model, version).signatures)

    async def predict(self, question: Question, deadline: float) -> Prediction:
        """See `ports.ServingClient`. The version must be loaded from the question to the answer."""
        loop = asyncio.get_running_loop()
        began, life, where = loop.time(), self._server.life, (question.model, question.version)
        trouble = await self._arrive(deadline)
        if trouble is not None:
            return Prediction(_heard(trouble), seconds=loop.time() - began, detail=trouble.detail)
        behaviour = self._network.predictions.of(self._server.name, *where)
        self._network.predictions.asked[self._server.name, *where] += 1
        await asyncio.sleep(min(behaviour.seconds, deadline))
        await self._return()
        seconds = loop.time() - began
        found = self._server.resolve(*where) if self._server.up else None
        if found is None or self._server.life != life:
            return Prediction(Heard.LOST, seconds=seconds, detail="Socket closed")
        if not isinstance(found, int):
            return Prediction(Heard.LOST, seconds=seconds, detail=found.message)
        if behaviour.seconds >= deadline:
            return Prediction(Heard.LATE, seconds=seconds, detail=NO_ANSWER)
        if behaviour.error is not None:
            return Prediction(behaviour.error[0], seconds=seconds, detail=behaviour.error[1])
        return Prediction(Heard.ANSWERED, behaviour.answer(question.inputs), seconds)

    async def reload(self, config: ServerConfig) -> Answer:
        """See `ports.ServingClient`."""
        if self.desired.fleet.delivery.mode is DeliveryMode.FILE:
            return await self._write_file(config)
        if self._network.loses(self._network.lost_requests, self._server.name):
            await asyncio.sleep(self.desired.fleet.deadlines.reload)
            return Answer(AnswerKind.NONE, Code.DEADLINE_EXCEEDED, NO_ANSWER)
        trouble = await self._arrive(self.desired.fleet.deadlines.reload)
        if trouble is not None:
            return Answer(AnswerKind.NONE, Code.UNAVAILABLE, trouble.detail)
        waiting = self._server.reload(to_core(config))
        if self._network.loses(self._network.lost_answers, self._server.name):
            await asyncio.sleep(self.desired.fleet.deadlines.reload)
            return Answer(AnswerKind.NONE, Code.DEADLINE_EXCEEDED, NO_ANSWER)
        return await self._answer(waiting)

    async def page(self) -> Page:
        """See `ports.ServingClient`."""
        trouble = await self._arrive()
        await self._return()
        return self._server.page if trouble is None else Page(unseen=trouble.detail)

    def dropped(self) -> bool:
        """See `ports.ServingClient`."""
        life = self._server.life if self._server.process is not None else -1
        before, self._life = self._life, life
        return before not in (life, -1)

    async def close(self) -> None:
        """See `ports.ServingClient`."""

    async def _answer(self, waiting: "asyncio.Future[Status]") -> Answer:
        try:
            async with asyncio.timeout(self.desired.fleet.deadlines.reload):
                done, _ = await asyncio.wait({waiting})
        except TimeoutError:
            return Answer(AnswerKind.NONE, Code.DEADLINE_EXCEEDED, NO_ANSWER)
        if waiting.cancelled() or not done:
            return Answer(AnswerKind.NONE, Code.UNAVAILABLE, "Socket closed")
        status = waiting.result()
        await self._return()
        if status.ok:
            return Answer(AnswerKind.ACCEPTED)
        kind = AnswerKind.MODELS_FAILED if status.code is Code.UNKNOWN else AnswerKind.REFUSED
        return Answer(kind, status.code, status.message)

    async def _write_file(self, config: ServerConfig) -> Answer:
        self._server.config_file = to_core(config)
        if self._server.process is not None:
            self._server.process.config_file = to_core(config)
        await asyncio.sleep(self._network.trip())
        return Answer(AnswerKind.ACCEPTED)

    async def _arrive(self, deadline: float | None = None) -> Reach | None:
        """The way there; why nothing answers at its end, None where something does."""
        await asyncio.sleep(self._network.trip())
        if self._server.silent:
            await asyncio.sleep(self.desired.fleet.deadlines.status if deadline is None else deadline)
            return Reach(ReachKind.SLOW, NO_ANSWER)
        if not self._server.up:
            return Reach(ReachKind.UNREACHABLE, NO_CONNECTION)
        return None

    async def _return(self) -> None:
        await asyncio.sleep(self._network.trip())


def _heard(trouble: Reach) -> Heard:
    return Heard.LATE if trouble.kind is ReachKind.SLOW else Heard.LOST


class SimClients:
    """`ports.ServingClients`: a client per server, by its gRPC address."""

    def __init__(self, find: Callable[[str], SimServer], network: Network) -> None:
        self._find = find
        self._network = network
        self._clients: dict[str, SimClient] = {}

    def client(self, server: DesiredServer) -> SimClient:
        """The client for that server."""
        if server.grpc in self._network.broken_looks:
            raise self._network.broken_looks.pop(server.grpc)
        known = self._clients.get(server.id)
        if known is None or known.desired.grpc != server.grpc:
            known = self._clients[server.id] = SimClient(self._find(server.grpc), server, self._network)
        known.desired = server
        return known

    async def close(self) -> None:
        """See `ports.ServingClients`."""


def to_core(config: ServerConfig) -> core.ServerConfig:
    """A config as the simulated server takes it off the wire."""
    return core.ServerConfig(tuple(_model(each) for each in config.models))


def _model(model: ModelConfig) -> core.ModelConfig:
    policy: core.Policy
    match model.policy:
        case Specific(versions):
            policy = core.Specific(versions)
        case Latest(count):
            policy = core.Latest(count)
        case All():
            policy = core.All()
    return core.ModelConfig(model.name, model.base_path, model.platform, policy=policy, labels=model.labels)


def to_entry(entry: core.VersionStatus) -> StatusEntry:
    """One version's status as GetModelStatus would give it."""
    error = None if entry.status.ok else ServingError(int(entry.status.code), entry.status.message)
    return StatusEntry(entry.version, VersionState(entry.state), error)
