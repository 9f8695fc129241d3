"""The record's SQLite file: opened, migrated, asked and written in transactions, with every error in words.

Used by `adapters/ledger.py`. WAL, so readers never wait for the writer. Durable transactions are on the disk when they
return (`synchronous=FULL`), the others when the file is next brought there (`NORMAL`). A full disk takes from the room
that was kept aside. Threads: calls may come from any thread and are carried out one after the other.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from reconciler.adapters import ledger_errors, ledger_schema
from reconciler.adapters.ledger_lines import LineError
from reconciler.adapters.ledger_reserve import Reserve
from reconciler.errors import RecordError

T = TypeVar("T")
_PATIENCE = 5.0  # seconds to wait for another process, which can only be a person's sqlite3 shell
_log = logging.getLogger(__name__)


class Rows:
    """Runs one statement of the transaction that is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __call__(self, statement: str, *values: object) -> sqlite3.Cursor:
        """The statement's rows."""
        return self._connection.execute(statement, values)


class LedgerFile:
    """One open file. Every error of SQLite leaves as a RecordError that says what to do."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open the file, making or migrating it where it is opened for writing. Raises RecordError."""
        self.path = path
        self._writable = writable
        self._turn = threading.Lock()
        self._reserve = Reserve(path.with_name(path.name + "-reserve"))
        if not writable and not path.exists():
            raise ledger_errors.absent(path)
        try:
            self.connection = self._open()
        except sqlite3.Error as error:
            raise ledger_errors.record_error(path, "opening it", error) from error
        if writable:
            self._reserve.make()

    @property
    def tight(self) -> bool:
        """Whether the disk is full, and writing takes the room that was kept aside."""
        return self._reserve.tight

    def _open(self) -> sqlite3.Connection:
        address = self.path.absolute().as_uri() + ("?mode=rwc" if self._writable else "?mode=ro")
        connection = sqlite3.connect(
            address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        try:
            found = ledger_schema.version(connection)
            if self._writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA foreign_keys = ON")
                ledger_schema.migrate(connection)
            elif found < len(ledger_schema.MIGRATIONS):
                raise RecordError("an older reconciler wrote it. Start `run` or `apply` once to bring it up to date")
        except RecordError as error:
            raise RecordError(f"The record {self.path} cannot be used: {error}.") from error

    def close(self) -> None:
        """Give the file back; further calls are errors. Closing twice is nothing."""
        with self._turn:
            self.connection.close()

    def read(self, doing: str, work: Callable[[Rows], T]) -> T:
        """What the work reads. Raises RecordError, which says while doing what (`reading intents`)."""
        with self._turn:
            try:
                return work(Rows(self.connection))
            except sqlite3.Error as error:
                raise ledger_errors.record_error(self.path, doing, error) from error
            except LineError as error:
                raise ledger_errors.unreadable(self.path, doing, error) from error

    def write(self, doing: str, work: Callable[[Rows], T], *, durable: bool) -> T:
        """One transaction; where the disk is full, again with room that was kept aside, as long as there is any."""
        with self._turn:
            while True:
                try:
                    return self._transact(work, durable=durable)
                except sqlite3.Error as error:
                    if not (ledger_errors.is_full(error) and self._reserve.give_up()):
                        raise ledger_errors.record_error(self.path, doing, error) from error
                except LineError as error:
                    raise ledger_errors.unreadable(self.path, doing, error) from error
                _log.warning(ledger_errors.TIGHT, self.path, self._reserve.left / 2**20)

    def _transact(self, work: Callable[[Rows], T], *, durable: bool) -> T:
        self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(Rows(self.connection))
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # after some errors SQLite has rolled back by itself
                self.connection.execute("ROLLBACK")
            raise
        return result
