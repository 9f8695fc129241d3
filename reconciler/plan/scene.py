"""What every planning function of one server looks at, and the draft that one step of one model fills in.

Called by every other module of `plan/`. `Scene` is the question (desired and observed, with what follows at once from
them); `Draft` is the only thing in planning that changes, lives for one call, and ends as a `Move`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from reconciler.plan.memory import Room
from reconciler.plan.target import Target
from reconciler.state.check import CheckDue
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import PathFacts, Presence
from reconciler.state.observed import Observed, ObservedModel
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Gap, Hold, HoldReason
from reconciler.state.versions import Specific


@dataclass(frozen=True, slots=True)
class Scene:
    """One server: what it shall be, what is believed of it, and which base paths freeze its discovery.

    `seen` and `configs` are the models of the observation and of the config in force by name; `paths` is what storage
    holds by base path.
    """

    server: DesiredServer
    observed: Observed
    frozen: tuple[tuple[str, str], ...]
    seen: Mapping[str, ObservedModel]
    configs: Mapping[str, ModelConfig]
    paths: Mapping[str, PathFacts]

    def path(self, base_path: str) -> PathFacts:
        """What storage holds there; UNSEEN where it was not looked at."""
        return self.paths.get(base_path) or self.observed.path(base_path)

    def model(self, name: str) -> ObservedModel:
        """That model as believed; one without versions where nothing is known of it."""
        return self.seen.get(name) or ObservedModel(name)

    @property
    def freeze(self) -> tuple[str, str]:
        """Why the server carries out no version change now, and what releases it; only where discovery is `frozen`."""
        model, path = self.frozen[0]
        ends = "carries out no version change of any model (rule E8)"
        if self.path(path).presence is Presence.MISSING:
            return (
                f"the base path {path} of {model} does not exist; meanwhile the server {ends}",
                f"the directory {path}",
            )
        detail = f"the base path {path} of {model} cannot be seen from here; if it is missing there, the server {ends}"
        return detail, f"a look at {path} that is answered, or `allowUnseenStorage: true`"

    @property
    def poll(self) -> float:
        """Seconds between two directory polls of the server."""
        return self.server.fleet.tf_serving.file_system_poll_wait

    @property
    def load_slots(self) -> int:
        """How many loads can run at once; with no load threads they run in line, one by one."""
        return max(1, self.server.fleet.tf_serving.num_load_threads)

    def load_deadline(self, target: Target) -> float:
        """Seconds a load of this model may take."""
        return target.transition.load_deadline or self.server.fleet.deadlines.load


def scene(server: DesiredServer, observed: Observed) -> Scene:
    """The scene of one server."""
    seen = {model.name: model for model in observed.models}
    configs = {model.name: model for model in observed.sent.models}
    paths = {path.base_path: path for path in observed.paths}
    return Scene(server, observed, _unseen_paths(server, observed), seen, configs, paths)


def _unseen_paths(server: DesiredServer, observed: Observed) -> tuple[tuple[str, str], ...]:
    """(model, base path) of every configured model whose base path was not seen: discovery is frozen for all.

    One missing base path ends the whole poll (file_system_storage_path_source.cc, PollFileSystemForConfig). A path that
    cannot be looked at from here counts as missing unless the fleet consents to unseen storage.
    """
    blind = server.fleet.allow_unseen_storage
    return tuple(
        (model.name, model.base_path)
        for model in observed.sent.models
        if (presence := observed.path(model.base_path).presence) is Presence.MISSING
        or (presence is Presence.UNSEEN and not blind)
    )


@dataclass(frozen=True, slots=True)
class Move:
    """What one model may do now: its part of the next config, with actions, gaps and holds.

    waits: its actions go along with those of others, and are no reason for a reload by themselves. checks: to be run
    now, beside everything else.
    """

    config: ModelConfig
    actions: tuple[Action, ...] = ()
    holds: tuple[Hold, ...] = ()
    gaps: tuple[Gap, ...] = ()
    waits: bool = False
    checks: tuple[CheckDue, ...] = ()


@lru_cache(maxsize=4096)
def _fact(kind: FactKind, model: str, version: int) -> Fact:
    """Kept, because one load is followed by several actions that rest on it, and a fleet has it on every server."""
    return Fact(kind, model, version)


@dataclass(slots=True)
class Draft:
    """The next config of one model in the making. room: the server's memory, where it is limited."""

    scene: Scene
    target: Target
    config: ModelConfig
    seen: ObservedModel
    listed: set[int]
    labels: dict[str, int]
    actions: list[Action] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    checks: list[CheckDue] = field(default_factory=list)
    room: Room | None = None

    def may_list(self, versions: Sequence[int]) -> bool:
        """Whether there is memory for all of these versions; from now on it is theirs. Else a hold says why."""
        hold = self.room.ask(self.target, versions) if self.room is not None else None
        self.holds += [hold] if hold is not None else []
        return hold is None

    def load(self, version: int, because: str) -> None:
        """List a version."""
        needs = (self.fact(FactKind.FILES_COMPLETE, version),)
        leads_to = (self.fact(FactKind.AVAILABLE, version),)
        self.listed.add(version)
        self._act(ActionKind.LOAD, version, because, needs, leads_to)

    def unload(self, version: int, because: str, needs: Iterable[Fact] = ()) -> None:
        """Take a version off the list."""
        self.listed.discard(version)
        self._act(ActionKind.UNLOAD, version, because, tuple(needs), (self.fact(FactKind.GONE, version),))

    def label(self, label: str, version: int, before: int | None, because: str, verdict: str) -> None:
        """Point a label at a version; `verdict` says what clients notice."""
        self.labels[label] = version
        needs = (self.fact(FactKind.AVAILABLE, version), self.fact(FactKind.LISTED, version))
        leads_to = (Fact(FactKind.LABEL_AT, self.target.name, version, label),)
        action = Action(ActionKind.LABEL, self.target.name, version, label, before, because, needs, leads_to, verdict)
        self.actions.append(action)

    def unlabel(self, label: str, because: str, before: int | None = None) -> None:
        """Leave a label out."""
        before = self.labels.pop(label, before)
        leads_to = (Fact(FactKind.LABEL_UNDEFINED, self.target.name, label=label),)
        self.actions.append(
            Action(ActionKind.UNLABEL, self.target.name, None, label, before, because, (), leads_to),
        )

    def hold(self, reason: HoldReason, detail: str, released_by: str, **more: object) -> None:
        """Say why a difference of this model is not acted on now."""
        self.holds.append(Hold(reason, self.target.name, detail, released_by, **more))  # type: ignore[arg-type]  # by name

    def fact(self, kind: FactKind, version: int) -> Fact:
        """A statement about a version of this model."""
        return _fact(kind, self.target.name, version)

    def _act(
        self,
        kind: ActionKind,
        version: int,
        because: str,
        needs: tuple[Fact, ...],
        leads_to: tuple[Fact, ...],
    ) -> None:
        self.actions.append(
            Action(kind, self.target.name, version, because=because, needs=needs, leads_to=leads_to),
        )

    def finish(self) -> Move:
        """The draft as a value; the config is the old one where nothing was done."""
        if not self.actions:
            return Move(self.config, (), tuple(self.holds), tuple(self.gaps), checks=tuple(self.checks))
        old, labels = self.config, tuple(sorted(self.labels.items()))
        policy, listed = old.policy, tuple(sorted(self.listed))
        if isinstance(policy, Specific) and policy.versions != listed:
            policy = Specific(listed)
        config = ModelConfig(old.name, old.base_path, policy, labels, old.platform)
        return Move(config, tuple(self.actions), tuple(self.holds), tuple(self.gaps), checks=tuple(self.checks))


def draft(stage: Scene, target: Target, config: ModelConfig, room: Room | None = None) -> Draft:
    """A draft that changes nothing yet."""
    seen, listed, labels = stage.model(target.name), set(config.listed), dict(config.labels)
    return Draft(stage, target, config, seen, listed, labels, room=room)
