"""The journal in a SQLite file: its writer.

One thread owns the connection that writes. Workers encode their record, hand it over, and for a `commit` wait until
the thread has it on disk. Whatever is waiting goes into one transaction, so workers share a sync; what was only
appended is written after GATHER and synced with the next commit, at the latest after SYNC_DELAY. A killed process
loses what waited for GATHER, a power cut what waited for SYNC_DELAY; nothing that was committed.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from .errors import JournalError
from .journal import EffectDone, EffectIntent, ItemDone, Record, RunEnded, RunHeader, RunSummary, StepDone
from .journal_codec import Encoder
from .journal_lock import WriterLock
from .journal_reader import SqliteReader
from .journal_schema import broken, make_folder, open_to_write
from .journal_values import Mask
from .sealing import Seals

LARGE = 64 * 1024
"""Records of more bytes than this are compressed, in a table of their own."""

GATHER = 0.002
"""Seconds that appended records wait for company before they are written."""

SYNC_DELAY = 0.05
"""Seconds that written records wait for a commit to be synced with."""

_KINDS: dict[type[Record], str] = {
    RunHeader: "run",
    StepDone: "step",
    ItemDone: "item",
    EffectIntent: "intent",
    EffectDone: "effect",
    RunEnded: "end",
}


class _Line(NamedTuple):
    run: str
    kind: str
    at: float
    body: bytes


class _Wait:
    """What a worker waits on: everything handed over before it is written, and on disk when `sync`."""

    __slots__ = ("done", "failure", "sync")

    def __init__(self, *, sync: bool) -> None:
        self.sync = sync
        self.done = threading.Event()
        self.failure: JournalError | None = None


class SqliteJournal(SqliteReader):
    """A `Journal`; the only writer of its file while it is open."""

    def __init__(
        self,
        path: Path,
        *,
        mask: Mask | None = None,
        command: Sequence[str] | None = None,
        seals: Seals | None = None,
    ) -> None:
        """Make or open the file. `mask` goes over texts of results; `command` is told to who finds it locked;
        `seals` seal and open secrets.

        Raises JournalError: held by another process, damaged, of a newer version, or not writable.
        """
        make_folder(path)
        with ExitStack() as undo:
            self._writer_lock = WriterLock(path, command)
            undo.callback(self._writer_lock.release)
            self._writer = _Writer(path)
            undo.callback(self._writer.close)
            super().__init__(path, seals=seals)
            undo.pop_all()
        self._mask = mask
        self._encoder = Encoder(mask)
        self._run: str | None = None

    def begin(self, header: RunHeader) -> None:
        self._run = header.run
        seal = self._seals.of(header.salt)
        self._encoder = Encoder(self._mask, seal.seal if seal.has_key else None)
        self.commit(header)

    def append(self, record: Record) -> None:
        self._writer.hand_over(self._line(record))

    def commit(self, record: Record) -> None:
        self._writer.hand_over_and_wait(self._line(record), _Wait(sync=True))

    def records(self, run: str) -> Iterator[Record]:
        self._writer.hand_over_and_wait(None, _Wait(sync=False))
        return super().records(run)

    def runs(self) -> Sequence[RunSummary]:
        self._writer.hand_over_and_wait(None, _Wait(sync=False))
        return super().runs()

    def close(self) -> None:
        """Write and sync what is left, free the lock. Raises JournalError when something was lost untold."""
        super().close()  # first: whoever closes last folds the log into the file
        try:
            self._writer.close()
        finally:
            self._writer_lock.release()

    def _line(self, record: Record) -> _Line:
        if self._run is None:
            raise JournalError("Internal error: a record before its run began.")
        return _Line(self._run, _KINDS[type(record)], time.time(), self._encoder.encode(record))


class _Writer:
    """The thread that writes, and the queue in front of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection, self._seq = open_to_write(path)
        self._level = "FULL"
        self._changed = threading.Condition()
        self._lines: list[_Line] = []
        self._waits: list[_Wait] = []
        self._in_hand: list[_Wait] = []
        """Those whose records are being written."""
        self._closing = False
        self._failure: JournalError | None = None
        self._told = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def hand_over(self, line: _Line) -> None:
        with self._changed:
            self._check()
            self._lines.append(line)
            if len(self._lines) == 1:
                self._changed.notify()

    def hand_over_and_wait(self, line: _Line | None, wait: _Wait) -> None:
        with self._changed:
            self._check()
            if line:
                self._lines.append(line)
            self._waits.append(wait)
            self._changed.notify()
        wait.done.wait()
        if wait.failure:
            self._told = True
            raise wait.failure

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if self._failure and not self._told:
            raise self._failure

    def _check(self) -> None:
        if self._failure:
            self._told = True
            raise self._failure
        if self._closing:
            raise JournalError("Internal error: a record after the journal was closed.")

    # ------------------------------------------------------------ in the thread

    def _work(self) -> None:
        try:
            self._write_until_closed()
        except sqlite3.Error as error:
            self._fail(broken(self._path, error))
        except BaseException as error:
            self._fail(JournalError(f"Internal error: the journal stopped: {error!r}."))
            raise
        finally:
            self._connection.close()

    def _write_until_closed(self) -> None:
        unsynced_since: float | None = None
        while True:
            lines, waits, closing = self._take(unsynced_since)
            now = time.monotonic()
            overdue = unsynced_since is not None and now - unsynced_since >= SYNC_DELAY
            sync = closing or overdue or any(wait.sync for wait in waits)
            self._write(lines, sync=sync)
            if sync:
                unsynced_since = None
            elif lines and unsynced_since is None:
                unsynced_since = now
            for wait in waits:
                wait.done.set()
            if closing:
                return

    def _take(self, unsynced_since: float | None) -> tuple[list[_Line], list[_Wait], bool]:
        """Wait until there is something to do, and take all of it."""
        with self._changed:
            while not (self._lines or self._waits or self._closing):
                left = None if unsynced_since is None else unsynced_since + SYNC_DELAY - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            if self._lines:
                self._changed.wait_for(lambda: self._waits or self._closing, GATHER)
            lines, self._lines = self._lines, []
            self._in_hand, self._waits = self._waits, []
            return lines, self._in_hand, self._closing

    def _write(self, lines: list[_Line], *, sync: bool) -> None:
        if not lines:
            if sync:
                # Nothing to commit, so nothing would be synced: a checkpoint syncs the log first.
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return
        level = "FULL" if sync else "NORMAL"
        if level != self._level:
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._level = level
        rows, large = [], []
        for number, (run, kind, at, body) in enumerate(lines, self._seq + 1):
            is_large = len(body) > LARGE
            rows.append((number, run, kind, at, None if is_large else body.decode(), zlib.crc32(body)))
            if is_large:
                large.append((number, zlib.compress(body)))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.executemany("INSERT INTO large VALUES (?, ?)", large)
        self._connection.execute("COMMIT")
        self._seq += len(lines)

    def _fail(self, failure: JournalError) -> None:
        """Nobody may wait forever, and nobody may believe that a lost record was written."""
        with self._changed:
            self._failure = failure
        for wait in self._in_hand + self._waits:
            wait.failure = failure
            wait.done.set()
