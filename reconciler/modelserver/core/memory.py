"""A disk in memory, for servers on a virtual clock: directories and files as sets of paths.

Used by ``VirtualServer``, the simulator and tests. It answers as TensorFlow's ``Env`` does on a POSIX file system.
Deliberately not here: content of files, links, and permissions beyond "nobody may look in here".
"""

from __future__ import annotations

import posixpath

from reconciler.modelserver.core.looking import join
from reconciler.modelserver.core.values import OK, Code, Status


class MemoryDisk:
    """Parents come into being with their children, as with ``mkdir -p``. ``changes`` counts what was done to it."""

    def __init__(self, *directories: str) -> None:
        self.changes = 0
        self._files: set[str] = set()
        self._children: dict[str, set[str]] = {"/": set()}
        self._closed: set[str] = set()
        for directory in directories:
            self.make(directory)

    def make(self, path: str) -> None:
        """Create a directory and its parents."""
        path = _clean(path)
        if path not in self._children:
            self.changes += 1
            self._children[path] = set()
            self._hang_under_parent(path)

    def write(self, path: str) -> None:
        """Create a file."""
        path = _clean(path)
        self.changes += 1
        self._files.add(path)
        self._hang_under_parent(path)

    def add(self, base_path: str, *versions: int) -> None:
        """Create version directories."""
        self.make(base_path)
        for version in versions:
            self.make(join(base_path, str(version)))

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with everything in it; nothing happens if it is not there."""
        path = _clean(path)
        self.changes += 1
        for name in tuple(self._children.get(path, ())):
            self.remove(join(path, name))
        self._children.pop(path, None)
        self._files.discard(path)
        parent, _, name = path.rpartition("/")
        self._children.get(parent or "/", set()).discard(name)

    def close(self, path: str) -> None:
        """Let nobody look into a directory, as with ``chmod 000``."""
        self.changes += 1
        self._closed.add(_clean(path))

    def open(self, path: str) -> None:
        """Let everybody look into it again."""
        self.changes += 1
        self._closed.discard(_clean(path))

    # -- what scripts ask ---------------------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether there is a file or a directory."""
        path = _clean(path)
        return path in self._children or path in self._files

    def is_dir(self, path: str) -> bool:
        """Whether there is a directory."""
        return _clean(path) in self._children

    def children(self, base_path: str) -> tuple[str, ...]:
        """Names directly under a directory, in their order; FileNotFoundError when it is not there."""
        path = _clean(base_path)
        if path not in self._children:
            raise FileNotFoundError(base_path)
        return tuple(sorted(self._children[path]))

    # -- what a server asks -------------------------------------------------------------------------------------------

    def file_exists(self, path: str) -> Status:
        """See ``looking.Disk``."""
        seen = self.exists(path) and not (self._closed and self._hidden(_clean(path)))
        return OK if seen else Status(Code.NOT_FOUND, f"{path} not found")

    def get_children(self, path: str) -> tuple[str, ...] | Status:
        """See ``looking.Disk``."""
        cleaned = _clean(path)
        if self._closed and (cleaned in self._closed or self._hidden(cleaned)):
            return Status(Code.PERMISSION_DENIED, f"{path}; Permission denied")
        if cleaned in self._children:
            return tuple(sorted(self._children[cleaned]))
        if cleaned in self._files:
            return Status(Code.FAILED_PRECONDITION, f"{path}; Not a directory")
        return Status(Code.NOT_FOUND, f"{path}; No such file or directory")

    def is_directory(self, path: str) -> bool | Status:
        """See ``looking.Disk``."""
        cleaned = _clean(path)
        if self._closed and self._hidden(cleaned):
            return Status(Code.PERMISSION_DENIED, f"{path}; Permission denied")
        if cleaned in self._children or cleaned in self._files:
            return cleaned in self._children
        return Status(Code.NOT_FOUND, f"{path}; No such file or directory")

    def _hidden(self, path: str) -> bool:
        return any(path.startswith(f"{closed}/") for closed in self._closed)

    def _hang_under_parent(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        self.make(parent or "/")
        self._children[parent or "/"].add(name)


def _clean(path: str) -> str:
    """One spelling per place."""
    return path if "//" not in path and not path.endswith("/") else posixpath.normpath(path.replace("//", "/"))
