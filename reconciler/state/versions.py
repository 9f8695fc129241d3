"""Which versions of a model a config asks for: TensorFlow Serving's three version policies.

Used by desired state, by the config that is sent, and by the planner. Nothing is resolved against storage here.
Source of the shapes: tensorflow_serving/config FileSystemStoragePathSourceConfig.ServableVersionPolicy.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Specific:
    """Exactly these servable versions, ascending. Empty means that every loaded version is unloaded."""

    versions: tuple[int, ...]

    def __post_init__(self) -> None:
        if list(self.versions) != sorted(set(self.versions)):
            raise ValueError(f"versions must be ascending without repeats: {self.versions}")


@dataclass(frozen=True, slots=True)
class Latest:
    """The `count` highest versions found in storage; the server decides which, at each of its polls."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class All:
    """Every version found in storage; the server decides."""


VersionPolicy: TypeAlias = Specific | Latest | All


def specific(*versions: int) -> Specific:
    """A `Specific` of these versions in any order."""
    return Specific(tuple(sorted(set(versions))))
