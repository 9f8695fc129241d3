"""The store: memories, intents, answers, outcomes, the ledger, statuses and the last good commit, in one SQLite file.

Opened by the compositions, for writing under the lock of the state directory (`adapters/lock.py`), or for reading
beside a running service. What an action's safety hangs on (intents, answers, outcomes, ledger lines, the good commit)
is on the disk when the call returns (*durable*); observations and statuses, which a look brings back, may lose their
last moments in a power cut, never in a crash of the process. Calls may come from any thread.
Deliberately not here: how SQLite is asked (`ledger_file.py`), what ledger lines look like (`ledger_entries.py`),
retention (the record is small), publishing, and any judgement about what is recorded.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from reconciler.adapters import codec, ledger_entries, ledger_errors, ledger_verify
from reconciler.adapters.ledger_file import LedgerFile, Rows
from reconciler.adapters.ledger_verify import Verification
from reconciler.errors import RecordError
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry
from reconciler.state.memory import Answer, Memory
from reconciler.state.outcome import Intent, Outcome, OutcomeKind, Sent, Status
from reconciler.state.plan import Pass

T = TypeVar("T")
_GOOD_COMMIT = "good-commit"
_NOTE = "note:"


class SqliteLedger:
    """The `Ledger` port on one SQLite file. Every error of SQLite leaves as a RecordError that says what to do."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        """Open the record, making or migrating it where it is opened for writing.

        Args:
            path: the file; `-wal`, `-shm` and `-reserve` appear beside it.
            writable: False for commands that only read (`status`, `plan`): changes nothing, waits for nobody.

        Raises:
            RecordError: the file cannot be opened, is damaged, is another program's, or has a newer schema.
        """
        self.path = path
        self._writable = writable
        self._file = LedgerFile(path, writable=writable)
        self._known: dict[str, Memory] = {}  # what the file holds, as far as this one writer wrote or read it

    def close(self) -> None:
        """Give the file back; further calls are errors. Closing twice is nothing."""
        self._file.close()

    # Memory

    def memories(self) -> Sequence[Memory]:
        """What is remembered of every server, ascending by server."""

        def work(rows: Rows) -> tuple[Memory, ...]:
            return tuple(self._load(Memory, body) for (body,) in rows("SELECT body FROM memory ORDER BY server"))

        found = self._read("reading what is remembered", work)
        self._known.update((memory.server, memory) for memory in found if self._writable)
        return found

    def memory(self, server: str) -> Memory | None:
        """What is remembered of one server, None where nothing is."""

        def work(rows: Rows) -> Memory | None:
            found = rows("SELECT body FROM memory WHERE server = ?", server).fetchone()
            return self._load(Memory, found[0]) if found else None

        return self._read(f"reading what is remembered of {server}", work)

    def remember(self, memory: Memory) -> None:
        """Keep what is now remembered of a server; writes nothing where the file already holds just that."""
        if self._known.get(memory.server) != memory:
            self._write(f"remembering {memory.server}", lambda rows: self._remember(rows, memory), durable=False)

    def _remember(self, rows: Rows, memory: Memory) -> None:
        rows(
            "INSERT INTO memory (server, body) VALUES (?, ?) ON CONFLICT (server) "
            "DO UPDATE SET body = excluded.body, updated_at = CURRENT_TIMESTAMP",
            memory.server,
            codec.dump(Memory, memory),
        )
        self._known[memory.server] = memory

    # Intents, answers, outcomes

    def intend(self, at: float, commit: Commit, server: str, body: Pass, memory: Memory) -> Intent:
        """Write an intent with its ledger lines and the memory in which its reload is outstanding: durable."""
        text = codec.dump(Pass, body)

        def work(rows: Rows) -> Intent:
            statement = "INSERT INTO intents (at, commit_id, server, body) VALUES (?, ?, ?, ?)"
            number = int(rows(statement, at, commit.id, server, text).lastrowid or 0)
            intent = Intent(number, at, commit.id, server, body)
            ledger_entries.open_lines(rows, intent, commit, memory)
            for position in range(len(body.actions)):
                rows("INSERT INTO open_actions VALUES (?, ?, ?)", server, number, position)
            self._remember(rows, memory)
            return intent

        return self._write(f"recording an intent for {server}", work)

    def answered(self, sent: Sent, memory: Memory) -> None:
        """Write the answer to an intent's reload with the memory that follows from it; the first answer stands."""
        text = codec.dump(Answer, sent.answer)

        def work(rows: Rows) -> None:
            rows("INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT (intent) DO NOTHING", sent.intent.id, sent.at, text)
            self._remember(rows, memory)

        self._write(f"recording the answer of {sent.intent.server}", work)

    def answer(self, intent: int) -> tuple[Answer, float] | None:
        """What came back for an intent's reload, and when; None where no answer was recorded."""

        def work(rows: Rows) -> tuple[Answer, float] | None:
            found = rows("SELECT body, at FROM answers WHERE intent = ?", intent).fetchone()
            return (self._load(Answer, found[0]), found[1]) if found else None

        return self._read(f"reading the answer to intent {intent}", work)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write how actions ended, all together. The first outcome of an action stands.

        Raises:
            RecordError: not writable, or an outcome names an intent or an action that was never recorded.
        """

        def work(rows: Rows) -> None:
            intents = {number: self._intent(rows, number) for number in {each.intent for each in outcomes}}
            for outcome in outcomes:
                self._settle(rows, intents[outcome.intent], outcome)
            for intent in intents.values():
                self._close_lines(rows, intent)

        if outcomes:
            self._write("recording outcomes", work)

    def _settle(self, rows: Rows, intent: Intent, outcome: Outcome) -> None:
        if outcome.action not in intent.body.actions:
            raise RecordError(f"Intent {intent.id} in {self.path} has no such action: {outcome.action}.")
        position = intent.body.actions.index(outcome.action)
        values = (intent.id, position, outcome.kind.value, outcome.at, outcome.evidence)
        rows("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *values)
        closing = "DELETE FROM open_actions WHERE server = ? AND intent = ? AND position = ?"
        rows(closing, intent.server, intent.id, position)

    def _close_lines(self, rows: Rows, intent: Intent) -> None:
        found = rows("SELECT position, kind, at, evidence FROM outcomes WHERE intent = ?", intent.id).fetchall()
        ended = [(row[0], self._outcome(intent.id, intent.body, row)) for row in found]
        left = rows("SELECT position FROM open_actions WHERE server = ? AND intent = ?", intent.server, intent.id)
        ledger_entries.close_lines(rows, intent, ended, {position for (position,) in left})

    def _intent(self, rows: Rows, number: int) -> Intent:
        found = rows("SELECT id, at, commit_id, server, body FROM intents WHERE id = ?", number).fetchone()
        if found is None:
            raise RecordError(f"The record {self.path} holds no intent {number}, yet an outcome of it was given.")
        return self._as_intent(found)

    def _as_intent(self, row: tuple[Any, ...]) -> Intent:
        number, at, commit, server, body = row
        return Intent(number, at, commit, server, self._load(Pass, body))

    def unsettled(self, server: str) -> Sequence[tuple[Intent, Sequence[int]]]:
        """Intents of a server with the indices of the actions that have no outcome yet, oldest first."""

        def work(rows: Rows) -> tuple[tuple[Intent, tuple[int, ...]], ...]:
            query = "SELECT intent, position FROM open_actions WHERE server = ? ORDER BY intent, position"
            opened: defaultdict[int, list[int]] = defaultdict(list)
            for intent, position in rows(query, server).fetchall():
                opened[intent].append(position)
            return tuple((self._intent(rows, intent), tuple(positions)) for intent, positions in opened.items())

        return self._read(f"reading the open intents of {server}", work)

    def intents(self, *, server: str | None = None, limit: int = 50) -> Sequence[Intent]:
        """The newest intents, newest first."""
        which, values = ("WHERE server = ?", (server,)) if server is not None else ("", ())
        query = f"SELECT id, at, commit_id, server, body FROM intents {which} ORDER BY id DESC LIMIT ?"  # noqa: S608
        return self._read(
            "reading intents", lambda rows: tuple(self._as_intent(row) for row in rows(query, *values, limit))
        )

    def outcomes(self, intent: int) -> Sequence[Outcome]:
        """The outcomes of one intent, in the order of its actions; none for an intent that is not known."""

        def work(rows: Rows) -> tuple[Outcome, ...]:
            query = "SELECT position, kind, at, evidence FROM outcomes WHERE intent = ? ORDER BY position"
            found = rows(query, intent).fetchall()
            body = self._intent(rows, intent).body if found else None
            return tuple(self._outcome(intent, body, row) for row in found if body is not None)

        return self._read(f"reading the outcomes of intent {intent}", work)

    def _outcome(self, intent: int, body: Pass, row: tuple[Any, ...]) -> Outcome:
        position, kind, at, evidence = row
        try:
            return Outcome(intent, body.actions[position], OutcomeKind(kind), at, evidence)
        except (IndexError, ValueError) as error:
            raise ledger_errors.unreadable(self.path, f"reading the outcomes of intent {intent}", error) from error

    # The ledger

    def entries(
        self, *, model: str | None = None, server: str | None = None, after: int = 0, limit: int | None = None
    ) -> Sequence[Entry]:
        """Ledger lines with an id above `after`, ascending: all, of one model (as servers call it), of one server."""
        return self._read(
            "reading the ledger",
            lambda rows: ledger_entries.chosen(rows, model=model, server=server, after=after, limit=limit),
        )

    def lines(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Numbers and texts of ledger lines above an id, ascending, as they are exported and published."""
        return self._read("reading the ledger", lambda rows: ledger_entries.published(rows, after, limit))

    def own(self, number: int) -> str:
        """The hash of a ledger line, "" where there is none of that number."""
        return self._read("reading the ledger", lambda rows: ledger_entries.own(rows, number))

    def has_line(self, own: str) -> bool:
        """Whether a ledger line has that hash."""
        query = "SELECT EXISTS (SELECT 1 FROM entries WHERE hash = ?)"
        return self._read("reading the ledger", lambda rows: bool(rows(query, own).fetchone()[0]))

    def last_line(self) -> int:
        """The number of the last ledger line, 0 where there is none."""
        return self._read("reading the ledger", ledger_entries.last)

    def line_of(self, server: str, model: str, digest: str) -> Entry | None:
        """The newest intent line by which a commit brought that digest to a model on a server."""
        doing = "reading the ledger"
        return self._read(doing, lambda rows: ledger_entries.latest(rows, server, model, digest))

    def verify(self) -> Verification:
        """Whether the ledger's chain is whole and tells of every pass; of one moment, however long it takes."""

        def work(rows: Rows) -> Verification:
            rows("BEGIN")
            try:
                return ledger_verify.verify(rows)
            finally:
                rows("ROLLBACK")

        return self._read("verifying the ledger", work)

    def tight(self) -> bool:
        """Whether the disk is full, and what is recorded now takes the room that was kept aside."""
        return self._file.tight

    # Facts about the reconciler itself

    def good_commit(self) -> str | None:
        """The last commit whose documents were valid."""
        return self._meta(_GOOD_COMMIT)

    def set_good_commit(self, commit_id: str) -> None:
        """Note the last commit whose documents were valid: durable on return."""
        self._set_meta(_GOOD_COMMIT, commit_id, durable=True)

    def note(self, key: str, value: str) -> None:
        """Keep a small fact about the reconciler itself."""
        self._set_meta(_NOTE + key, value, durable=False)

    def noted(self, key: str) -> str | None:
        """A small fact kept before, None where there is none."""
        return self._meta(_NOTE + key)

    def _meta(self, key: str) -> str | None:
        def work(rows: Rows) -> str | None:
            found = rows("SELECT value FROM meta WHERE key = ?", key).fetchone()
            return str(found[0]) if found else None

        return self._read(f"reading {key}", work)

    def _set_meta(self, key: str, value: str, *, durable: bool) -> None:
        statement = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        self._write(f"noting {key}", lambda rows: rows(statement, key, value), durable=durable)

    # Statuses and plans

    def statuses(self) -> Sequence[Status]:
        """The status of every subject as last recorded, by server, within it as they were given."""
        query = "SELECT body FROM statuses ORDER BY server, position"
        return self._read("reading statuses", lambda rows: tuple(self._load(Status, body) for (body,) in rows(query)))

    def set_statuses(self, server: str, statuses: Sequence[Status], plan_json: str) -> None:
        """Replace the statuses of one server and the plan they were made from; "" leaves it without a plan."""
        bodies = [codec.dump(Status, status) for status in statuses]

        def work(rows: Rows) -> None:
            rows("DELETE FROM statuses WHERE server = ?", server)
            for position, body in enumerate(bodies):
                rows("INSERT INTO statuses VALUES (?, ?, ?)", server, position, body)
            if plan_json:
                replace = "INSERT INTO plans VALUES (?, ?) ON CONFLICT (server) DO UPDATE SET body = excluded.body"
                rows(replace, server, plan_json)
            else:
                rows("DELETE FROM plans WHERE server = ?", server)

        self._write(f"recording the status of {server}", work, durable=False)

    def plan_json(self, server: str) -> str | None:
        """The last plan of a server as JSON, None where there is none."""

        def work(rows: Rows) -> str | None:
            found = rows("SELECT body FROM plans WHERE server = ?", server).fetchone()
            return str(found[0]) if found else None

        return self._read(f"reading the plan of {server}", work)

    # How SQLite is asked

    def _load(self, kind: type[T], body: str) -> T:
        try:
            return codec.load(kind, body)
        except codec.CodecError as error:
            raise ledger_errors.unreadable(self.path, f"reading a {kind.__name__}", error) from error

    def _read(self, doing: str, work: Callable[[Rows], T]) -> T:
        return self._file.read(doing, work)

    def _write(self, doing: str, work: Callable[[Rows], T], *, durable: bool = True) -> T:
        try:
            return self._file.write(doing, work, durable=durable)
        except BaseException:
            self._known.clear()
            raise
