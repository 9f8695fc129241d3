"""One lane on the core: look, believe, plan, check, send, as the service does it, on a virtual clock.

`Lane` starts with an empty server nobody knows and brings it to what git says. `push` is the script that a team would
write instead. Labels in `asked` are requested every 10 ms of all time that passes; `lost` counts those that failed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from builders import COMMIT, FLEET

from reconciler import belief
from reconciler.invariants import check_pass
from reconciler.modelserver import core
from reconciler.plan import plan_server, reached
from reconciler.sim.clients import to_core, to_entry
from reconciler.sim.storage import USUAL
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Fleet
from reconciler.state.look import (
    LabelKind,
    LabelLook,
    LabelReading,
    Look,
    ModelLook,
    PathFacts,
    Presence,
    ProofLook,
    StatusEntry,
    VersionFiles,
)
from reconciler.state.memory import Answer, AnswerKind
from reconciler.state.observed import Observed
from reconciler.state.plan import Pass, ServerPlan

TICK, LOOK, DEADLINE = 0.01, 0.05, 5.0
CORRUPT = core.Status(core.Code.DATA_LOSS, "Can't parse saved_model.pb as binary proto")


def entry(
    name: str, *versions: int, base_path: str = "", platform: str = "tensorflow", **labels: int
) -> core.ModelConfig:
    """One model in a script's config."""
    path = base_path or f"/models/{name}"
    return core.ModelConfig(name, path, platform, policy=core.Specific(versions), labels=tuple(labels.items()))


class Lane:
    """A server, what is remembered of it, and what git says. `passes` are those sent; `plan` the last one made."""

    def __init__(
        self, *models: DesiredModel, fleet: Fleet = FLEET, allow: bool = False, **stored: tuple[int, ...]
    ) -> None:
        self.server = DesiredServer(fleet, "gpu-1", "127.0.0.1:8500", models=models)
        self.commit: Commit = COMMIT
        self.disk, self.loads = core.MemoryDisk("/models"), core.LoadPlan()
        for name, versions in stored.items():
            self.disk.add(f"/models/{name}", *versions)
        self.flags = core.Flags(
            num_load_threads=fleet.tf_serving.num_load_threads,
            num_unload_threads=1,
            max_num_load_retries=0,
            allow_version_labels_for_unavailable_models=allow,
        )
        self.torn: set[str] = set()
        self.prints: dict[str, str] = {}
        self.asked: set[tuple[str, str]] = set()
        self.lost: Counter[tuple[str, str]] = Counter()
        self.passes: list[Pass] = []
        self.memory = belief.first_contact(self.server)
        self.plan = ServerPlan(self.server.id)
        self.observed = Observed(self.server.id, 0.0)
        self._broke = False
        self.life = self._start(1000.0, core.ServerConfig(()))
        self.settle()
        self.passes.clear()

    # the world

    def restart(self, *models: core.ModelConfig) -> None:
        """The process ends and a new one comes up, with these models in its config file."""
        self.life, self._broke = self._start(self.life.now, core.ServerConfig(models)), True

    def push(self, *models: core.ModelConfig, limit: float = DEADLINE) -> core.Status | None:
        """What a script sends, behind our back: its answer, None where there is none within the limit."""
        return self._await(self.life.reload(core.ServerConfig(models)), limit)

    def breaks(self, model: str, version: int, *, after: float = 0.05) -> None:
        """From now on that version fails to load."""
        self.loads.set(model, version, core.Load(after, CORRUPT))

    def slow(self, model: str, version: int, seconds: float) -> None:
        """From now on that version takes that long to load."""
        self.loads.set(model, version, core.Load(seconds))

    def states(self, model: str) -> dict[int, str]:
        """All versions of a model by state."""
        return {each.version: each.state.name for each in self.life.core.statuses(model)}

    def asks(self, model: str, label: str | None = None) -> int | str:
        """One request: who answers, or the words of the refusal."""
        found = self.life.request(model, label=label)
        return found if isinstance(found, int) else found.message

    def wait(self, seconds: float) -> None:
        """Let time pass; nobody looks."""
        self._until(self.life.now + seconds, lambda: False)

    # the service

    def git(self, *models: DesiredModel, fleet: Fleet | None = None, commit: Commit = COMMIT) -> None:
        """What git says from now on."""
        self.server = replace(self.server, models=models, fleet=fleet or self.server.fleet)
        self.commit = commit

    def drive(self, seconds: float, every: float = LOOK) -> None:
        """Look, plan and act for that long."""
        end = self.life.now + seconds
        while self.life.now < end:
            self.turn()
            self.wait(every)

    def settle(self, limit: float = 120.0) -> None:
        """Look, plan and act until nothing is on its way any more."""
        end = self.life.now + limit
        while self.life.now < end:
            self.turn()
            if self.plan.next_pass is None and not any(hold.progressing for hold in self.plan.holds):
                return
            self.wait(LOOK)
        raise AssertionError(f"not settled within {limit} s: {self.plan.holds}")

    def turn(self) -> None:
        """One look, one plan, at most one reload."""
        look = self._look()
        self.memory = belief.learn(self.server, self.memory, look)
        self.observed = belief.believe(self.server, self.memory, look)
        self.memory = belief.reached(self.memory, reached(self.server, self.observed))
        self.plan = plan_server(self.commit, self.server, self.observed)
        if self.plan.next_pass is not None:
            self._send(self.plan.next_pass)

    @property
    def reasons(self) -> set[str]:
        """Why anything is held now."""
        return {hold.reason.value for hold in self.plan.holds}

    @property
    def configs(self) -> list[ServerConfig]:
        """Every config sent."""
        return [body.config for body in self.passes]

    # within

    def _start(self, at: float, start: core.ServerConfig) -> core.VirtualServer:
        life = core.VirtualServer(self.flags, self.disk, self.loads, now=at)
        life.run_until_done(life.start(start), DEADLINE)
        return life

    def _until(self, end: float, done: Callable[[], bool]) -> None:
        while self.life.now < end - TICK / 2 and not done():
            self.life.run_for(TICK)
            self.lost.update(key for key in self.asked if not isinstance(self.asks(*key), int))

    def _await(self, ticket: core.Ticket, limit: float) -> core.Status | None:
        self._until(self.life.now + limit, lambda: ticket.done)
        return ticket.status

    def _send(self, body: Pass) -> None:
        assert check_pass(self.server, self.observed, body, prunes_all=self.commit.prunes_all) == ()
        self.passes.append(body)
        self.memory = belief.sending(self.server, self.memory, body, self.life.now)
        status = self._await(self.life.reload(to_core(body.config)), DEADLINE)
        self.memory = belief.answered(self.server, self.memory, _answer(status), self.life.now)

    def _look(self) -> Look:
        asked = belief.questions(self.server, self.memory, self.life.now)
        broke, self._broke = self._broke, False
        return Look(
            self.server.id,
            self.life.now,
            models=tuple(ModelLook(name, self._entries(name)) for name in asked.models),
            labels=tuple(LabelLook(*pair, self._reading(*pair)) for pair in asked.labels),
            proofs=tuple(
                ProofLook(name, number, number in self.life.core.loaded(name)) for name, number in asked.proofs
            ),
            paths=tuple(self._path(path) for path in asked.paths),
            channel_dropped=broke,
            exports=tuple(
                replace(USUAL, base_path=path, version=number, fingerprint=self._files(path, number).fingerprint)
                for path, number in asked.exports
                if self.disk.exists(f"{path}/{number}") and self._files(path, number).complete
            ),
        )

    def _entries(self, model: str) -> tuple[StatusEntry, ...]:
        return tuple(to_entry(each) for each in self.life.core.statuses(model))

    def _reading(self, model: str, label: str) -> LabelReading:
        target = self.life.core.labels_of(model).get(label)
        if target is None:
            return LabelReading(LabelKind.UNDEFINED)
        answers = target in self.life.core.loaded(model)
        return LabelReading(LabelKind.RESOLVES if answers else LabelKind.DANGLES, target)

    def _path(self, path: str) -> PathFacts:
        if not self.disk.exists(path):
            return PathFacts(path, Presence.MISSING, detail="no such directory")
        numbers = sorted(int(name) for name in self.disk.children(path))
        return PathFacts(path, Presence.SEEN, tuple(self._files(path, number) for number in numbers))

    def _files(self, path: str, number: int) -> VersionFiles:
        where = f"{path}/{number}"
        lacks = ("saved_model.pb",) if where in self.torn else ()
        return VersionFiles(number, lacks, 0, "" if lacks else self.prints.get(where, f"sha256:{number}"))


def _answer(status: core.Status | None) -> Answer:
    if status is None:
        return Answer(AnswerKind.NONE, 4, "Deadline Exceeded")
    if status.ok:
        return Answer(AnswerKind.ACCEPTED)
    failed = "did not become available" in status.message
    kind = AnswerKind.MODELS_FAILED if failed else AnswerKind.REFUSED
    return Answer(kind, int(status.code), status.message)
