"""The exception tree. Each class says who must act; one place in `loop/` reads that.

    ReconcilerError                     reaction
    ├── DesiredInvalid                  STALL    the author of the commit: carries every problem, not the first
    ├── SourceError
    │   ├── SourceUnavailable           RETRY    the network or the git host; the mirror keeps healing
    │   ├── RevisionMissing             STALL    a branch or commit that the repository does not have
    │   ├── HistoryRewritten            STALL    a person: `reconciler acknowledge-rewrite`
    │   ├── MirrorDamaged               STALL    the service, which clones anew; a person where the disk is to blame
    │   ├── SourceUnverified            STALL    whoever signs commits, or whoever says which keys are trusted
    │   ├── MergeConflict               STALL    the author of the branch: merge or rebase it by hand
    │   ├── BranchMoved                 RETRY    whoever pushes: somebody else was first; make the commit anew
    │   ├── PushRefused                 STALL    a person: a protected branch, a hook, or missing rights
    │   └── LedgerTaken                 STALL    a person: two instances publish their ledgers to one ref
    ├── RevisionRefused                 STALL    whoever asked: the commit cannot be made, and why
    ├── ServingError
    │   ├── ServerUnreachable           RETRY    the server or the network
    │   └── ServerRefused               WAIT     the server, in its own words
    ├── PlanError
    │   ├── PlanChanged                 REPLAN   the plan on file is not the plan of now (exit 3)
    │   └── PlanUnsafe                  STALL    a person must approve
    ├── RecordError                     HALT     what cannot be recorded is not done
    │   └── StateLocked                 HALT     another writer holds the state directory; it is named
    └── InvariantBroken                 HALT     our own bug: never retried, never swallowed

Called by every package; imports nothing of ours. Observations that say "unreachable" or "refusing" are values
(`state/look.py`), not exceptions: these classes are for what ends a step of work.
"""

import enum


class Reaction(enum.Enum):
    """What the loop does about an error; decided here and nowhere else."""

    RETRY = "retry"
    WAIT = "wait"
    STALL = "stall"
    REPLAN = "replan"
    HALT = "halt"


class ReconcilerError(Exception):
    """Base of everything this project raises on purpose; `reaction` says who must act."""

    reaction: Reaction = Reaction.HALT


class DesiredInvalid(ReconcilerError):
    """A commit does not describe a valid desired state; `problems` holds every one of them, as printable lines."""

    reaction = Reaction.STALL

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceError(ReconcilerError):
    """The desired-state repository could not give what was asked."""


class SourceUnavailable(SourceError):
    """The remote did not answer in time or refused the credentials; the local mirror is still good."""

    reaction = Reaction.RETRY


class RevisionMissing(SourceError):
    """The branch, path or commit named does not exist in the repository."""

    reaction = Reaction.STALL


class HistoryRewritten(SourceError):
    """The branch moved to a commit that does not descend from the one in force (a force-push)."""

    reaction = Reaction.STALL

    def __init__(self, message: str, *, known: str, offered: str) -> None:
        super().__init__(message)
        self.known = known
        self.offered = offered


class MirrorDamaged(SourceError):
    """The repository on this disk cannot be read.

    renewable: what is in it is damaged, so that a fresh clone would help; a full disk or a missing right is not healed
    by one.
    """

    reaction = Reaction.STALL

    def __init__(self, message: str, *, renewable: bool = False) -> None:
        super().__init__(message)
        self.renewable = renewable


class SourceUnverified(SourceError):
    """A commit that must be signed by a trusted key is not; `reason` is the verdict on its signature."""

    reaction = Reaction.STALL

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class MergeConflict(SourceError):
    """Two commits cannot be merged without a person; `paths` names every file that both changed."""

    reaction = Reaction.STALL

    def __init__(self, message: str, *, paths: tuple[str, ...]) -> None:
        super().__init__(message)
        self.paths = paths


class BranchMoved(SourceError):
    """The remote branch no longer is where the pushed commit stands on; nothing was pushed."""

    reaction = Reaction.RETRY


class PushRefused(SourceError):
    """The remote turned the push down for good: a protected branch, a hook, missing rights; its words are in it."""

    reaction = Reaction.STALL


class LedgerTaken(SourceError):
    """The ref of the published ledger holds another writer's lines, or no ledger; nothing was pushed to it."""

    reaction = Reaction.STALL


class RevisionRefused(ReconcilerError):
    """A commit that was asked for cannot be made: nothing to go back to, files gone, or it would change nothing."""

    reaction = Reaction.STALL


class ServingError(ReconcilerError):
    """A model server did not do what was asked."""


class ServerUnreachable(ServingError):
    """No answer within the deadline, or no connection."""

    reaction = Reaction.RETRY


class ServerRefused(ServingError):
    """The server answered with an error; the message carries its own words."""

    reaction = Reaction.WAIT


class PlanError(ReconcilerError):
    """A plan cannot be carried out as it stands."""


class PlanChanged(PlanError):
    """The plan made now differs from the plan that was reviewed."""

    reaction = Reaction.REPLAN


class PlanUnsafe(PlanError):
    """A plan needs an approval that is not there."""

    reaction = Reaction.STALL


class RecordError(ReconcilerError):
    """The record could not be written or read (disk full, locked, damaged): nothing further is applied."""


class StateLocked(RecordError):
    """Another process holds the state directory; `holder` names it."""

    def __init__(self, message: str, *, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


class InvariantBroken(ReconcilerError):
    """A plan or a config violates `invariants.py`: a bug of ours; the server is left as it is."""
