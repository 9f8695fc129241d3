"""The lines a case can rest on: C1 to C96 and O1 to O100, each with what TensorFlow Serving does.

C-lines are cases to be tried, most of them executed on the real server's core or asserted by its own tests; O-lines
were seen on a running 2.20.0. Where ours differs on purpose, ``ours`` says how and why. The compatibility page is made
from these lines and from the marks of the cases. The lines stand in ``conformance_reference_{cases,observed}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Area(Enum):
    """A section of the page."""

    START = "Start"
    STATUS = "GetModelStatus"
    REQUESTS = "Which version answers"
    LABELS = "Labels"
    VERSIONS = "Versions"
    DISK = "What counts as a version"
    MODELS = "Models and new names"
    REFUSALS = "Refused configs"
    FAILURES = "Loads that fail"
    PARALLEL = "Reloads and requests at the same time"
    POLLS = "Config file and polls"
    TRAPS = "Traps"
    INFERENCE = "Inference"
    REST = "REST"
    METRICS = "Metrics"
    PROCESS = "Process and flags"
    INPUT = "Bad input"
    SEQUENCES = "Random sequences"


@dataclass(frozen=True, slots=True)
class Line:
    """One behaviour: where it belongs, what TensorFlow Serving does, and why ours differs if it does."""

    area: Area
    behaviour: str
    ours: str = ""


def number(name: str) -> tuple[int, str]:
    """A key that puts C2 before C10."""
    return int(name[1:]), name[0]
