"""Checks: what a version must answer before a label goes to it, and what became of asking.

Written in a Model, read by `parse/`, planned by `plan/checks.py`, run by `execute/check.py`, remembered per server by
`belief/`. A result belongs to the files that were loaded and to the very content of the check, so it outlives restarts
and says nothing about anything else.
"""

import enum
import hashlib
from dataclasses import dataclass, field


class CheckKind(enum.StrEnum):
    """How a version is judged: by an expectation in git, or by the version that a label points at."""

    REQUEST = "request"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart: `abs` plus `rel` times the size of the expected one."""

    abs: float = 1e-6
    rel: float = 1e-5


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a model.

    request, expect: the texts of the files, as TensorFlow Serving's REST API takes and gives them. max_latency: seconds
    that an answer may take, in the middle of `repetitions`. against: the label whose version is asked the same.
    max_slowdown: how many times as long as that version it may take. digest: its identity.
    """

    name: str
    kind: CheckKind = CheckKind.REQUEST
    request: str = field(default="", repr=False)
    expect: str = field(default="", repr=False)
    tolerance: Tolerance = Tolerance()
    max_latency: float | None = None
    repetitions: int = 1
    against: str = ""
    max_slowdown: float | None = None
    digest: str = field(init=False, default="", repr=False)

    def __post_init__(self) -> None:
        limits = (self.tolerance.abs, self.tolerance.rel, self.max_latency, self.repetitions, self.max_slowdown)
        text = repr((self.name, self.kind.value, self.request, self.expect, limits, self.against))
        digest = "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        object.__setattr__(self, "digest", digest)  # the value is being made: it is frozen from here on


@dataclass(frozen=True, slots=True)
class CheckDue:
    """A check to be run now on a version of a model, by the check's name and digest.

    fingerprint: of the version's files, "" where they were not seen. against: the version to compare with, 0 for none.
    """

    model: str
    version: int
    check: str
    digest: str
    fingerprint: str = ""
    against: int = 0
    against_fingerprint: str = ""


class CheckVerdict(enum.StrEnum):
    """How a check ended. UNANSWERED is no verdict on the version: it is tried again."""

    PASSED = "Passed"
    FAILED = "Failed"
    UNANSWERED = "Unanswered"


FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a check that brought no answer is tried again: doubling."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended for one version on one server, when, and what was seen. tries: how often in a row."""

    due: CheckDue
    verdict: CheckVerdict
    at: float
    evidence: str = ""
    tries: int = 1

    @property
    def again_at(self) -> float:
        """When it may be tried again, where it brought no answer."""
        return self.at + float(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.tries - 1, 30)))

    def tells_of(self, due: CheckDue) -> bool:
        """Whether it answers that question too: the same check, the same files; a comparison counts both ways.

        Files that are not seen now, or were not then, are taken to be the same: the server has loaded them once.
        """
        if (self.due.model, self.due.digest) != (due.model, due.digest):
            return False
        mine = ((self.due.version, self.due.fingerprint), (self.due.against, self.due.against_fingerprint))
        theirs = ((due.version, due.fingerprint), (due.against, due.against_fingerprint))
        return _alike(mine, theirs) or _alike(mine, theirs[::-1])


def _alike(one: tuple[tuple[int, str], ...], other: tuple[tuple[int, str], ...]) -> bool:
    return all(a == b and (p == q or "" in (p, q)) for (a, p), (b, q) in zip(one, other, strict=True))
