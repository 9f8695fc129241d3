"""A server under test: a virtual server with models on its disk, and short ways to change it and to look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.modelserver.core import (
    OK,
    Code,
    Flags,
    Load,
    LoadPlan,
    MemoryDisk,
    ModelConfig,
    Policy,
    ServerConfig,
    Specific,
    Status,
    Ticket,
    VersionState,
    VirtualServer,
)

QUICK = Flags(num_load_threads=1, max_num_load_retries=0)
"""The defaults of the conformance cases: one load thread, no retries, a poll every second."""

CORRUPT = Status(Code.DATA_LOSS, "Can't parse saved_model.pb as binary proto")


def model(
    name: str, *versions: int, labels: Mapping[str, int] | None = None, policy: Policy | None = None
) -> ModelConfig:
    """A model of these versions, under /models."""
    wanted = policy if policy is not None else Specific(versions)
    return ModelConfig(name, f"/models/{name}", policy=wanted, labels=tuple((labels or {}).items()))


class World(VirtualServer):
    """A virtual server that says things shortly: states by name, answers as a version or a refusal's text."""

    def __init__(self, on_disk: Mapping[str, tuple[int, ...]] | None = None, flags: Flags = QUICK) -> None:
        super().__init__(flags, MemoryDisk("/models"), LoadPlan())
        for name, versions in (on_disk or {}).items():
            self.disk.add(f"/models/{name}", *versions)

    def send(self, *models: ModelConfig) -> Ticket:
        """Reload without waiting."""
        return self.reload(ServerConfig(models))

    def apply(self, *models: ModelConfig, limit: float = 60.0) -> Status | None:
        """Reload and wait for the answer; None if there is none within ``limit``."""
        return self.run_until_done(self.send(*models), limit)

    def loads(self, name: str, version: int, *, seconds: float = 0.05, status: Status = OK) -> None:
        """Script every load of a version from now on."""
        self.plan.set(name, version, Load(seconds, status))

    def state(self, name: str, version: int) -> str | None:
        """The state of one version, as GetModelStatus names it."""
        return self.states(name).get(version)

    def states(self, name: str) -> dict[int, str]:
        """All versions of a model, in the order of GetModelStatus."""
        return {status.version: status.state.name for status in self.core.statuses(name)}

    def error(self, name: str, version: int) -> Status:
        """The status inside a version's status."""
        return next(status.status for status in self.core.statuses(name) if status.version == version)

    def asks(self, name: str, version: int | None = None, label: str | None = None, seconds: float = 0.0) -> int | str:
        """One request: the version that answers or the words of the refusal."""
        found = self.request(name, version, label, seconds=seconds)
        return found.message if isinstance(found, Status) else found

    def story(self, name: str, since: float = 0.0) -> list[tuple[int, str]]:
        """What was published of a model since then, in order."""
        return [
            (seen.status.version, seen.state.name) for seen in self.history if seen.model == name and seen.at >= since
        ]

    def moment(self, name: str, version: int, state: VersionState) -> float:
        """When a version last reached a state."""
        return next(
            seen.at
            for seen in reversed(self.history)
            if (seen.model, seen.status.version, seen.state) == (name, version, state)
        )


def serving(*models: ModelConfig, on_disk: Mapping[str, tuple[int, ...]] | None = None, flags: Flags = QUICK) -> World:
    """A server that started empty and now serves these models, labels included, with every load done."""
    disk = {each.name: each.policy.versions for each in models if isinstance(each.policy, Specific)}
    world = World({**disk, **(on_disk or {})}, flags)
    assert world.run_until_done(world.start(ServerConfig(()))) == OK
    world.run_for(1.25)
    if models:
        assert world.apply(*(replace(each, labels=()) for each in models)) == OK
        world.run_for(3.0)
        assert world.apply(*models) == OK
    return world
