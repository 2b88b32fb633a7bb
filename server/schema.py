"""The tables of the database, and how those of an older version become those of this one.

`number` counts runs as they are accepted, `ended` as they end. Both rise whatever the clock does, so they are what
runs are ordered by; times are for people.

`padding` is what lets a private run be forgotten. With `secure_delete`, SQLite overwrites rows that are deleted, but
not the copies that remain in gaps of a page when its rows are moved to another (found by searching the file for what
was deleted). It moves the beginning of a row only: what does not fit into a page lies in pages of its own, which are
overwritten as a whole when they are freed. So a private row carries a page of zeros before what nobody may find.
"""

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

PAGE_BYTES = 4096

PADDING = bytes(PAGE_BYTES)
"""Of a private row; others have an empty one."""

VERSION = 1
"""Of the tables, kept in the database as its `user_version`. 0: there are none yet."""

TABLES = (
    # Light: a list of runs reads this and `reports`. seeds: as text, for they may be larger than 2^63. searched: the
    # title in the case it is looked for, "" of a private one.
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        app TEXT NOT NULL,
        key TEXT NOT NULL,
        digest TEXT NOT NULL,
        state TEXT NOT NULL,
        priority INTEGER NOT NULL,
        position REAL NOT NULL,
        interactive INTEGER NOT NULL,
        private INTEGER NOT NULL,
        created REAL NOT NULL,
        started REAL,
        finished REAL,
        ended INTEGER,
        seconds REAL NOT NULL,
        next_seq INTEGER NOT NULL,
        overtaken INTEGER NOT NULL,
        starts INTEGER NOT NULL,
        worker TEXT NOT NULL,
        client TEXT NOT NULL,
        retry_of TEXT NOT NULL,
        metadata TEXT NOT NULL,
        padding BLOB NOT NULL,
        title TEXT NOT NULL,
        searched TEXT NOT NULL,
        wanted TEXT NOT NULL,
        labels TEXT NOT NULL,
        hook TEXT,
        models TEXT NOT NULL,
        seeds TEXT NOT NULL,
        error TEXT,
        deaths TEXT NOT NULL,
        planned TEXT NOT NULL
    )""",
    "CREATE UNIQUE INDEX runs_by_key ON runs (owner, app, key) WHERE key <> ''",
    "CREATE INDEX runs_by_state ON runs (state, number)",
    "CREATE INDEX runs_by_owner ON runs (owner, number)",
    "CREATE INDEX runs_by_app ON runs (app, number) WHERE app <> ''",
    "CREATE INDEX runs_by_client ON runs (client, number) WHERE client <> ''",
    "CREATE INDEX runs_by_end ON runs (ended) WHERE ended IS NOT NULL",
    # What came of the nodes: changes with the run, and may be long.
    """CREATE TABLE reports (
        number INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
        padding BLOB NOT NULL,
        nodes TEXT NOT NULL
    )""",
    # What was submitted: long, and never changed.
    """CREATE TABLE documents (
        number INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
        padding BLOB NOT NULL,
        workflow TEXT NOT NULL,
        client_workflow TEXT,
        comfyui TEXT
    )""",
    # To find runs by; those of private ones are only in their row.
    """CREATE TABLE labels (
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        number INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        PRIMARY KEY (name, value, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX labels_by_run ON labels (number)",
    """CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        padding BLOB NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID""",
    # digest: of the token, which itself is nowhere. scopes: a JSON list.
    """CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        scopes TEXT NOT NULL,
        owner TEXT NOT NULL,
        created REAL NOT NULL,
        used REAL,
        expires REAL
    )""",
    # document, settings: JSON. revision: of any type, given back as it was put.
    """CREATE TABLE apps (
        name TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        document TEXT NOT NULL,
        settings TEXT NOT NULL,
        revision NOT NULL,
        owner TEXT NOT NULL,
        created REAL NOT NULL,
        changed REAL NOT NULL
    )""",
    # Messages to be delivered. They outlive their run, which may be private and gone by then.
    f"""CREATE TABLE hooks (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next REAL NOT NULL,
        state TEXT NOT NULL,
        padding BLOB NOT NULL DEFAULT (zeroblob({PAGE_BYTES:d})),
        url TEXT NOT NULL,
        secret TEXT NOT NULL,
        body TEXT NOT NULL,
        last_error TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX hooks_by_time ON hooks (state, next)",
    "CREATE INDEX hooks_by_run ON hooks (run)",
    # value: JSON.
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)

UPGRADES: Mapping[int, tuple[str, ...]] = MappingProxyType({})
"""By version: the statements that lead from it to the next one."""


def version_of(connection: sqlite3.Connection) -> int:
    """Of the tables a database has."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def upgrade(connection: sqlite3.Connection, from_version: int) -> None:
    """Make the tables those of VERSION, within the transaction the caller began, foreign keys off.

    Raises sqlite3.Error; the caller then rolls back.
    """
    steps = [TABLES] if from_version == 0 else [UPGRADES[version] for version in range(from_version, VERSION)]
    for statements in steps:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION:d}")
