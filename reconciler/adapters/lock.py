"""The state directory and its lock: one writer per directory, and the second one learns who the first is.

Used by the compositions before anything in the directory is opened for writing (`run`, `apply`, `sync`). Reading
commands (`status`, `plan`) need no lock. The lock is `flock` on a file: the kernel gives it back when the process ends,
however it ends, so there is nothing to clean up after a SIGKILL and no process id is ever judged. The file's content
only *names* the holder, for the sentence that the refused one prints.
"""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import RecordError, StateLocked


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a state directory: process, host, command, and since when (ISO 8601, UTC)."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"`{self.command}`, process {self.pid} on {self.host}, since {self.since}"


def _myself(command: str) -> Holder:
    return Holder(os.getpid(), socket.gethostname(), command, datetime.now(UTC).isoformat(timespec="seconds"))


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Where this instance keeps its git mirror and its record."""

    path: Path

    @property
    def mirror(self) -> Path:
        """The bare git mirror; a cache that may be deleted."""
        return self.path / "mirror.git"

    @property
    def ledger(self) -> Path:
        """The SQLite file of the record."""
        return self.path / "ledger.sqlite"

    @property
    def lock_file(self) -> Path:
        """The file that is locked."""
        return self.path / "lock"

    def create(self) -> None:
        """Make the directory, readable by its owner alone; an existing one is taken as it is.

        Raises:
            RecordError: it cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(
                f"Cannot make the state directory {self.path}: {error.strerror}. "
                "Nothing was applied. Give a directory that this user may write to with --state."
            ) from error

    def holder(self) -> Holder | None:
        """Who the lock file names; None where it names nobody. Only the lock itself says whether they still run."""
        try:
            return Holder(**json.loads(self.lock_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Hold the directory as its one writer while the body runs.

        Args:
            command: what this process is, as the user typed it (`reconciler run`); shown to whoever is refused.

        Raises:
            StateLocked: another process holds it; the message and `holder` name it.
            RecordError: the lock file cannot be opened, or the filesystem has no locks.
        """
        self.create()
        file = self._open()
        try:
            self._take(file)
            _write(file, json.dumps(asdict(_myself(command))))
            yield
            _write(file, "")
        finally:
            os.close(file)  # gives the lock back

    def _open(self) -> int:
        try:
            return os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordError(
                f"Cannot open the lock file {self.lock_file}: {error.strerror}. "
                "Nothing was applied. The state directory must be writable by the user that runs the reconciler."
            ) from error

    def _take(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise self._refusal() from error
            raise RecordError(
                f"Cannot lock {self.lock_file}: {error.strerror}. Without a lock two writers could send configs to "
                "the same servers, so nothing was applied. Put the state directory on a local disk."
            ) from error

    def _refusal(self) -> StateLocked:
        holder = self.holder()
        name = str(holder) if holder else "a process that has not written its name yet"
        return StateLocked(
            f"The state directory {self.path} is held by {name}. Only one process may change servers at a time. "
            "Wait for it to end, stop it, or let it do the work (`reconciler sync`).",
            holder=name,
        )


def _write(file: int, text: str) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, text.encode(), 0)
