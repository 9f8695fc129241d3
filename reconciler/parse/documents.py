"""What one well-shaped document says, as values that still know their lines.

Made by `normal.py`, kept per blob in `FileResult`, joined to `Desired` by `across.py`. No path in here: the same blob
may lie at several paths. Deliberately plain and small, because ten thousand of them travel between processes.
"""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.state.check import Check
from reconciler.state.desired import DesiredModel, Fleet, MemoryBudget, Suspend

At: TypeAlias = tuple[int, int]  # line and column, from 1
Labels: TypeAlias = tuple[tuple[str, str], ...]  # ascending


@dataclass(frozen=True, slots=True)
class Placement:
    """One entry of a Model's placement; an empty selector means every server of the fleet."""

    fleet: str
    selector: Labels
    fleet_at: At
    selector_at: At


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """One check of a Model: all but the contents of its files, which lie in the same commit (`parse/checks.py`)."""

    check: Check
    request: str
    request_at: At
    expect: str | None
    expect_at: At


@dataclass(frozen=True, slots=True)
class ModelDocument:
    """One Model. `model` has its place without the path, and no checks yet: these need files beside the document."""

    model: DesiredModel
    placements: tuple[Placement, ...]
    name_at: At
    base_path_at: At
    labels_at: At
    checks: tuple[CheckEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """One server of a Fleet; `at` is where its entry begins, `grpc_at` where its address is written."""

    name: str
    grpc: str
    rest: str | None
    labels: Labels
    suspend: Suspend | None
    at: At
    grpc_at: At
    memory: MemoryBudget | None = None


@dataclass(frozen=True, slots=True)
class FleetDocument:
    """One Fleet. `fleet` has its place without the path."""

    fleet: Fleet
    servers: tuple[ServerEntry, ...]
    file_at: At


@dataclass(frozen=True, slots=True)
class Name:
    """The name that a document bears, whether or not the rest of it is sound."""

    kind: str
    name: str
    at: At
