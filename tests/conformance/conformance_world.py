"""What a case sees of a server: models to publish, reloads to send, questions to ask, time to pass.

The same case runs on a real process (``conformance_process``), on somebody's server (the same file) and on the core
with a virtual clock (``conformance_virtual``). Answers come as the core's values on all of them: ``Status``,
``VersionStatus``.

Deliberately not here: how any of them does it.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance_exports import Export

from reconciler.modelserver.core import (
    All,
    Latest,
    ModelConfig,
    Policy,
    ServerConfig,
    Specific,
    Status,
    VersionState,
    VersionStatus,
)

POLL = 1.0
"""Seconds between two looks at the disk: the default of ``--file_system_poll_wait_seconds``."""

PATIENCE = 20.0
"""How long a case waits for what must come; nothing depends on it while all is well."""

BLOCKED = 2.5
"""A reload that has no answer by then is blocked: poll, load and tick take 1.5 s at most."""


@dataclass(slots=True)
class Pending:
    """A reload that was sent: its answer, once there is one, and how long it took."""

    status: Status | None = None
    seconds: float = 0.0
    cancel: Callable[[], object] = lambda: None
    """Let the client give up; the server is not asked."""


@dataclass(slots=True)
class InFlight:
    """A request that was sent: the version that answered it, or the refusal, once it is through."""

    answer: int | Status | None = None


class World(abc.ABC):
    """One server and the disk it looks at."""

    kind: str
    flags: tuple[str, ...]

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.models: dict[str, Model] = {}

    # -- the disk -----------------------------------------------------------------------------------------------------

    @property
    @abc.abstractmethod
    def root(self) -> str:
        """The directory, as both sides see it, that this case may write below."""

    @abc.abstractmethod
    def make(self, path: str) -> None:
        """Create a directory and its parents."""

    @abc.abstractmethod
    def put(self, path: str, export: Export) -> None:
        """Let a complete version directory appear at ``path`` in one instant."""

    @abc.abstractmethod
    def overwrite(self, path: str, export: Export) -> None:
        """Change the files of a version directory in place."""

    @abc.abstractmethod
    def write(self, path: str) -> None:
        """Create a file."""

    @abc.abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, or a directory with everything in it, in one instant."""

    # -- the server ---------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def start(self, config: ServerConfig | None) -> None:
        """Start the process with this config file; None is a file without a list."""

    @abc.abstractmethod
    def is_open(self) -> bool:
        """Whether it answers."""

    @abc.abstractmethod
    def last_words(self) -> str | None:
        """What it ended with; None while it runs."""

    @abc.abstractmethod
    def restart(self) -> None:
        """Kill it and start it again, with the config file as it is now."""

    @abc.abstractmethod
    def write_config(self, config: ServerConfig | None) -> None:
        """Replace the config file; None is one that cannot be read."""

    @abc.abstractmethod
    def log(self) -> str:
        """What it has logged so far."""

    @abc.abstractmethod
    def send(self, *configs: ModelConfig, config: ServerConfig | None = None) -> Pending:
        """Send a reload and do not wait: with no arguments, an empty list. Returns when the server has it."""

    @abc.abstractmethod
    def get_model_status(self, name: str, version: int | None = None, label: str | None = None) -> Statuses | Status:
        """GetModelStatus."""

    @abc.abstractmethod
    def resolve(self, name: str, version: int | None = None, label: str | None = None) -> int | Status:
        """Which version answers a request, or the refusal."""

    @abc.abstractmethod
    def content(self, name: str, version: int | None = None) -> int | Status:
        """Which export's bytes answer."""

    @abc.abstractmethod
    def occupy(self, name: str, version: int | None, seconds: float) -> InFlight:
        """Send a request that takes so long; it is under way on return."""

    @property
    @abc.abstractmethod
    def now(self) -> float:
        """Seconds on this world's clock."""

    @abc.abstractmethod
    def wait(self, seconds: float) -> None:
        """Let time pass."""

    @abc.abstractmethod
    def pause(self, end: float) -> None:
        """Let as much time pass as it takes for something to change, but not beyond ``end``."""

    # -- in other words -----------------------------------------------------------------------------------------------

    def model(self, short: str, *versions: int, seconds: float = 0.0) -> Model:
        """A model nobody else has, with these versions on disk (its base path is there in any case)."""
        model = Model(self, f"{short}_{self.tag}" if short else "")
        self.models[short] = model
        self.make(model.base)
        model.publish(*versions, seconds=seconds)
        return model

    def open(self, *configs: ModelConfig) -> None:
        """Start the process with these models in its config file, and wait until it answers."""
        self.start(ServerConfig(configs))
        self.until(self.is_open, 2 * PATIENCE)

    def reload(self, *configs: ModelConfig, config: ServerConfig | None = None, within: float = PATIENCE) -> Status:
        """Send a reload and wait for its answer."""
        return self.answer(self.send(*configs, config=config), within)

    def answer(self, pending: Pending, within: float = PATIENCE) -> Status:
        """Wait for the answer to a reload."""
        self.until(lambda: pending.status is not None, within, "the reload is answered")
        assert pending.status is not None
        return pending.status

    def until(self, is_true: Callable[[], bool], within: float = PATIENCE, what: str = "") -> None:
        """Let time pass until it is true; fail at the deadline."""
        end = self.now + within
        while not is_true():
            assert self.now < end, f"not within {within} s: {what or 'the condition'}; {self.describe()}"
            self.pause(end)

    def stays(self, is_true: Callable[[], bool], seconds: float) -> None:
        """Let time pass; fail as soon as it is not true."""
        end = self.now + seconds
        while self.now < end:
            assert is_true(), f"did not stay so for {seconds} s; {self.describe()}"
            self.pause(end)
        assert is_true(), f"did not stay so for {seconds} s; {self.describe()}"

    def settle(self) -> None:
        """Let a poll pass, and the ticks after it."""
        self.wait(POLL + 0.35)

    def serve(self, *configs: ModelConfig, within: float = PATIENCE) -> None:
        """Bring versions up in the way that is never refused: without labels first, then with them."""
        plain = [ModelConfig(each.name, each.base_path, policy=each.policy) for each in configs]
        status = self.reload(*plain, within=within)
        assert status.ok, status
        for each in configs:
            self.until(lambda each=each: self._is_up(each), within, f"{each.name} is up")  # type: ignore[misc]
        if any(each.labels for each in configs):
            status = self.reload(*configs)
            assert status.ok, status

    def _is_up(self, config: ModelConfig) -> bool:
        found = self.get_model_status(config.name)
        if isinstance(found, Status):
            return False
        states = {each.version: each.state for each in found}
        wanted = config.policy.versions if isinstance(config.policy, Specific) else tuple(states)
        return bool(states) and all(states.get(version) is VersionState.AVAILABLE for version in wanted)

    def describe(self) -> str:
        """Every model of this case and its states, for a failure's message."""
        return "; ".join(f"{model.name} {model.states()}" for model in self.models.values())


Statuses = tuple[VersionStatus, ...]


class Model:
    """A model of one case: its name, its base path, and short ways to say things of it."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.base = f"{world.root}/{name or 'no name'}"

    # -- on disk ------------------------------------------------------------------------------------------------------

    def path(self, version: int | str) -> str:
        """The directory of a version."""
        return f"{self.base}/{version}"

    def publish(self, *versions: int | str, seconds: float = 0.0, fault: str = "", content: int | None = None) -> Model:
        """Let version directories appear: named by number, or by the very name."""
        for version in versions:
            number = version if isinstance(version, int) else 0
            self._world.put(self.path(version), Export(number if content is None else content, seconds, fault))
        return self

    def export(self, content: int) -> Export:
        """Files whose answers tell that content."""
        return Export(content)

    def repair(self, version: int) -> None:
        """Give a broken version the files it should have had."""
        self._world.overwrite(self.path(version), Export(version))

    def remove(self, *versions: int | str) -> None:
        """Remove version directories."""
        for version in versions:
            self._world.remove(self.path(version))

    def remove_base(self) -> None:
        """Remove the base path with everything in it."""
        self._world.remove(self.base)

    # -- in a config --------------------------------------------------------------------------------------------------

    def __call__(self, *versions: int, **labels: int) -> ModelConfig:
        """Its entry in a config: these versions, these labels."""
        return self.entry(Specific(versions), labels)

    def latest(self, number: int = 1, **labels: int) -> ModelConfig:
        """Its entry with the policy ``latest``."""
        return self.entry(Latest(number), labels)

    def all(self, **labels: int) -> ModelConfig:
        """Its entry with the policy ``all``."""
        return self.entry(All(), labels)

    def entry(self, policy: Policy | None, labels: Mapping[str, int] | None = None, base: str = "") -> ModelConfig:
        """Its entry in a config, in full."""
        return ModelConfig(self.name, base or self.base, policy=policy, labels=tuple(sorted((labels or {}).items())))

    # -- on the server ------------------------------------------------------------------------------------------------

    def states(self) -> dict[int, str]:
        """States by version, in the order of GetModelStatus; empty where it is not found."""
        found = self._world.get_model_status(self.name)
        return {} if isinstance(found, Status) else {each.version: each.state.name for each in found}

    def error(self, version: int) -> Status:
        """The status inside one version's status."""
        found = self._world.get_model_status(self.name, version)
        assert not isinstance(found, Status), found
        return found[0].status

    def asks(self, version: int | None = None, label: str | None = None) -> int | str:
        """One request: the version that answers, or ``CODE: text``."""
        found = self._world.resolve(self.name, version, label)
        return str(found) if isinstance(found, Status) else found

    def until(self, states: Mapping[int, str], within: float = PATIENCE) -> None:
        """Let time pass until its states are these."""
        self._world.until(lambda: self.states() == states, within, f"{self.name} at {dict(states)}")

    def until_state(self, version: int, *states: str, within: float = PATIENCE) -> None:
        """Let time pass until one version is in one of these states."""
        what = f"version {version} of {self.name} at {' or '.join(states)}"
        self._world.until(lambda: self.states().get(version) in states, within, what)

    def watch(self, states: Mapping[int, str], within: float = PATIENCE) -> list[dict[int, str]]:
        """Let time pass until its states are these, and return all that were seen on the way, each once in a row."""
        seen: list[dict[int, str]] = []

        def look() -> bool:
            now = self.states()
            if not seen or seen[-1] != now:
                seen.append(now)
            return now == states

        self._world.until(look, within, f"{self.name} at {dict(states)}")
        return seen

    def stays(self, states: Mapping[int, str], seconds: float) -> None:
        """Let time pass; its states must be these all the while."""
        self._world.stays(lambda: self.states() == states, seconds)

    # -- texts of refusals --------------------------------------------------------------------------------------------

    def not_found(self, version: int | None = None) -> str:
        """The answer to a request for what is not loaded."""
        wanted = f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
        return f"NOT_FOUND: Servable not found for request: {wanted}"

    def label_refused(self, version: int) -> str:
        """The answer to a label that points at what is not available."""
        return (
            f"FAILED_PRECONDITION: Request to assign label to version {version} of model {self.name}, "
            "which is not currently available for inference"
        )

    def not_up(self, version: int, noun: str = "model", error: Status | None = None) -> str:
        """The answer to a reload whose only new model came to an end."""
        why = f" due to error: {error}" if error else ""
        return f"UNKNOWN: 1 {noun}(s) did not become available: {{{{{{name: {self.name} version: {version}}}{why}}}, }}"


def garbage(model: Model, version: int) -> Status:
    """The error of a version whose ``saved_model.pb`` is none."""
    return Export(fault="garbage").outcome(model.path(version))
