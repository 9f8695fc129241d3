"""What became known of every version: the state board behind GetModelStatus, and listeners that wait on it.

The board keeps one entry per model and version, overwritten by each event and never removed: a version that ended stays
listed. A ``Listener`` is a second board that hears only events published after it was made; a reload waits on one. That
is why it can miss that a model is already up (and wait for ever), or take the END of an earlier life for an answer.

Source: ``core/servable_state_monitor.cc``; the texts of an unanswered wait are ``server_core.cc`` and
``core/load_servables_fast.cc``. Used by the manager (publishes), by reloads (wait) and by the fronts (read).
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.modelserver.core.ports import Effect, Published
from reconciler.modelserver.core.schedule import Gate, Scheduler, Thread
from reconciler.modelserver.core.values import OK, Code, Status, VersionState, VersionStatus

DECIDED = frozenset({VersionState.AVAILABLE, VersionState.END})


@dataclass(frozen=True, slots=True)
class Reached:
    """The version that decided for its model when a wait ended, and how."""

    model: str
    status: VersionStatus


class Listener:
    """States by model and version, from the moment this was made on."""

    __slots__ = ("changed", "states")

    def __init__(self) -> None:
        self.states: dict[str, dict[int, VersionStatus]] = {}
        self.changed = Gate()

    def record(self, model: str, status: VersionStatus) -> None:
        """Overwrite what was known of this version."""
        self.states.setdefault(model, {})[status.version] = status

    def of(self, model: str) -> tuple[VersionStatus, ...]:
        """Every version ever heard of, highest first."""
        versions = self.states.get(model)
        return tuple(versions[number] for number in sorted(versions, reverse=True)) if versions else ()

    def decided(self, models: frozenset[str]) -> tuple[Reached, ...] | None:
        """Per model its highest version at AVAILABLE or END; None while any model has none."""
        reached = []
        for model in sorted(models):
            first = next((status for status in self.of(model) if status.state in DECIDED), None)
            if first is None:
                return None
            reached.append(Reached(model, first))
        return tuple(reached)


class Board(Listener):
    """The long-lived listener, which is also where events are published."""

    __slots__ = ("_fresh", "_outbox", "_scheduler", "_waits")

    def __init__(self, scheduler: Scheduler, outbox: list[Effect]) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._outbox = outbox
        self._fresh: list[Listener] = []
        self._waits: list[Wait] = []

    def publish(self, model: str, version: int, state: VersionState, status: Status = OK) -> None:
        """Tell the board, every listener and every wait. Waits are judged at each event, not when they wake."""
        entry = VersionStatus(version, state, status)
        self.record(model, entry)
        self._outbox.append(Published(model, entry))
        for listener in self._fresh:
            listener.record(model, entry)
        for wait in self._waits:
            wait.judge(self._scheduler)

    def listener(self) -> Listener:
        """A listener that hears only what comes from now on."""
        fresh = Listener()
        self._fresh.append(fresh)
        return fresh

    def forget(self, listener: Listener) -> None:
        """Stop telling this listener."""
        self._fresh = [other for other in self._fresh if other is not listener]

    def wait(self, listener: Listener, models: frozenset[str]) -> Wait:
        """A wait, without limit, until every model has a version at AVAILABLE or END."""
        wait = Wait(listener, models)
        wait.judge(self._scheduler)
        self._waits.append(wait)
        return wait

    def done(self, wait: Wait) -> None:
        """Drop a wait that has its answer."""
        self._waits.remove(wait)


class Wait:
    """One reload waiting for its new models (``WaitUntilServablesReachState``). It keeps the first answer it gets."""

    __slots__ = ("_gate", "_listener", "_models", "reached")

    def __init__(self, listener: Listener, models: frozenset[str]) -> None:
        self._listener = listener
        self._models = models
        self._gate = Gate()
        self.reached: tuple[Reached, ...] | None = None

    def judge(self, scheduler: Scheduler) -> None:
        """Look whether every model is decided now."""
        if self.reached is None:
            self.reached = self._listener.decided(self._models)
            if self.reached is not None:
                scheduler.open(self._gate)

    def until_decided(self) -> Thread:
        """``yield from`` this."""
        while self.reached is None:
            yield self._gate

    def verdict(self, noun: str) -> Status:
        """OK, or UNKNOWN naming each model decided by an END; ``noun`` is model or, for a first config, servable."""
        failed = [each for each in self.reached or () if each.status.state is not VersionState.AVAILABLE]
        if not failed:
            return OK
        named = "".join(f"{{{describe(each)}}}, " for each in failed)
        return Status(Code.UNKNOWN, f"{len(failed)} {noun}(s) did not become available: {{{named}}}")


def describe(reached: Reached) -> str:
    """``{name: m version: 1}`` and, if there is one, the error behind it."""
    error = "" if reached.status.status.ok else f" due to error: {reached.status.status}"
    return f"{servable_id(reached.model, reached.status.version)}{error}"


def servable_id(model: str, version: int) -> str:
    """``ServableId::DebugString``."""
    return f"{{name: {model} version: {version}}}"
