"""What a git host is told of one commit and one fleet (a *commit status*), and what came of telling it.

Made by `record/reports.py`, kept by the outbox, posted by `loop/reporting.py`.
"""

import enum
from dataclasses import dataclass

LONGEST = 140
"""Characters of a description: GitHub's limit, the shortest of all hosts."""


class ReportState(enum.StrEnum):
    """How far a commit has come on the servers of one fleet. SUCCESS is final: what comes later is not its affair."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"  # it stands still until somebody acts
    OVERTAKEN = "overtaken"  # a newer commit came into force before it was there


@dataclass(frozen=True, slots=True)
class Report:
    """One commit status: of which commit, for which fleet, its state, and a description of at most `LONGEST`."""

    commit: str
    fleet: str
    state: ReportState
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A report in the outbox.

    at: since when its state is wanted. taken: what the host has, None for nothing yet; taken_at: since when.
    tried: it was sent once, and nobody knows whether it arrived.
    """

    report: Report
    at: float
    taken: Report | None = None
    taken_at: float = 0.0
    tried: bool = False


class PostedKind(enum.StrEnum):
    """What came of posting a report."""

    TAKEN = "Taken"
    LATER = "Later"  # the host asks to wait, errs, or cannot be reached
    DENIED = "Denied"  # it will be no different until somebody changes something
    SENSELESS = "Senseless"  # of this one report; others may go


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of posting: a sentence for the on-call engineer, and seconds to wait where the host names them.

    unsure: it may have arrived all the same (no answer came).
    """

    kind: PostedKind
    message: str = ""
    wait: float | None = None
    unsure: bool = False
