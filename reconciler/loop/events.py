"""What the loop tells its composition: values, one class per thing of note.

The command line renders and logs them, the simulator makes its timeline of them, tests read them. Nothing in the loop
depends on who listens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.state.desired import Commit
from reconciler.state.look import Reach
from reconciler.state.memory import Standing
from reconciler.state.outcome import Intent, Outcome, Sent
from reconciler.state.plan import Hold


@dataclass(frozen=True, slots=True)
class CommitInForce:
    """From now on this commit is what is wanted. `changed`: the servers that it asks something else of.

    warnings: what its documents say that is valid and may surprise, as printable lines.
    """

    at: float
    commit: Commit
    changed: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceTrouble:
    """The repository could not be read, or its head is not valid. What was in force stays in force and is healed."""

    at: float
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceRecovered:
    """The trouble with the repository is over."""

    at: float


@dataclass(frozen=True, slots=True)
class SourceRenewed:
    """The local copy of the repository was damaged; it was set aside and cloned anew."""

    at: float
    message: str


@dataclass(frozen=True, slots=True)
class LedgerPublished:
    """So many ledger lines are on the remote's ref, up to number `last`. segment: why a new chain began, or ""."""

    at: float
    lines: int
    last: int
    commit: str
    segment: str = ""


@dataclass(frozen=True, slots=True)
class LedgerUnpublished:
    """The ledger could not be published; it is in the record, nothing waits for it, and it is tried again."""

    at: float
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class LaneOpened:
    """A server is reconciled from now on."""

    at: float
    server: str


@dataclass(frozen=True, slots=True)
class ServerLetGo:
    """No Fleet lists the server any more: it is not touched from now on, and not unloaded."""

    at: float
    server: str


@dataclass(frozen=True, slots=True)
class PassSent:
    """A pass is about to be sent; its intent is written."""

    at: float
    intent: Intent


@dataclass(frozen=True, slots=True)
class ChecksBegun:
    """Checks are about to be run, beside everything else; their intent is written."""

    at: float
    intent: Intent


@dataclass(frozen=True, slots=True)
class PassAnswered:
    """A pass was answered, or its deadline passed. `seconds` is how long that took."""

    at: float
    sent: Sent
    seconds: float


@dataclass(frozen=True, slots=True)
class OutcomeSeen:
    """An action ended, by observation."""

    at: float
    server: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HoldsChanged:
    """Some holds of a server came or went."""

    at: float
    server: str
    appeared: tuple[Hold, ...]
    released: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class ServerStateChanged:
    """A server became reachable or unreachable, or what is known of its config changed (a restart, say)."""

    at: float
    server: str
    reach: Reach
    standing: Standing


@dataclass(frozen=True, slots=True)
class ServerConverged:
    """A server is what the commit asks for, with nothing left to see done."""

    at: float
    server: str
    commit: str


@dataclass(frozen=True, slots=True)
class LaneTrouble:
    """A lane met an error. `reaction` is what it does about it; `halted` lanes touch nothing."""

    at: float
    server: str
    reaction: str
    message: str
    halted: bool


@dataclass(frozen=True, slots=True)
class BotCommitted:
    """A bot's commit was pushed: onto the branch that is followed, or onto one of its own (`branch`)."""

    at: float
    bot: str
    document: str
    commit: str
    branch: str
    words: str


@dataclass(frozen=True, slots=True)
class BotWaits:
    """A bot makes no commit that somebody may wait for, and needs a person: why."""

    at: float
    bot: str
    document: str
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class BotTrouble:
    """A commit of a bot could not be made or pushed; `pause`: seconds until the next try."""

    at: float
    document: str
    reason: str
    message: str
    pause: float


@dataclass(frozen=True, slots=True)
class ReportsHeldUp:
    """Commit statuses do not reach the git host: why, and what to do. Nothing else waits for them."""

    at: float
    message: str


@dataclass(frozen=True, slots=True)
class ReportsGoOn:
    """Commit statuses reach the git host again."""

    at: float


Event: TypeAlias = (
    CommitInForce
    | SourceTrouble
    | SourceRecovered
    | SourceRenewed
    | LedgerPublished
    | LedgerUnpublished
    | LaneOpened
    | ServerLetGo
    | PassSent
    | ChecksBegun
    | PassAnswered
    | OutcomeSeen
    | HoldsChanged
    | ServerStateChanged
    | ServerConverged
    | LaneTrouble
    | BotCommitted
    | BotWaits
    | BotTrouble
    | ReportsHeldUp
    | ReportsGoOn
)

Events: TypeAlias = Callable[[Event], None]
