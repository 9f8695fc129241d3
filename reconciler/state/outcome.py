"""What happened: intents, outcomes, conditions.

Written by `execute/` and `record/`, kept by the store, shown by `expose/`.
"""

import enum
from dataclasses import dataclass

from reconciler.state.memory import Answer
from reconciler.state.plan import Action, Pass


@dataclass(frozen=True, slots=True)
class Intent:
    """A pass about to be sent, written before the RPC. `id` is given by the store, ascending; `at` in seconds."""

    id: int
    at: float
    commit: str
    server: str
    body: Pass


class OutcomeKind(enum.StrEnum):
    """How an action ended, by observation."""

    DONE = "Done"  # its postcondition was observed
    FAILED = "Failed"  # the server said that it cannot
    REFUSED = "Refused"  # the reload that carried it was turned down
    OVERTAKEN = "Overtaken"  # another pass or another life of the server came between
    TIMED_OUT = "TimedOut"  # its deadline passed without the postcondition


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action of an intent ended, when, and what was seen."""

    intent: int
    action: Action
    kind: OutcomeKind
    at: float
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """An intent and the answer to its reload."""

    intent: Intent
    answer: Answer
    at: float


class ConditionStatus(enum.StrEnum):
    """kstatus: True, False or Unknown."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(enum.StrEnum):
    """What a condition is about. READY is worst-of; the others are present only where they apply."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    ARTIFACT_AVAILABLE = "ArtifactAvailable"
    LABELS_APPLIED = "LabelsApplied"
    CHECKS_PASSED = "ChecksPassed"
    DRIFTED = "Drifted"
    QUARANTINED = "Quarantined"
    UNSETTLED = "Unsettled"
    WEDGED = "Wedged"
    PINNED = "Pinned"
    SUSPENDED = "Suspended"
    SOURCE_VERIFIED = "SourceVerified"  # of the repository, not of a server
    ROLLED_BACK = "RolledBack"


@dataclass(frozen=True, slots=True)
class Condition:
    """kstatus-style: a type, its status, a CamelCase reason, a sentence, and since when."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What the condition RolledBack says of a model, wherever it is not as git says: a reason and a sentence."""

    reason: str
    message: str


class Sync(enum.StrEnum):
    """Whether the server is what git says."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(enum.StrEnum):
    """How the subject fares, whatever git says."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one subject (a model on a server, a server, or a fleet), answered from the record alone."""

    server: str
    model: str
    sync: Sync
    health: Health
    conditions: tuple[Condition, ...]
    commit: str
    at: float
