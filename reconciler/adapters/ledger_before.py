"""Lines for what a record held before it had a ledger: every pass and every outcome, in the order in which they came.

Used by the migration to schema version 2, in its transaction. What nobody wrote down then stays empty: the author, the
commit that was in force before, why a pass was sent.
"""

import sqlite3
from dataclasses import replace

from reconciler.adapters import codec, ledger_entries
from reconciler.errors import RecordError
from reconciler.record import entries as wording
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, Initiator
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Pass

REASON = "sent by a release without a ledger: this line was made from its record"
_NOBODY = Memory("", "")


def tell_what_was_before(connection: sqlite3.Connection) -> None:
    """Add the lines. Raises RecordError where a pass that was recorded cannot be read."""
    lines = [line for number in _numbers(connection) for line in _lines(connection, number)]
    lines.sort(key=lambda line: (line.finished or line.started, line.intent, line.kind))
    ledger_entries.add(lambda statement, *values: connection.execute(statement, values), lines)


def _numbers(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT id FROM intents ORDER BY id").fetchall()]


def _lines(connection: sqlite3.Connection, number: int) -> list[Entry]:
    query = "SELECT at, commit_id, server, body FROM intents WHERE id = ?"
    at, commit, server, body = connection.execute(query, (number,)).fetchone()
    try:
        intent = Intent(number, at, commit, server, codec.load(Pass, body))
    except codec.CodecError as error:
        raise RecordError(f"pass {number} in it cannot be read ({error}), so its ledger cannot be begun") from error
    found: list[Entry] = []
    ended = _ended(connection, intent)
    for opening in wording.opened(intent, Commit(commit), _NOBODY, lambda _model, _digest: None):
        line = replace(opening, initiated_by=Initiator.COMMIT, reason=REASON)
        found.append(line)
        mine = [position for position, each in enumerate(intent.body.actions) if each.model == line.model]
        if mine and all(position in ended for position in mine):
            found.append(wording.closed(line, [(intent.body.actions[each], ended[each]) for each in mine]))
    return found


def _ended(connection: sqlite3.Connection, intent: Intent) -> dict[int, Outcome]:
    query = "SELECT position, kind, at, evidence FROM outcomes WHERE intent = ?"
    found = {}
    for position, kind, at, evidence in connection.execute(query, (intent.id,)):
        found[position] = Outcome(intent.id, intent.body.actions[position], OutcomeKind(kind), at, evidence)
    return found
