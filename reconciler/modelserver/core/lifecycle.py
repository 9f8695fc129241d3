r"""The life of one version inside the manager, as a table. Nothing else moves a version.

A version is *held* from when a wanted-list with it is applied until it is forgotten. It carries a wish (``wanted``) and
a stage. The wish changes at once with a wanted-list; the stage only by the events of this table, which come from the
manager (what it requests) and from the thread that loads or unloads (all else)::

    NEW -> LOAD_REQUESTED -> LOAD_APPROVED -> LOADING -> READY -> UNLOAD_REQUESTED -> QUIESCING -> QUIESCED
                  \-> ERROR (no estimate)        |  \-> ERROR                                       |
                                                 \-> UNLOADING (cancelled) -> DISABLED <- UNLOADING <-/

What GetModelStatus shows is a projection: some events show a state (``SHOWS``), the rest show nothing. That is where
the traps come from. A version still NEW has been shown as START; being FORGETTABLE, it can be dropped without another
word, and then START stays for ever. One in LOAD_REQUESTED looks the same but cannot be dropped: it will be tried and
end. Which of the two a version meets depends on who is quicker, the wanted-list without it or the manager that requests
its load. Dropping the *model* sends an empty list at once; dropping a *version* waits for the next poll, and by then
every version has usually been requested.

AVAILABLE is shown by no event: it is published after the version went into the lookup table, without the central lock,
so that nothing keeps it before what happens to the version next.

``mermaid()`` draws the same table; docs/model-server.md shows it. Source: ``core/loader_harness.{h,cc}``, and
``core/basic_manager.cc`` for what is shown. Deliberately not here: when things happen (manager, policies, loading).
"""

from __future__ import annotations

from enum import Enum

from reconciler.modelserver.core.values import OK, LoadKey, VersionState


class Stage(Enum):
    """``LoaderHarness::State``."""

    NEW = "new"
    LOAD_REQUESTED = "load-requested"
    LOAD_APPROVED = "load-approved"
    LOADING = "loading"
    READY = "ready"
    UNLOAD_REQUESTED = "unload-requested"
    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    UNLOADING = "unloading"
    DISABLED = "disabled"
    ERROR = "error"


class Event(Enum):
    """What moves a version on."""

    REQUEST_LOAD = "the policy chose it for loading"
    APPROVE = "its size was estimated"
    REJECT = "no estimate could be made"
    LOAD = "its loader runs"
    SUCCEED = "a try succeeded"
    FAIL = "the last try failed"
    DISCARD = "a try succeeded, but it is no longer wanted"
    REQUEST_UNLOAD = "the policy chose it for unloading"
    QUIESCE = "its unload begins"
    RETIRE = "it left the lookup table, and no request uses the old one"
    UNLOAD = "its loader frees it"
    FREE = "it is freed"


TRANSITIONS: dict[tuple[Stage, Event], Stage] = {
    (Stage.NEW, Event.REQUEST_LOAD): Stage.LOAD_REQUESTED,
    (Stage.LOAD_REQUESTED, Event.APPROVE): Stage.LOAD_APPROVED,
    (Stage.LOAD_REQUESTED, Event.REJECT): Stage.ERROR,
    (Stage.LOAD_APPROVED, Event.LOAD): Stage.LOADING,
    (Stage.LOADING, Event.SUCCEED): Stage.READY,
    (Stage.LOADING, Event.FAIL): Stage.ERROR,
    (Stage.LOADING, Event.DISCARD): Stage.UNLOADING,
    (Stage.READY, Event.REQUEST_UNLOAD): Stage.UNLOAD_REQUESTED,
    (Stage.UNLOAD_REQUESTED, Event.QUIESCE): Stage.QUIESCING,
    (Stage.QUIESCING, Event.RETIRE): Stage.QUIESCED,
    (Stage.QUIESCED, Event.UNLOAD): Stage.UNLOADING,
    (Stage.UNLOADING, Event.FREE): Stage.DISABLED,
}

SHOWS: dict[Event, VersionState] = {
    Event.LOAD: VersionState.LOADING,
    Event.REJECT: VersionState.END,
    Event.FAIL: VersionState.END,
    Event.QUIESCE: VersionState.UNLOADING,
    Event.FREE: VersionState.END,
}
"""What GetModelStatus shows from an event on. START is shown when a version is accepted, AVAILABLE see above."""

FORGETTABLE = frozenset({Stage.NEW, Stage.DISABLED, Stage.ERROR})
"""An unwanted version in one of these stages is forgotten at the next tick, and nothing is shown of that."""


class Held:
    """One version the manager holds (``LoaderHarness`` plus its ``Aspired`` flag)."""

    __slots__ = ("_stage", "cancelled", "error", "key", "wanted")

    def __init__(self, key: LoadKey) -> None:
        self.key = key
        self._stage = Stage.NEW
        self.wanted = True
        self.cancelled = False
        self.error = OK

    @property
    def stage(self) -> Stage:
        """Where it is in the table."""
        return self._stage

    def on(self, event: Event) -> None:
        """Move along the table; a move it does not know is a bug of ours."""
        following = TRANSITIONS.get((self._stage, event))
        if following is None:
            raise AssertionError(f"{self.key} cannot take {event.name} in stage {self._stage.value}")
        self._stage = following

    def unwant(self) -> None:
        """No longer wanted: further tries are cancelled, unless it already failed (``CancelLoadServableRetry``)."""
        self.wanted = False
        self.cancelled = self.cancelled or self.error.ok


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    moves = [f"    {a.name} --> {b.name}: {_label(event)}" for (a, event), b in TRANSITIONS.items()]
    ends = [f"    {stage.name} --> [*]: forgotten when unwanted" for stage in Stage if stage in FORGETTABLE]
    return "\n".join(["stateDiagram-v2", "    [*] --> NEW: accepted (shows START)", *moves, *ends])


def _label(event: Event) -> str:
    return f"{event.value} (shows {SHOWS[event].name})" if event in SHOWS else event.value
