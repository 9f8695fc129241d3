"""SQLite's errors in the words of the on-call engineer: which file, what happened, what to do.

Used by `adapters/ledger.py` around everything it asks of SQLite. Nothing here deletes or repairs a file: losing the
record is safe, but that decision is a person's.
"""

import sqlite3
from pathlib import Path

from reconciler.errors import RecordError

_NOT_DONE = "What cannot be recorded is not done, so nothing further is applied; servers keep serving what they serve."
_FIRST_CONTACT = (
    "Losing the record is safe: move the file (with its -wal and -shm) away and start again. Every server is then at "
    "first contact: it gets no reload until its Fleet says `adopt: replace`, or until what it serves is in git"
)

TIGHT = (
    "The disk that holds %s is full; some of the room kept aside was given up, %.0f MiB of it are left. Healing and "
    "rollbacks go on with it, other changes are held (RecordTight). Free space on this filesystem now."
)

_ADVICE = {
    sqlite3.SQLITE_FULL: (
        "the disk is full",
        f"{_NOT_DONE} Free space on this filesystem; the service goes on by itself",
    ),
    sqlite3.SQLITE_BUSY: (
        "another process holds it",
        f"{_NOT_DONE} Find who has it open (`fuser` on the file) and stop it; only one reconciler may write here",
    ),
    sqlite3.SQLITE_READONLY: (
        "it cannot be written to",
        f"{_NOT_DONE} Give the user that runs the reconciler write permission on the file and its directory",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that the state directory exists and that this user may read and write it",
    ),
    sqlite3.SQLITE_PERM: ("it may not be accessed", "Check the owner and mode of the state directory"),
    sqlite3.SQLITE_NOTADB: ("it is damaged: not a database", f"{_NOT_DONE} {_FIRST_CONTACT}"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", f"{_NOT_DONE} {_FIRST_CONTACT}"),
    sqlite3.SQLITE_IOERR: (
        "reading or writing the disk failed",
        f"{_NOT_DONE} Look at the disk (the kernel log names it) and its quota, or move the state directory elsewhere",
    ),
}
_ADVICE[sqlite3.SQLITE_LOCKED] = _ADVICE[sqlite3.SQLITE_BUSY]


def is_full(error: sqlite3.Error) -> bool:
    """Whether an error of SQLite means that there is no room on the disk."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF  # extended codes carry detail above


def record_error(path: Path, doing: str, error: sqlite3.Error) -> RecordError:
    """The RecordError for an error of SQLite while doing something (`recording an intent`)."""
    happened, advice = _ADVICE.get(
        _code(error), ("SQLite refused", f"{_NOT_DONE} This is a fault of the reconciler: report it")
    )
    return RecordError(f"The record {path}: {happened} ({error}), while {doing}. {advice}.")


def unreadable(path: Path, doing: str, detail: object) -> RecordError:
    """The RecordError for a row that SQLite gives out but that does not say what it should."""
    return RecordError(f"The record {path}: it is damaged ({detail}), while {doing}. {_NOT_DONE} {_FIRST_CONTACT}.")


def absent(path: Path) -> RecordError:
    """The RecordError for reading a record that nobody has begun."""
    return RecordError(
        f"There is no record at {path}: no `run` or `apply` has worked with this state directory yet. "
        "Check --state, or start one"
    )
