"""The tables of the record and how an older file becomes a newer one.

Used by `adapters/ledger.py` when it opens a file. A migration, once released, is never edited: add the next one.
Intents, answers and outcomes are only ever added to; the other tables hold the present.
"""

import sqlite3

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

MIGRATIONS: tuple[str, ...] = (_FIRST,)


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
        note = f"INSERT INTO migrations (version) VALUES ({number:d})"  # noqa: S608 (a number of ours)
        marks = f"PRAGMA application_id = {APPLICATION_ID:d};PRAGMA user_version = {number:d}"
        connection.executescript(f"BEGIN IMMEDIATE;{script};{note};{marks};COMMIT;")
