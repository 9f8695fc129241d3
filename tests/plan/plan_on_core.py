"""The model server's core under the planner: a server at rest on a desired state, and what is true of it.

`Served` is brought up the documented way (models without labels, then labels), told reloads, and looked at without any
doubt: `observed` says what is so, not what a client could know. What a client can know is tests/plan/plan_lane.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.modelserver import core
from reconciler.sim.clients import to_core
from reconciler.sim.storage import USUAL
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    PathFacts,
    Presence,
    VersionFiles,
    VersionState,
)
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.versions import Specific

REST = 4.0
"""Seconds in which anything scripted here has come to rest: two polls, the loads in line, a tick for each unload."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so of one model: the versions that answer, where its labels point, what is listed."""

    answering: tuple[int, ...]
    labels: tuple[tuple[str, int], ...]
    entry: ModelConfig | None


class Served:
    """A core with a disk that holds what some paths hold."""

    def __init__(self, server: DesiredServer, paths: tuple[PathFacts, ...]) -> None:
        disk = core.MemoryDisk("/models", "/new")
        for path in paths:
            disk.add(path.base_path, *(files.version for files in path.versions))
        threads = server.fleet.tf_serving.num_load_threads
        flags = core.Flags(num_load_threads=threads, num_unload_threads=1, max_num_load_retries=0)
        self.life = core.VirtualServer(flags, disk, core.LoadPlan())
        self.sent = ServerConfig()
        self.life.start(to_core(self.sent))
        self.life.run_for(1.25)

    def bring_up(self, config: ServerConfig) -> None:
        """Serve that config, labels included."""
        bare = ServerConfig(tuple(model.with_labels({}) for model in config.models))
        for each in (bare, config):
            assert self.reload(each) == core.OK
            self.life.run_for(REST)

    def reload(self, config: ServerConfig, meanwhile: Callable[[], None] = lambda: None) -> core.Status | None:
        """Send a config and wait for the answer; `meanwhile` is called after every event."""
        ticket = self.life.reload(to_core(config))
        meanwhile()
        end = self.life.now + 60.0
        while not ticket.done and (at := self.life.next_at()) is not None and at <= end:
            self.life.run_until(at)
            meanwhile()
        self.sent = config
        return ticket.status

    def rest(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let everything come to rest."""
        end = self.life.now + REST
        while (at := self.life.next_at()) is not None and at <= end:
            self.life.run_until(at)
            meanwhile()
        self.life.run_until(end)

    def answer(self, model: str, label: str) -> int | None:
        """The version that answers requests by a label, None where they fail."""
        found = self.life.request(model, label=label)
        return found if isinstance(found, int) else None

    def facts(self, model: str) -> Facts:
        """What is so of one model."""
        labels = tuple(sorted(self.life.core.labels_of(model).items()))
        return Facts(tuple(sorted(self.life.core.loaded(model))), labels, self.sent.model(model))

    def observed(self, server: DesiredServer) -> Observed:
        """What is so, as the planner takes it; to be asked at rest."""
        paths = {model.base_path for model in server.models} | {model.base_path for model in self.sent.models}
        names = sorted({model.name for model in server.models} | self.sent.names)
        return Observed(
            server.id,
            1000.0 + self.life.now,
            sent=self.sent,
            known_as=self.sent,
            models=tuple(self._observed(name) for name in names),
            paths=tuple(self._path(path) for path in sorted(paths)),
            exports=tuple(
                replace(USUAL, base_path=path, version=files.version)
                for path in sorted(paths)
                for files in self._path(path).versions
            ),
        )

    def _observed(self, name: str) -> ObservedModel:
        entry = self.sent.model(name)
        named = entry is not None and isinstance(entry.policy, Specific)
        loaded = self.life.core.loaded(name)
        versions = []
        for status in reversed(self.life.core.statuses(name)):
            listed = status.version in entry.listed if named and entry is not None else status.version in loaded
            state, proven = VersionState(status.state), status.version in loaded
            versions.append(
                ObservedVersion(status.version, state, listed=listed, proven=proven, ended=state is VersionState.END)
            )
        return ObservedModel(name, tuple(versions), tuple(self._labels(name)))

    def _labels(self, name: str) -> list[tuple[str, LabelReading]]:
        loaded = self.life.core.loaded(name)
        return [
            (label, LabelReading(LabelKind.RESOLVES if version in loaded else LabelKind.DANGLES, version))
            for label, version in sorted(self.life.core.labels_of(name).items())
        ]

    def _path(self, path: str) -> PathFacts:
        if not self.life.disk.exists(path):
            return PathFacts(path, Presence.MISSING)
        numbers = sorted(int(name) for name in self.life.disk.children(path))
        return PathFacts(path, Presence.SEEN, tuple(VersionFiles(number) for number in numbers))
