"""The ledger on a real SQLite file: only ever added to, quick to ask, and given to records that had none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters import codec, ledger_entries, ledger_schema
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.ledger_before import REASON
from reconciler.errors import RecordError
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Memory
from reconciler.state.outcome import Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

LOAD = Action(ActionKind.LOAD, "a", version=2)
LABEL = Action(ActionKind.LABEL, "a", version=2, label="stable")
OTHER = Action(ActionKind.LOAD, "b", version=7)
BODY = Pass(1, PassKind.CHANGE, (LOAD, LABEL, OTHER), ServerConfig(), specs=(("a", "A"), ("b", "B")))
MEMORY = Memory("eu/gpu-1", "h")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(path)) as made:
        yield made


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET hash = 'x' WHERE id = 1", "never changed"),
        ("UPDATE entries SET body = body", "never changed"),
        ("DELETE FROM entries WHERE id = 2", "never removed"),
        ("INSERT INTO entries (id, hash, body) VALUES (9, 'x', '{}')", "at its end"),
        ("INSERT OR REPLACE INTO entries (id, hash, body) VALUES (1, 'x', '{}')", "at its end"),
    ],
)
def test_a_line_can_only_be_added(ledger: SqliteLedger, path: Path, statement: str, said: str) -> None:
    ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    before = ledger.entries()
    with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.IntegrityError, match=said):
        other.execute(statement)
    assert ledger.entries() == before


def test_a_line_that_cannot_be_read_is_called_damage(ledger: SqliteLedger, path: Path) -> None:
    ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute("UPDATE entries SET body = '{}'")
    with pytest.raises(RecordError, match=r"damaged.*no line of a ledger.*while reading the ledger"):
        ledger.entries()


def before_the_ledger(path: Path) -> None:
    """A record as release 1 of the schema left it: one pass with all its outcomes, one with some, one with none."""
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(ledger_schema.MIGRATIONS[0])
        old.execute(f"PRAGMA application_id = {ledger_schema.APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
        for number, at in ((1, 10.0), (2, 11.0), (3, 50.0)):
            values = (number, at, f"c{number}", "eu/gpu-1", codec.dump(Pass, BODY))
            old.execute("INSERT INTO intents VALUES (?, ?, ?, ?, ?)", values)
        ended = [(1, 0, "Done", 20.0), (1, 1, "Done", 30.0), (1, 2, "Failed", 12.0), (2, 2, "Done", 40.0)]
        old.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?, 'seen')", ended)
        opened = [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
        old.executemany("INSERT INTO open_actions VALUES ('eu/gpu-1', ?, ?)", opened)


def test_a_record_without_a_ledger_is_given_one_in_the_order_in_which_things_happened(path: Path) -> None:
    before_the_ledger(path)
    with closing(SqliteLedger(path)) as ledger:
        told = [(line.id, str(line.kind), line.intent, line.model, line.outcome) for line in ledger.entries()]
        assert told == [
            (1, "intent", 1, "a", ""),
            (2, "intent", 1, "b", ""),
            (3, "intent", 2, "a", ""),
            (4, "intent", 2, "b", ""),
            (5, "outcome", 1, "b", "Failed"),
            (6, "outcome", 1, "a", "Done"),
            (7, "outcome", 2, "b", "Done"),
            (8, "intent", 3, "a", ""),
            (9, "intent", 3, "b", ""),
        ]
        assert {line.reason for line in ledger.entries()} == {REASON}
        assert [line.commit for line in ledger.entries(model="a")] == ["c1", "c2", "c1", "c3"]


def test_what_was_open_before_the_ledger_ends_in_it(path: Path) -> None:
    before_the_ledger(path)
    with closing(SqliteLedger(path)) as ledger:
        ledger.settle([Outcome(2, LOAD, OutcomeKind.DONE, 60.0), Outcome(2, LABEL, OutcomeKind.DONE, 61.0)])
        last = ledger.entries()[-1]
        assert (str(last.kind), last.intent, last.model, last.finished) == ("outcome", 2, "a", 61.0)


def test_a_record_whose_passes_cannot_be_read_stays_as_it_was(path: Path) -> None:
    before_the_ledger(path)
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("UPDATE intents SET body = '{}' WHERE id = 2")
    with pytest.raises(RecordError, match="pass 2 in it cannot be read"):
        SqliteLedger(path)
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
        assert old.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'entries'").fetchone() == (0,)


def test_a_record_without_a_ledger_is_not_read_but_brought_up_to_date(path: Path) -> None:
    before_the_ledger(path)
    with pytest.raises(RecordError, match="an older reconciler wrote it"):
        SqliteLedger(path, writable=False)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("SELECT body FROM entries WHERE id > 5 AND model = ? ORDER BY id LIMIT 3", ("a",)),
        ("SELECT body FROM entries WHERE id > 5 AND server = ? ORDER BY id LIMIT 3", ("s",)),
        ("SELECT body FROM entries WHERE id > 5 AND model = ? AND server = ? ORDER BY id LIMIT 3", ("a", "s")),
        ("SELECT body FROM entries WHERE intent = ?", (5,)),
        (ledger_entries.LATEST, ("s", "a", "A")),
    ],
)
def test_a_question_to_the_ledger_is_answered_from_an_index(
    ledger: SqliteLedger, path: Path, query: str, values: tuple[object, ...]
) -> None:
    ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    with closing(sqlite3.connect(path)) as other:
        plan = [row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert "USING INDEX entries_of_" in plan[0]
