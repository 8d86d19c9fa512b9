"""What can still be read of a damaged state file: every record that is there and is what was written.

The damaged file is left alone: a copy of it is read, record by record, past what can't be read. Where the file's
first page is gone, which holds nothing of a run, that of a fresh state file takes its place.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import JournalError
from .journal import RunHeader
from .journal_codec import Encoder, decode
from .journal_migrations import migrate
from .journal_reader import whole
from .journal_schema import open_to_write
from .prose import counted

PAGE = 4096
MOST_PER_PAGE = 100
"""More records than fit in one page of the file."""

CHUNK = 500
_SELECT = (
    "SELECT records.seq, records.run, records.kind, records.at, records.body, records.checksum, large.body"
    " FROM records LEFT JOIN large ON large.seq = records.seq"
)
LOST = "(its beginning is lost)"
"""Stands for the playbook of a run whose first record is gone."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came of it."""

    kept: int
    lost: int
    """As far as it can be told: records behind the last one that was found are not missed."""

    def __str__(self) -> str:
        lost = f", {counted(self.lost, 'record')} can't" if self.lost else ""
        return f"{counted(self.kept, 'record')} can be read{lost}"


def salvaged_to_memory(path: Path) -> tuple[sqlite3.Connection, Salvaged]:
    """All that can be read, to be looked at. Raises JournalError when that is nothing."""
    target = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(target, 0)
    return target, _salvage(path, target)


def salvage(path: Path, to: Path) -> Salvaged:
    """All that can be read, in a new state file. Raises JournalError when that is nothing, or the file
    is there."""
    if to.exists():
        raise JournalError(f"{to} is there already.", hint="Name a new file.")
    connection, _ = open_to_write(to)
    with closing(connection):
        try:
            return _salvage(path, connection)
        except JournalError:
            to.unlink()
            raise


def _salvage(path: Path, target: sqlite3.Connection) -> Salvaged:
    with tempfile.TemporaryDirectory(prefix="runbook-") as folder:
        copy = Path(folder, "state.db")
        try:
            for ending in ("", "-wal"):
                source = path.with_name(path.name + ending)
                if source.exists():
                    shutil.copyfile(source, copy.with_name(copy.name + ending))
        except OSError as error:
            raise JournalError(f"The state file {path} can't be read: {error.strerror}.") from error
        return _copied(path, copy, target)


def _copied(path: Path, copy: Path, target: sqlite3.Connection) -> Salvaged:
    kept = last = 0
    seen: set[int] = set()
    with closing(_opened(copy)) as damaged:
        target.execute("BEGIN")
        for row in _rows(damaged, copy.stat().st_size // PAGE + 1):
            seq, run, kind, at, body, checksum, large = row
            last = max(last, seq)
            data = whole(body, large)
            if data is None or zlib.crc32(data) != checksum or not _is_record(data):
                continue
            target.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
                (seq, run, kind, at, None if large is not None else body, checksum),
            )
            if large is not None:
                target.execute("INSERT INTO large VALUES (?, ?)", (seq, large))
            seen.add(seq)
            kept += 1
        if kept:
            _begin_again(target, seen)
        target.execute("COMMIT")
    if not kept:
        raise JournalError(
            f"Nothing in the state file {path} can be read.",
            hint=f"`sqlite3 {path.name} .recover` may find more. Or restore a backup, or play with --fresh.",
        )
    return Salvaged(kept, last - kept)


def _is_record(data: bytes) -> bool:
    try:
        decode(data)
    except JournalError:
        return False
    return True


def _opened(copy: Path) -> sqlite3.Connection:
    """The copy, with a fresh first page when its own can't be read."""
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'records'").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        _mend_first_page(copy)
        return sqlite3.connect(copy, isolation_level=None)
    return connection


def _mend_first_page(copy: Path) -> None:
    """All state files of a format have the same tables in the same pages. SQLite takes the file's own size for the
    number of pages when these two counters differ, and no page for free."""
    fresh = copy.with_name("fresh.db")
    open_to_write(fresh)[0].close()
    page = bytearray(fresh.read_bytes()[:PAGE])
    page[92:96] = (int.from_bytes(page[24:28], "big") + 1).to_bytes(4, "big")
    page[32:40] = bytes(8)
    with copy.open("r+b") as file:
        file.write(page)


def _rows(damaged: sqlite3.Connection, pages: int) -> Iterator[tuple[Any, ...]]:
    """All rows that can be read, in their order: many at a time where that works, else one by one."""
    after, most = 0, _highest(damaged) or pages * MOST_PER_PAGE
    while after < most:
        try:
            rows = damaged.execute(
                f"{_SELECT} WHERE records.seq > ? ORDER BY 1 LIMIT {CHUNK}", (after,)
            ).fetchall()
        except sqlite3.DatabaseError:
            for seq in range(after + 1, min(after + CHUNK, most) + 1):
                with suppress(sqlite3.DatabaseError):
                    yield from damaged.execute(f"{_SELECT} WHERE records.seq = ?", (seq,)).fetchall()
            after += CHUNK
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def _highest(damaged: sqlite3.Connection) -> int | None:
    with suppress(sqlite3.DatabaseError):
        (last,) = damaged.execute("SELECT max(seq) FROM records").fetchone()
        return int(last or 0)
    return None


def _begin_again(target: sqlite3.Connection, seen: set[int]) -> None:
    """A run whose beginning is lost gets one that says so, in the place of a record that is lost."""
    missing = target.execute(
        "SELECT run, min(seq), min(at) FROM records GROUP BY run HAVING sum(kind = 'run') = 0"
        " OR min(seq) < min(CASE kind WHEN 'run' THEN seq END)"
    ).fetchall()
    for run, first, at in missing:
        free = next((seq for seq in range(first - 1, -1, -1) if seq not in seen), None)
        if free is None:
            continue
        began = RunHeader(
            run=run,
            playbook=LOST,
            playbook_digest="",
            inventory=(),
            inventory_digest="",
            started=datetime.fromtimestamp(at, UTC),
        )
        body = Encoder().encode(began)
        seen.add(free)
        target.execute(
            "INSERT INTO records VALUES (?, ?, 'run', ?, ?, ?)",
            (free, run, at, body.decode(), zlib.crc32(body)),
        )
