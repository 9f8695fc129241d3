"""Drives belief the way a lane does: asks a world what `questions` wants, learns, believes; sends, and hears answers.

`HandWorld` is set by the test; `CoreWorld` is the model server's core on a virtual clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from reconciler import belief
from reconciler.modelserver import core
from reconciler.sim.clients import to_core, to_entry
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel, DesiredServer, Fleet, TfServing
from reconciler.state.look import (
    LabelKind,
    LabelLook,
    LabelReading,
    Look,
    ModelLook,
    PathFacts,
    Presence,
    ProofLook,
    Reach,
    ReachKind,
    ServingError,
    StatusEntry,
    VersionFiles,
    VersionState,
)
from reconciler.state.memory import Answer, AnswerKind
from reconciler.state.observed import Observed, ObservedVersion
from reconciler.state.plan import Pass, PassKind
from reconciler.state.versions import specific

START, LOADING, AVAILABLE, UNLOADING, END = (
    VersionState.START,
    VersionState.LOADING,
    VersionState.AVAILABLE,
    VersionState.UNLOADING,
    VersionState.END,
)
BROKEN = ServingError(15, "Can't parse saved_model.pb as binary proto")
ACCEPTED = Answer(AnswerKind.ACCEPTED)
NOTHING = Answer(AnswerKind.NONE, 4, "Deadline Exceeded")


def config(*models: ModelConfig) -> ServerConfig:
    return ServerConfig(tuple(sorted(models, key=lambda each: each.name)))


def listing(name: str, *versions: int, **labels: int) -> ModelConfig:
    return ModelConfig(name, f"/models/{name}", specific(*versions), tuple(sorted(labels.items())))


def desired(*models: ModelConfig, tf_serving: TfServing | None = None, grpc: str = "here:8500") -> DesiredServer:
    wanted = tuple(DesiredModel(each.name, each.name, each.base_path, each.policy, each.labels) for each in models)
    return DesiredServer(Fleet("f", tf_serving=tf_serving or TfServing()), "s", grpc, models=wanted)


class World(Protocol):
    def statuses(self, model: str) -> tuple[StatusEntry, ...]: ...
    def label(self, model: str, label: str) -> LabelReading: ...
    def answers(self, model: str, version: int) -> bool: ...
    def path(self, base_path: str) -> PathFacts: ...


@dataclass
class HandWorld:
    """Models as {name: {version: state or error}}; labels by (model, label); what is denied though AVAILABLE."""

    models: dict[str, dict[int, VersionState | ServingError]] = field(default_factory=dict)
    labels: dict[tuple[str, str], int] = field(default_factory=dict)
    denied: set[tuple[str, int]] = field(default_factory=set)
    missing: set[tuple[str, int]] = field(default_factory=set)
    paths_missing: set[str] = field(default_factory=set)

    def statuses(self, model: str) -> tuple[StatusEntry, ...]:
        found = self.models.get(model, {})
        return tuple(_entry(version, found[version]) for version in sorted(found, reverse=True))

    def label(self, model: str, label: str) -> LabelReading:
        target = self.labels.get((model, label))
        if target is None:
            return LabelReading(LabelKind.UNDEFINED)
        answers = self.answers(model, target)
        return LabelReading(LabelKind.RESOLVES if answers else LabelKind.DANGLES, target)

    def answers(self, model: str, version: int) -> bool:
        available = self.models.get(model, {}).get(version) is AVAILABLE
        return available and (model, version) not in self.denied

    def path(self, base_path: str) -> PathFacts:
        if base_path in self.paths_missing:
            return PathFacts(base_path, Presence.MISSING)
        name = base_path.rpartition("/")[2]
        there = [version for version in range(1, 10) if (name, version) not in self.missing]
        return PathFacts(base_path, Presence.SEEN, tuple(VersionFiles(version) for version in there))


def _entry(version: int, state: VersionState | ServingError) -> StatusEntry:
    if isinstance(state, ServingError):
        return StatusEntry(version, END, state)
    return StatusEntry(version, state)


class CoreWorld:
    """One life after another of a model server core; the disk and the loads go on."""

    def __init__(self, disk: core.MemoryDisk, *, flags: core.Flags | None = None) -> None:
        self.disk, self.loads = disk, core.LoadPlan()
        self.flags = flags or core.Flags(num_load_threads=2, num_unload_threads=1, max_num_load_retries=0)
        self.life = self.restart(0.0)

    def restart(self, at: float, start: ServerConfig | None = None) -> core.VirtualServer:
        self.life = core.VirtualServer(self.flags, self.disk, self.loads, now=at)
        ticket = self.life.start(to_core(start or ServerConfig()))
        self.life.run_until_done(ticket, 5.0)
        return self.life

    def reload(self, sent: ServerConfig) -> core.Ticket:
        return self.life.reload(to_core(sent))

    def statuses(self, model: str) -> tuple[StatusEntry, ...]:
        return tuple(to_entry(each) for each in self.life.core.statuses(model))

    def label(self, model: str, label: str) -> LabelReading:
        target = self.life.core.labels_of(model).get(label)
        if target is None:
            return LabelReading(LabelKind.UNDEFINED)
        return LabelReading(LabelKind.RESOLVES if self.answers(model, target) else LabelKind.DANGLES, target)

    def answers(self, model: str, version: int) -> bool:
        return version in self.life.core.loaded(model)

    def path(self, base_path: str) -> PathFacts:
        if not self.disk.exists(base_path):
            return PathFacts(base_path, Presence.MISSING)
        numbers = sorted(int(name) for name in self.disk.children(base_path))
        return PathFacts(base_path, Presence.SEEN, tuple(VersionFiles(version) for version in numbers))


class Lane:
    """Belief about one server as it goes along. `at` is the time of the last look or reload."""

    def __init__(self, server: DesiredServer, world: World) -> None:
        self.server, self.world = server, world
        self.memory = belief.first_contact(server)
        self.at = 0.0
        self.broke = False
        self.reach = Reach()
        self.blind: set[str] = set()

    def look(self, at: float) -> Observed:
        self.at = at
        seen = self.ask(at)
        self.memory = belief.learn(self.server, self.memory, seen)
        return belief.believe(self.server, self.memory, seen)

    def ask(self, at: float) -> Look:
        asked = belief.questions(self.server, self.memory, at)
        broke, self.broke = self.broke, False
        if not self.reach.answers:
            return Look(self.server.id, at, self.reach, channel_dropped=broke)
        return Look(
            self.server.id,
            at,
            models=tuple(self._status(model) for model in asked.models),
            labels=tuple(LabelLook(*pair, self._label(*pair)) for pair in asked.labels),
            proofs=tuple(ProofLook(*key, answered=self.world.answers(*key)) for key in asked.proofs),
            paths=tuple(self.world.path(path) for path in asked.paths),
            channel_dropped=broke,
        )

    def send(self, sent: ServerConfig, at: float, answer: Answer = ACCEPTED, **specs: str) -> None:
        self.sending(sent, at, **specs)
        self.memory = belief.answered(self.server, self.memory, answer, at)

    def sending(self, sent: ServerConfig, at: float, **specs: str) -> None:
        self.at = at
        body = Pass(1, PassKind.CHANGE, (), sent, specs=tuple(sorted(specs.items())))
        self.memory = belief.sending(self.server, self.memory, body, at)

    def version(self, model: str, number: int, at: float) -> ObservedVersion:
        return self.look(at).model(model).version(number)

    def down(self, kind: ReachKind = ReachKind.UNREACHABLE) -> None:
        self.reach = Reach(kind, "connection refused")

    def up(self) -> None:
        self.reach = Reach()

    def _status(self, model: str) -> ModelLook:
        if model in self.blind:
            return ModelLook(model, unseen="deadline exceeded")
        return ModelLook(model, self.world.statuses(model))

    def _label(self, model: str, label: str) -> LabelReading:
        if model in self.blind:
            return LabelReading(LabelKind.UNSEEN, detail="deadline exceeded")
        return self.world.label(model, label)


class CoreLane(Lane):
    """A lane on a core: looks let time pass, sends are real reloads."""

    def __init__(self, server: DesiredServer, world: CoreWorld) -> None:
        super().__init__(server, world)
        self.core = world

    def watch(self, seconds: float, step: float = 0.05) -> Iterable[Observed]:
        """Looks every `step` for that long."""
        until = self.core.life.now + seconds
        while self.core.life.now < until:
            self.core.life.run_for(step)
            yield self.look(self.core.life.now)

    def last(self, seconds: float, step: float = 0.05) -> Observed:
        """The last of such looks."""
        return list(self.watch(seconds, step))[-1]

    def deliver(self, sent: ServerConfig, *, lose_answer: bool = False) -> Answer:
        """A reload with a client deadline of 5 s, answered or lost."""
        self.sending(sent, self.core.life.now)
        ticket = self.core.reload(sent)
        status = self.core.life.run_until_done(ticket, 5.0)
        answer = NOTHING if lose_answer or status is None else _answer(status)
        self.memory = belief.answered(self.server, self.memory, answer, self.core.life.now)
        return answer


def _answer(status: core.Status) -> Answer:
    if status.ok:
        return ACCEPTED
    failed = "did not become available" in status.message
    kind = AnswerKind.MODELS_FAILED if failed else AnswerKind.REFUSED
    return Answer(kind, int(status.code), status.message)


def serving(*models: ModelConfig, tf_serving: TfServing | None = None) -> tuple[Lane, HandWorld]:
    """A lane whose server runs these models, everything known and proven; the last look was at 100 s."""
    world = HandWorld()
    lane = Lane(desired(*models, tf_serving=tf_serving), world)
    lane.look(1.0)
    lane.send(config(*models), 10.0)
    for each in models:
        world.models[each.name] = dict.fromkeys(each.listed, AVAILABLE)
        world.labels.update({(each.name, label): version for label, version in each.labels})
    lane.look(20.0)
    lane.look(100.0)
    return lane, world
