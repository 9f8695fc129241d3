"""The lines of the ledger in SQLite: added in the transaction of what they tell of, and asked for.

Used by `adapters/ledger.py` with the transaction that it has open, and by the migration that gave older records their
lines. Nothing here opens, commits or words an error of SQLite. What a line says is `record/entries.py`'s affair, its
text and hash `ledger_lines.py`'s; that lines are never changed is held by triggers (`ledger_schema.py`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

from reconciler.adapters import ledger_lines
from reconciler.record import entries as wording
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryKind
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome

_LAST = "SELECT id, hash FROM entries ORDER BY id DESC LIMIT 1"
LATEST = (
    "SELECT hash, body FROM entries WHERE server = ?1 AND model = ?2 AND kind = 'intent' AND (?3 IS NULL OR "
    "(digest = ?3 AND json_extract(body, '$.initiatedBy') NOT IN ('drift', 'restore'))) ORDER BY id DESC LIMIT 1"
)


class Rows(Protocol):
    """Runs one statement of the transaction that is open."""

    def __call__(self, statement: str, *values: object) -> sqlite3.Cursor:
        """The statement's rows."""
        ...


def open_lines(rows: Rows, intent: Intent, commit: Commit, memory: Memory) -> None:
    """Add one line per model of a pass that is about to be sent."""

    def of_model(model: str, digest: str | None) -> Entry | None:
        return latest(rows, intent.server, model, digest)

    add(rows, wording.opened(intent, commit, memory, of_model))


def close_lines(rows: Rows, intent: Intent, outcomes: Sequence[tuple[int, Outcome]], open_positions: set[int]) -> None:
    """Add one line for each model of a pass whose actions have all ended, where there is none yet.

    Args:
        rows: the transaction.
        intent: the pass.
        outcomes: every outcome recorded of it, with the position of its action.
        open_positions: the positions of actions without one.
    """
    actions = intent.body.actions
    known, ended = _of_intent(rows, intent.id), dict(outcomes)
    for name in wording.names(intent):
        mine = [position for position, action in enumerate(actions) if action.model == name]
        is_told = (EntryKind.OUTCOME, name) in known
        if mine and not is_told and not open_positions.intersection(mine):
            opening = known.get((EntryKind.INTENT, name))
            if opening is None:
                raise ledger_lines.LineError(f"pass {intent.id} has no line for {name} that could be ended")
            add(rows, [wording.closed(opening, [(actions[each], ended[each]) for each in mine])])


def add(rows: Rows, lines: Sequence[Entry]) -> None:
    """Add lines at the end of the chain; their numbers and hashes are given here."""
    number, previous = rows(_LAST).fetchone() or (0, "")
    for line in lines:
        told = ledger_lines.sealed(line, number + 1, previous)
        rows("INSERT INTO entries (id, hash, body) VALUES (?, ?, ?)", told.id, told.hash, ledger_lines.body(told))
        number, previous = told.id, told.hash


def chosen(
    rows: Rows, *, model: str | None = None, server: str | None = None, after: int = 0, limit: int | None = None
) -> tuple[Entry, ...]:
    """Lines above an id, ascending. Raises LineError for one that cannot be read."""
    found = rows(
        f"SELECT hash, body FROM entries WHERE id > ?{_where(model, server)} ORDER BY id LIMIT ?",  # noqa: S608 (ours)
        after,
        *(each for each in (model, server) if each is not None),
        -1 if limit is None else limit,
    )
    return tuple(ledger_lines.entry(body, own) for own, body in found)


def _where(model: str | None, server: str | None) -> str:
    return (" AND model = ?" if model is not None else "") + (" AND server = ?" if server is not None else "")


def texts(rows: Rows) -> Iterator[tuple[int, str, str]]:
    """Number, hash and body of every line, ascending, as stored; never all in memory at once."""
    yield from rows("SELECT id, hash, body FROM entries ORDER BY id")


def published(rows: Rows, after: int, limit: int) -> tuple[tuple[int, str], ...]:
    """Number and text of lines above an id, ascending, as they are exported and published."""
    found = rows("SELECT id, hash, body FROM entries WHERE id > ? ORDER BY id LIMIT ?", after, limit)
    return tuple((number, ledger_lines.published(body, own)) for number, own, body in found)


def own(rows: Rows, number: int) -> str:
    """The hash of a line, "" where there is none of that number."""
    found = rows("SELECT hash FROM entries WHERE id = ?", number).fetchone()
    return str(found[0]) if found else ""


def last(rows: Rows) -> int:
    """The number of the last line, 0 where there is none."""
    found = rows(_LAST).fetchone()
    return int(found[0]) if found else 0


def latest(rows: Rows, server: str, model: str, digest: str | None) -> Entry | None:
    """The newest intent line of a model on a server; with a digest, by which a commit brought it (`entries.Latest`)."""
    found = rows(LATEST, server, model, digest).fetchone()
    return ledger_lines.entry(found[1], found[0]) if found else None


def _of_intent(rows: Rows, number: int) -> dict[tuple[EntryKind, str], Entry]:
    found = rows("SELECT hash, body FROM entries WHERE intent = ?", number)
    lines = (ledger_lines.entry(body, own) for own, body in found)
    return {(line.kind, line.model): line for line in lines}
