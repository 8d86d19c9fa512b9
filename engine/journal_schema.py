"""The state file itself: how it is made, opened, and told from other files; what to say when it is damaged.

One SQLite file in write-ahead mode. A run's records stand in `records`, one JSON text each with its checksum;
bodies over 64 KiB stand compressed in `large`.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from .errors import JournalError
from .journal import FORMAT_VERSION
from .journal_migrations import APPLICATION_ID, keep_copy, migrate

BUSY_MS = 5_000

FINAL = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""Errors after which a folder that nothing can be written to may still be read from."""


SALVAGE = (
    "`runbook runs` and `runbook show` tell what can still be read; `runbook runs --salvage NEWFILE` writes it to "
    "a new state file. Or move it away and play with --fresh: effects of the lost run are then not known."
)


class DamagedJournal(JournalError):
    """Something in the state file is not what was written; what else is in it can be read (`journal_salvage`)."""


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
    One of an older format is read from a copy in memory: only a writer changes the file.

    Raises JournalError as `open_to_write` does.
    """
    try:
        if not path.exists() or not path.stat().st_size:
            return None
        path.open("rb").close()
    except OSError as error:
        raise JournalError(
            f"The state file {path} can't be read: {error.strerror}.", hint="Name another one with --state."
        ) from error
    try:
        return _opened(path, "mode=ro")
    except sqlite3.DatabaseError as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in FINAL and not _log_of(path):
            with suppress(sqlite3.DatabaseError):
                return _opened(path, "immutable=1")  # nobody can write there, so nothing changes meanwhile
        raise broken(path, error) from error


def _opened(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        version = _format(connection, path)
        if version == FORMAT_VERSION:
            return connection
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.backup(copy)
        migrate(copy, version)
    except BaseException:
        connection.close()
        raise
    connection.close()
    return copy


def _log_of(path: Path) -> int:
    """Bytes of the log that belongs to the file, and that a reader must not pass over."""
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def broken(path: Path, error: sqlite3.Error) -> JournalError:
    """What to say of an error of SQLite: a full disk, a locked file, or damage and what can still be read."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode to UTF-8" in str(error):
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
    if version < FORMAT_VERSION:
        if version:
            keep_copy(connection, path, version)
        migrate(connection, version)


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


def _damaged(path: Path) -> DamagedJournal:
    return DamagedJournal(f"The state file {path} is damaged, or no state file at all.", hint=SALVAGE)
