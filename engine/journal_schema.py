"""The state file itself: how it is made, opened, and told from other files; what to say when it is damaged.

One SQLite file in write-ahead mode. A run's records stand in `records`, one JSON text each with its checksum;
bodies over 64 KiB stand compressed in `large`.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from .errors import JournalError
from .journal import FORMAT_VERSION

APPLICATION_ID = 0x72626F6B
"""`rbok`, in the file's header: tells a state file from any other SQLite file."""

BUSY_MS = 5_000

MIGRATIONS = (
    """
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        body TEXT,
        checksum INTEGER NOT NULL
    );
    CREATE INDEX records_of_run ON records (run);
    CREATE INDEX marks_of_runs ON records (seq) WHERE kind IN ('run', 'end');
    CREATE TABLE large (
        seq INTEGER PRIMARY KEY REFERENCES records (seq),
        body BLOB NOT NULL
    );
    """,
)
"""Step n brings a file of format n to format n + 1; an empty file has format 0."""

assert len(MIGRATIONS) == FORMAT_VERSION  # noqa: S101 (about the text above, not about input)


def make_folder(path: Path) -> None:
    """The folder of the state file, for its owner only. Raises JournalError when it can't be made."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
            # The folder is ours: results of runs should not slip into a repository.
            (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise _unusable(path, error) from error


def open_to_write(path: Path) -> tuple[sqlite3.Connection, int]:
    """The state file, made or brought to the present format if need be, and the number of its last record. The
    caller holds the writer's lock.

    Raises JournalError: not a state file, of a newer version, damaged, or not writable.
    """
    try:
        # SQLite gives its own side files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        _prepare(connection, path)
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise broken(path, error) from error
    except JournalError:
        connection.close()
        raise
    return connection, int(last)


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """The state file for reading, also while another process writes it; None when there is none, or an empty one.

    Raises JournalError as `open_to_write` does, and for an older format, which only a writer brings up to date.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise broken(path, error) from error
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _refuse_older(_format(connection, path), path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise broken(path, error) from error
    except JournalError:
        connection.close()
        raise
    return connection


def broken(path: Path, error: sqlite3.Error) -> JournalError:
    """What to say of an error of SQLite: a full disk, a locked file, or damage and what can still be read."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path)
    reasons = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "it is read-only",
        sqlite3.SQLITE_BUSY: "another process keeps it locked",
        sqlite3.SQLITE_CANTOPEN: "it can't be opened",
        sqlite3.SQLITE_IOERR: "the disk reported an error",
    }
    why = reasons.get(code, "")
    return JournalError(
        f"The state file {path} can't be used: {why + ' ' if why else ''}({error}).",
        hint="What was recorded so far is kept. Put this right and go on, or name another file with --state.",
    )


def _unusable(path: Path, error: Exception) -> JournalError:
    return JournalError(
        f"The state file {path} can't be made or opened: {error}.", hint="Name another one with --state."
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    version = _format(connection, path)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalError(
            f"The state file {path} stands on a file system that can't keep it safely (no shared memory).",
            hint="Name one on a local disk with --state.",
        )
    connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves it in the disk's cache
    connection.execute("PRAGMA synchronous = FULL")
    for number in range(version, FORMAT_VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _format(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise JournalError(
            f"{path} is a database, but not a state file of runbook.", hint="Name another file with --state."
        )
    if version > FORMAT_VERSION:
        raise JournalError(
            f"The state file {path} was written by a newer runbook (format {version}; this one knows "
            f"{FORMAT_VERSION}).",
            hint="Use that version, or name another state file with --state.",
        )
    return int(version)


def _refuse_older(version: int, path: Path) -> None:
    if version < FORMAT_VERSION:
        raise JournalError(
            f"The state file {path} was written by an older runbook.",
            hint="The next `runbook play` or `runbook resume` with it brings it up to date.",
        )


def _damaged(path: Path) -> JournalError:
    readable = _readable(path)
    if readable is None:
        message = f"The state file {path} is damaged, or no state file at all; nothing in it can be read."
    else:
        runs, records = readable
        message = f"The state file {path} is damaged: {records} records of {runs} runs can still be read."
    return JournalError(
        message,
        hint=f"Keep a copy; `sqlite3 {path.name} .recover` saves what can be read into a new file. "
        "Or move it away and play with --fresh: effects of the lost run are then not known.",
    )


def _readable(path: Path) -> tuple[int, int] | None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT run FROM records ORDER BY seq")
            runs: set[str] = set()
            records = 0
            try:
                for (run,) in rows:
                    runs.add(run)
                    records += 1
            except sqlite3.DatabaseError:
                return len(runs), records
            return len(runs), records
    except sqlite3.DatabaseError:
        return None
