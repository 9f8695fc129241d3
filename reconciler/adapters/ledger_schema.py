"""The tables of the record and how an older file becomes a newer one.

Used by `adapters/ledger.py` when it opens a file. A migration, once released, is never edited: add the next one.
Intents, answers, outcomes and entries are only ever added to; the other tables hold the present. Entries, the lines of
the ledger, are kept from changes by triggers, and by their hashes from whoever removes the triggers first.
"""

import sqlite3
from collections.abc import Callable

from reconciler.adapters.ledger_before import tell_what_was_before
from reconciler.errors import RecordError

APPLICATION_ID = 0x54465352  # "TFSR": tells our file from any other SQLite database

_FIRST = """
CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE memory (
    server TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    commit_id TEXT NOT NULL,
    server TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX intents_of_server ON intents (server, id);
CREATE TABLE open_actions (
    server TEXT NOT NULL,
    intent INTEGER NOT NULL REFERENCES intents (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (server, intent, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
    intent INTEGER PRIMARY KEY REFERENCES intents (id),
    at REAL NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE outcomes (
    intent INTEGER NOT NULL REFERENCES intents (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (intent, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE plans (server TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE statuses (
    server TEXT NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (server, position)
) STRICT, WITHOUT ROWID;
"""

# The columns that are asked for come out of the body, so that they can never say anything else than it does.
_LEDGER = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    kind TEXT GENERATED ALWAYS AS (json_extract(body, '$.kind')) VIRTUAL,
    intent INTEGER GENERATED ALWAYS AS (json_extract(body, '$.intent')) VIRTUAL,
    server TEXT GENERATED ALWAYS AS (json_extract(body, '$.server')) VIRTUAL,
    model TEXT GENERATED ALWAYS AS (json_extract(body, '$.model')) VIRTUAL,
    digest TEXT GENERATED ALWAYS AS (json_extract(body, '$.digest')) VIRTUAL
) STRICT;
CREATE INDEX entries_of_intent ON entries (intent);
CREATE INDEX entries_of_model ON entries (model, id);
CREATE INDEX entries_of_server ON entries (server, model, id, digest, kind);
CREATE TRIGGER entries_follow_each_other BEFORE INSERT ON entries
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'a line of the ledger can only be added at its end'); END;
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'a line of the ledger is never changed'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'a line of the ledger is never removed'); END;
"""

_OUTBOX = """
CREATE TABLE reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    commit_id TEXT NOT NULL,
    fleet TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    taken_at REAL NOT NULL DEFAULT 0,
    taken_state TEXT,
    taken_text TEXT,
    tried_state TEXT,
    tried_text TEXT,
    UNIQUE (commit_id, fleet)
) STRICT;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _LEDGER, _OUTBOX)
_THEN: dict[int, Callable[[sqlite3.Connection], None]] = {2: tell_what_was_before}
"""What a migration does besides its script, in the same transaction."""


def version(connection: sqlite3.Connection) -> int:
    """The schema version of an open file; 0 where it is new and empty.

    Raises:
        RecordError: the file is some other program's database, or was written by a newer reconciler.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or found):
        raise RecordError(
            "it is a database of another program. Nothing was applied and the file was not touched. "
            "Give another state directory with --state, or move the file away"
        )
    if found > len(MIGRATIONS):
        raise RecordError(
            f"it has schema version {found}, and this reconciler knows versions up to {len(MIGRATIONS)}. A newer "
            "reconciler wrote it. Nothing was applied and the file was not touched. Run that newer version again, or "
            "move the file away and start from first contact"
        )
    return int(found)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open, writable file to the newest schema, each step whole or not at all. Raises like `version`."""
    done = version(connection)
    for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE;{script}")
            _THEN.get(number, _nothing_more)(connection)
            connection.execute("INSERT INTO migrations (version) VALUES (?)", (number,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
            connection.execute(f"PRAGMA user_version = {number:d}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _nothing_more(_connection: sqlite3.Connection) -> None:
    pass
