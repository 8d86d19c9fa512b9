"""Reads a state file, also while another process writes it."""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from .journal import Record, RunEnded, RunHeader, RunSummary, RunTime
from .journal_codec import decode
from .journal_schema import SALVAGE, DamagedJournal, broken, open_to_read
from .journal_values import Open
from .sealing import Seals

_PAGE = 500
"""Records fetched at a time, so that a reader holds no long snapshot while it thinks."""


class Entry(NamedTuple):
    """A record with where and when it was written."""

    seq: int
    at: datetime
    """UTC."""
    record: Record


class SqliteReader:
    """A `JournalReader`. A file that is not there has no runs, and is not made."""

    def __init__(
        self, path: Path, *, seals: Seals | None = None, connection: sqlite3.Connection | None = None
    ) -> None:
        """`seals`: open the secrets of runs. `connection`: to what was read of the file in another way.

        Raises JournalError: not a state file, damaged, or of another version.
        """
        self._path = path
        self._seals = seals or Seals()
        self._connection = connection or open_to_read(path)
        self._lock = threading.Lock()

    def check(self, run: str) -> None:
        """Raises DamagedJournal when a record of the run is not what was written."""
        after = 0
        while rows := self._query(
            "SELECT records.seq, records.body, large.body, records.checksum"
            " FROM records LEFT JOIN large ON large.seq = records.seq"
            " WHERE records.run = ? AND records.seq > ? ORDER BY records.seq LIMIT ?",
            run,
            after,
            _PAGE,
        ):
            for seq, body, large, checksum in rows:
                self._data(seq, body, large, checksum)
                after = seq

    def runs(self) -> Sequence[RunSummary]:
        marks: dict[str, list[RunHeader | RunEnded]] = {}
        for run, seq, body, large, checksum in self._query(
            "SELECT records.run, records.seq, records.body, large.body, records.checksum"
            " FROM records LEFT JOIN large ON large.seq = records.seq"
            " WHERE records.kind IN ('run', 'end') ORDER BY records.seq"
        ):
            mark = self._record(seq, body, large, checksum)
            assert isinstance(mark, RunHeader | RunEnded)  # noqa: S101 (the query says so)
            marks.setdefault(run, []).append(mark)
        return [_summary(found, self._last_written(run)) for run, found in marks.items()]

    def records(self, run: str) -> Iterator[Record]:
        return (entry.record for entry in self.entries(run))

    def entries(self, run: str) -> Iterator[Entry]:
        """A run's records in the order they were written, those that another process writes meanwhile included."""
        after = 0
        open_: Open | None = None
        while True:
            rows = self._query(
                "SELECT records.seq, records.at, records.body, large.body, records.checksum"
                " FROM records LEFT JOIN large ON large.seq = records.seq"
                " WHERE records.run = ? AND records.seq > ? ORDER BY records.seq LIMIT ?",
                run,
                after,
                _PAGE,
            )
            for seq, at, body, large, checksum in rows:
                record = self._record(seq, body, large, checksum, open_)
                if isinstance(record, RunHeader):
                    open_ = self._seals.of(record.salt).open
                yield Entry(seq, datetime.fromtimestamp(at, UTC), record)
                after = seq
            if len(rows) < _PAGE:
                return

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last_written(self, run: str) -> datetime:
        ((at,),) = self._query("SELECT at FROM records WHERE run = ? ORDER BY seq DESC LIMIT 1", run)
        return datetime.fromtimestamp(at, UTC)

    def _query(self, sql: str, *values: object) -> list[Any]:
        if self._connection is None:
            return []
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise broken(self._path, error) from error

    def _record(
        self, seq: int, body: str | None, large: bytes | None, checksum: int, open_: Open | None = None
    ) -> Record:
        return decode(self._data(seq, body, large, checksum), open_)

    def _data(self, seq: int, body: str | None, large: bytes | None, checksum: int) -> bytes:
        data = whole(body, large)
        if data is None or zlib.crc32(data) != checksum:
            raise DamagedJournal(
                f"The state file {self._path} is damaged: record {seq} is not what was written.", hint=SALVAGE
            )
        return data


def whole(body: str | None, large: bytes | None) -> bytes | None:
    """The JSON text of a record; None: it is not what was written."""
    if large is None:
        return body.encode() if body is not None else None
    try:
        return zlib.decompress(large)
    except zlib.error:
        return None


def _summary(marks: Sequence[RunHeader | RunEnded], last_written: datetime) -> RunSummary:
    times: list[RunTime] = []
    for mark in marks:
        if isinstance(mark, RunHeader):
            times.append(RunTime(header=mark))
        else:
            times[-1] = RunTime(header=times[-1].header, ended=mark)
    return RunSummary(times=tuple(times), last_written=last_written)
