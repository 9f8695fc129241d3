r"""The life of one version inside the manager, as a table.

A version is *held* from when a wanted-list with it is applied until it is forgotten. It carries a wish (``wanted``) and
a stage. What GetModelStatus shows is only a projection, published on the way; the stages say more than it does:
a version still in NEW can be forgotten without a word, one in LOAD_REQUESTED cannot.

::

    NEW -> LOAD_REQUESTED -> LOAD_APPROVED -> LOADING -> READY -> UNLOAD_REQUESTED -> QUIESCING -> QUIESCED
                  \-> ERROR (no estimate)        |  \-> ERROR                                       |
                                                 \-> UNLOADING (cancelled) -> DISABLED <- UNLOADING <-/

``mermaid()`` draws the same table. Source: ``core/loader_harness.{h,cc}``.
Deliberately not here: who makes a version move (manager, loading) and what is published then (board).
"""

from __future__ import annotations

from enum import Enum

from reconciler.modelserver.core.values import OK, LoadKey, Status


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
    RETIRE = "it leaves the lookup table"
    DRAIN = "no request uses the old lookup table"
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
    (Stage.UNLOAD_REQUESTED, Event.RETIRE): Stage.QUIESCING,
    (Stage.QUIESCING, Event.DRAIN): Stage.QUIESCED,
    (Stage.QUIESCED, Event.UNLOAD): Stage.UNLOADING,
    (Stage.UNLOADING, Event.FREE): Stage.DISABLED,
}

FORGETTABLE = frozenset({Stage.NEW, Stage.DISABLED, Stage.ERROR})
"""An unwanted version in one of these stages is forgotten at the next tick."""


class Held:
    """One version the manager holds (``LoaderHarness`` plus its ``Aspired`` flag)."""

    __slots__ = ("cancelled", "error", "key", "stage", "wanted")

    def __init__(self, key: LoadKey) -> None:
        self.key = key
        self.stage = Stage.NEW
        self.wanted = True
        self.cancelled = False
        self.error = OK

    def on(self, event: Event) -> None:
        """Move along the table; a move it does not know is a bug of ours."""
        following = TRANSITIONS.get((self.stage, event))
        if following is None:
            raise AssertionError(f"{self.key} cannot take {event.name} in stage {self.stage.value}")
        self.stage = following

    def fail(self, event: Event, error: Status) -> None:
        """Move to ERROR and remember why."""
        self.on(event)
        self.error = error

    def unwant(self) -> None:
        """No longer wanted: further tries are cancelled, unless it already failed (``CancelLoadServableRetry``)."""
        self.wanted = False
        self.cancelled = self.cancelled or self.error.ok


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = [f"    {a.name} --> {b.name}: {event.value}" for (a, event), b in TRANSITIONS.items()]
    ends = [f"    {stage.name} --> [*]: forgotten when unwanted" for stage in Stage if stage in FORGETTABLE]
    return "\n".join(["stateDiagram-v2", "    [*] --> NEW: accepted", *lines, *ends])
