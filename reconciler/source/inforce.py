"""What `Watch` answers: the desired state in force, what is wrong with the repository, and when it is asked again."""

from dataclasses import dataclass

from reconciler.state.desired import Commit, Desired
from reconciler.state.outcome import Condition


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the repository's head is not what is in force, or may not be its head.

    reason: one CamelCase word for conditions; equal trouble has equal texts however long it lasts. since: when it was
    first met, seconds since the epoch.
    """

    reason: str
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force. `desired` None: nothing yet, and nothing may be applied.

    head: the newest commit known, which is in force only where it is `desired.commit`. problems, warnings: of the
    head's documents, as printable lines. trouble: what is wrong, if anything. asked_again_at: while the remote does not
    answer, the time from which on the next refresh asks it again. verified: the condition `SourceVerified`, None where
    nothing is asked of signatures. renewed: that the mirror was cloned anew in this very refresh, and why, or "".
    """

    desired: Desired | None = None
    head: Commit | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    trouble: Trouble | None = None
    asked_again_at: float = 0.0
    verified: Condition | None = None
    renewed: str = ""

    @property
    def up_to_date(self) -> bool:
        """Whether the newest commit known is the one in force."""
        return self.desired is not None and self.head is not None and self.desired.commit.id == self.head.id


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses before a remote that did not answer is asked again, in seconds: doubling from `first` up to `longest`.

    Spread by a quarter to both sides, so that the reconcilers of a site do not all come back to their git host at once.
    """

    first: float = 5.0
    longest: float = 300.0

    def pause(self, failures: int, chance: float) -> float:
        """The pause after that many failures in a row (at least one); `chance` from 0 to 1 places it in the spread."""
        return float(min(self.longest, self.first * 2.0 ** min(failures - 1, 30))) * (0.75 + chance / 2)
