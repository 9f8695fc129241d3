"""The files of one commit, by path: what a commit that takes something back reads from the one it goes to.

Used by `rollback` and by the service's own commits (`loop/author.py`) as `revise.restoring.Snapshot`.
"""

from collections.abc import Sequence
from typing import Protocol

from reconciler import parse
from reconciler.ports import TreeFile


class Archive(Protocol):
    """A repository on this disk, as far as files of one commit go (`ports.Source` and `ports.Lineage`)."""

    def files(self, commit_id: str, path: str = "") -> Sequence[TreeFile]:
        """Every file below a path."""
        ...

    def blobs(self, commit_id: str, paths: Sequence[str]) -> tuple[str | None, ...]:
        """The blob ids of these files; None for what is not there, or is no regular file."""
        ...

    def read(self, blob: str, limit: int) -> bytes:
        """The content of a blob."""
        ...


class Snapshot:
    """The files of one commit below the watched path."""

    def __init__(self, archive: Archive, commit: str, below: str) -> None:
        self._archive = archive
        self._commit = commit
        self._below = below

    @property
    def short(self) -> str:
        """The first ten digits of the commit."""
        return self._commit[:10]

    def documents(self) -> Sequence[str]:
        """The paths of its documents' files, ascending."""
        found = self._archive.files(self._commit, self._below)
        return [each.path for each in found if parse.concerns(each.path, self._below)]

    def read(self, path: str) -> bytes | None:
        """The content of a file, None where there is none."""
        (blob,) = self._archive.blobs(self._commit, (path,))
        return self._archive.read(blob, parse.MAX_BYTES) if blob is not None else None
