"""The outbox of commit statuses, in the record's SQLite file (`loop.outbox.Outbox`).

Opened by the service beside the ledger, under the same lock of the state directory, with a connection of its own: a
status that cannot be written is a line in the log, and never what a reload waits for. What was sent and not answered is
marked before it goes, so that the host can be asked after a crash instead of being told twice. Bounded: of what the
host has the newest are kept, and what it does not take for too long is given up from the old end.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from reconciler.adapters import ledger_errors
from reconciler.state.report import Letter, Report, ReportState

T = TypeVar("T")

MOST = 1_000
"""Rows in all: a fleet each of a thousand commits, or twenty of fifty."""

_PATIENCE = 5.0
_NEWEST = "commit_id, fleet, state, text"
_WAITING = "(taken_state IS NOT state OR taken_text IS NOT text)"


class SqliteOutbox:
    """See `loop.outbox.Outbox`. Threads: calls may come from any thread and are carried out one after the other."""

    def __init__(self, path: Path, *, most: int = MOST) -> None:
        """Open the outbox in a record that is there already, in its newest schema.

        Raises:
            RecordError: it cannot be opened.
        """
        self.path = path
        self._most = most
        self._turn = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise ledger_errors.record_error(path, "opening the outbox", error) from error

    def close(self) -> None:
        """Give the file back."""
        with self._turn:
            self._connection.close()

    def reports(self) -> Sequence[Report]:
        """The newest report of every commit and fleet that is kept, oldest first."""
        query = f"SELECT {_NEWEST} FROM reports ORDER BY number"  # noqa: S608 (words of ours)
        rows = self._asked("reading commit statuses", query)
        return tuple(_report(*row) for row in rows)

    def put(self, reports: Sequence[Report], at: float) -> None:
        """Keep these as the newest of their commits and fleets; those that are so already stay as they are."""

        def work() -> None:
            for report in reports:
                self._connection.execute(
                    "INSERT INTO reports (commit_id, fleet, at, state, text) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (commit_id, fleet) DO UPDATE SET state = excluded.state, text = excluded.text, "
                    "at = CASE WHEN state IS excluded.state THEN at ELSE excluded.at END "
                    "WHERE state IS NOT excluded.state OR text IS NOT excluded.text",
                    (report.commit, report.fleet, at, str(report.state), report.text),
                )
            self._forget()

        if reports:
            self._written("keeping commit statuses", work)

    def letters(self) -> Sequence[Letter]:
        """What the host does not have yet, oldest first."""
        columns = f"{_NEWEST}, at, taken_state, taken_text, taken_at, tried_state IS state AND tried_text IS text"
        query = f"SELECT {columns} FROM reports WHERE {_WAITING} ORDER BY number"  # noqa: S608 (words of ours)
        return tuple(_letter(row) for row in self._asked("reading commit statuses", query))

    def trying(self, report: Report) -> None:
        """It is about to be sent: from now on nobody knows whether the host has it."""
        self._mark("tried_state = ?, tried_text = ?", report, str(report.state), report.text)

    def returned(self, report: Report) -> None:
        """It did not arrive, and it is known that it did not."""
        self._mark("tried_state = NULL, tried_text = NULL", report)

    def taken(self, report: Report, at: float) -> None:
        """The host has it, or needs no telling."""
        told = "taken_state = ?, taken_text = ?, taken_at = ?, tried_state = NULL, tried_text = NULL"
        self._mark(told, report, str(report.state), report.text, at)

    def _mark(self, what: str, report: Report, *values: object) -> None:
        statement = f"UPDATE reports SET {what} WHERE commit_id = ? AND fleet = ?"  # noqa: S608 (words of ours)

        def work() -> None:
            self._connection.execute(statement, (*values, report.commit, report.fleet))

        self._written("marking a commit status", work)

    def _forget(self) -> None:
        """Keep to the bound: what the host has goes first, then what it has not, the oldest of each."""
        (count,) = self._connection.execute("SELECT count(*) FROM reports").fetchone()
        if count > self._most:
            oldest = f"SELECT number FROM reports ORDER BY {_WAITING}, number LIMIT ?"  # noqa: S608 (words of ours)
            self._connection.execute(f"DELETE FROM reports WHERE number IN ({oldest})", (count - self._most,))  # noqa: S608

    def _asked(self, doing: str, query: str) -> list[tuple[Any, ...]]:
        return self._guarded(doing, lambda: self._connection.execute(query).fetchall())

    def _written(self, doing: str, work: Callable[[], None]) -> None:
        def whole() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                work()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

        self._guarded(doing, whole)

    def _guarded(self, doing: str, work: Callable[[], T]) -> T:
        with self._turn:
            try:
                return work()
            except sqlite3.Error as error:
                raise ledger_errors.record_error(self.path, doing, error) from error


def _report(commit: str, fleet: str, state: str, text: str) -> Report:
    return Report(commit, fleet, ReportState(state), text)


def _letter(row: tuple[Any, ...]) -> Letter:
    commit, fleet, state, text, at, taken_state, taken_text, taken_at, tried = row
    taken = _report(commit, fleet, taken_state, taken_text) if taken_state is not None else None
    return Letter(_report(commit, fleet, state, text), at, taken, taken_at, bool(tried))
