"""How a state file of an older format becomes one of the present format: step by step, in one transaction, with a
copy of the old file kept beside it.

A change of format is a new step at the end of `MIGRATIONS` and one more `FORMAT_VERSION`. New fields of records
need none: they have defaults.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from .journal import FORMAT_VERSION

APPLICATION_ID = 0x72626F6B
"""`rbok`, in the file's header: tells a state file from any other SQLite file."""

Migration: TypeAlias = Callable[[sqlite3.Connection], None]
"""Works in a transaction that is open already."""

_TABLES = (
    """
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        body TEXT,
        checksum INTEGER NOT NULL
    )""",
    "CREATE INDEX records_of_run ON records (run)",
    "CREATE INDEX marks_of_runs ON records (seq) WHERE kind IN ('run', 'end')",
    """
    CREATE TABLE large (
        seq INTEGER PRIMARY KEY REFERENCES records (seq),
        body BLOB NOT NULL
    )""",
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (_create,)
"""Step n brings a file of format n to format n + 1; an empty file has format 0."""

assert len(MIGRATIONS) == FORMAT_VERSION  # noqa: S101 (about the lines above, not about input)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """From that format to the present one: all of it, or, when the process dies meanwhile, nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """The file as it is, beside it, for its owner only."""
    kept = path.with_name(f"{path.name}.format{version}")
    fresh = kept.with_name(f"{kept.name}.new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(fresh)) as copy:
        connection.backup(copy)
    fresh.replace(kept)
    return kept


def reshape(connection: sqlite3.Connection, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """For a migration: each record anew, as JSON data, those that stand compressed included."""
    after = -1
    while rows := connection.execute(
        "SELECT records.seq, records.body, large.body FROM records LEFT JOIN large ON large.seq = records.seq"
        " WHERE records.seq > ? ORDER BY records.seq LIMIT 500",
        (after,),
    ).fetchall():
        for seq, body, large in rows:
            old = zlib.decompress(large) if large is not None else body.encode()
            new = msgspec.json.encode(change(msgspec.json.decode(old)))
            if large is None:
                connection.execute("UPDATE records SET body = ? WHERE seq = ?", (new.decode(), seq))
            else:
                connection.execute("UPDATE large SET body = ? WHERE seq = ?", (zlib.compress(new), seq))
            connection.execute("UPDATE records SET checksum = ? WHERE seq = ?", (zlib.crc32(new), seq))
            after = seq
