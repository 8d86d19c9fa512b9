"""Points of a run at which it can be killed: each write of the journal, each call of AWS and of Valkey, each
program that is started and each change of a folder.

The program under test knows nothing of this: `watch` wraps what it stands on (SQLite's connection, botocore's HTTP
session, valkey-py's connection, `subprocess` and `os`), counts, and kills the process where it was asked to. A
point is named by what happens there, such as `aws AmazonMemoryDB.CreateCluster 1 after`: the number counts equal
ones, so that how often something was waited for moves no other point.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

KINDS = ("journal", "aws", "valkey", "program", "file")


class Point(NamedTuple):
    """A moment in a run. `number` counts from 1 what is equal otherwise."""

    kind: str
    what: str
    number: int
    phase: str

    def __str__(self) -> str:
        return f"{self.kind} {self.what} {self.number} {self.phase}"


def is_vital(point: Point) -> bool:
    """Whether it stands at more than a question: the suite's spread is taken from these."""
    if point.kind == "aws":
        operation = point.what.rpartition(".")[2]
        return not (operation.startswith(("Describe", "Get", "List")) or operation.endswith("+reads"))
    return point.kind != "valkey" or point.what not in ("CLIENT", "CLUSTER", "COMMAND")


Death: TypeAlias = Point | int
"""Where a process is killed; a number: at the n-th point, whichever that is."""


def moments(points: Sequence[Point]) -> list[Point]:
    """One point for each moment: what comes after one call and before the next, with nothing done between them, is
    the same moment."""
    return [
        point
        for point, before in zip(points, (None, *points), strict=False)
        if before is None or _is_act(before, point)
    ]


def _is_act(before: Point, point: Point) -> bool:
    """Whether something is done between two points. Records that are written together begin at once."""
    together = before.kind == point.kind and before.what == point.what == "record" and point.phase == "before"
    return before.phase in ("before", "sent") and not together


def parse(line: str) -> Point:
    """The point that `str` made the line of."""
    kind, *what, number, phase = line.split()
    return Point(kind, " ".join(what), int(number), phase)


class Watch:
    """Counts points, writes each into the file `tell`, and dies at `death`."""

    def __init__(self, tell: Path | None = None, death: Death | None = None) -> None:
        self._told = tell.open("a", encoding="utf-8", buffering=1) if tell else None
        self._death = death
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._passed = 0

    def number(self, kind: str, what: str) -> int:
        """The next number of what is called so."""
        with self._lock:
            self._counts[kind, what] += 1
            return self._counts[kind, what]

    def reached(self, point: Point) -> None:
        """The process is there now."""
        with self._lock:
            self._passed += 1
            if self._told:
                self._told.write(f"{point}\n")
        if self._death in (point, self._passed):
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self, kind: str, what: str) -> Iterator[None]:
        """Two points: `before` and `after` what is done within, whether that ends well or not."""
        number = self.number(kind, what)
        self.reached(Point(kind, what, number, "before"))
        try:
            yield
        finally:
            self.reached(Point(kind, what, number, "after"))


def watch(kinds: Sequence[str], tell: Path | None, death: Death | None) -> None:
    """From here on this process passes points of these kinds."""
    watching = Watch(tell, death)
    wrappers = {
        "journal": _journal,
        "aws": _aws,
        "valkey": _valkey,
        "program": _programs,
        "file": _files,
    }
    for kind in kinds:
        wrappers[kind](watching)


# ---------------------------------------------------------------- the journal


def _journal(watching: Watch) -> None:
    class Connection(_Connection):
        watch = watching

    sqlite3.connect = partial(sqlite3.connect, factory=Connection)  # type: ignore[assignment]


class _Connection(sqlite3.Connection):
    """A record's points stand around the COMMIT of the transaction that it is written in; the making of the file,
    its checkpoints and its closing are points as well."""

    watch: Watch
    _uncommitted = 0

    def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:
        rows = list(rows)
        if sql.startswith("INSERT INTO records"):
            self._uncommitted = len(rows)
        return super().executemany(sql, rows)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            return self._commit()
        if "checkpoint" not in sql:
            return super().execute(sql, *values)
        with self.watch.around("journal", "checkpoint"):
            return super().execute(sql, *values)

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        with self.watch.around("journal", "schema"):
            return super().executescript(script)

    def close(self) -> None:
        with self.watch.around("journal", "close"):
            super().close()

    def _commit(self) -> sqlite3.Cursor:
        numbers = [self.watch.number("journal", "record") for _ in range(self._uncommitted)]
        for number in numbers:
            self.watch.reached(Point("journal", "record", number, "before"))
        cursor = super().execute("COMMIT")
        for number in numbers:
            self.watch.reached(Point("journal", "record", number, "after"))
        return cursor


# ---------------------------------------------------------------- AWS


def _aws(watching: Watch) -> None:
    from botocore.httpsession import URLLib3Session

    send = URLLib3Session.send

    @wraps(send)
    def watched(session: Any, request: Any) -> Any:
        with watching.around("aws", _operation(request)):
            return send(session, request)

    URLLib3Session.send = watched


def _operation(request: Any) -> str:
    """What a request asks for: `AmazonMemoryDB.CreateCluster`, `DescribeVpcs`, `GET /bucket/key`; with `+reads`
    where it says itself that it changes nothing."""
    body, target = _text(request.body or ""), _text(request.headers.get("X-Amz-Target", ""))
    action = re.search(r"(?:^|&)Action=(\w+)", body)
    name = target or (action.group(1) if action else f"{request.method} {request.url.partition('?')[0]}")
    return f"{name}+reads" if re.search(r"DryRun=true|\"Comment\": ?\"runbook reads ", body) else name


# ---------------------------------------------------------------- Valkey


def _valkey(watching: Watch) -> None:
    """Three points a command: before it is sent, `sent`, and after its reply was read."""
    from valkey.connection import AbstractConnection

    send, read = AbstractConnection.send_packed_command, AbstractConnection.read_response
    waiting = threading.local()

    @wraps(send)
    def sending(connection: Any, command: Any, *args: Any, **options: Any) -> Any:
        word = _word(command)
        number = watching.number("valkey", word)
        watching.reached(Point("valkey", word, number, "before"))
        waiting.last = (word, number)
        answer = send(connection, command, *args, **options)
        watching.reached(Point("valkey", word, number, "sent"))
        return answer

    @wraps(read)
    def reading(connection: Any, *args: Any, **options: Any) -> Any:
        try:
            return read(connection, *args, **options)
        finally:
            last, waiting.last = getattr(waiting, "last", None), None
            if last is not None:
                watching.reached(Point("valkey", *last, "after"))

    AbstractConnection.send_packed_command = sending
    AbstractConnection.read_response = reading


def _word(command: Any) -> str:
    """The name of a packed command: `*3\\r\\n$3\\r\\nSET\\r\\n...`."""
    packed = command if isinstance(command, bytes | str) else b"".join(command)
    parts = (packed if isinstance(packed, bytes) else packed.encode()).split(b"\r\n", 3)
    return parts[2].decode("latin-1").upper() if len(parts) > 2 else "?"


# ---------------------------------------------------------------- this machine


def _programs(watching: Watch) -> None:
    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, args: Any, *more: Any, **options: Any) -> None:
            with watching.around("program", Path(str(args if isinstance(args, str) else args[0])).name):
                super().__init__(args, *more, **options)

        def wait(self, *args: Any, **options: Any) -> int:
            code = super().wait(*args, **options)
            watching.reached(Point("program", "wait", watching.number("program", "wait"), "after"))
            return code

    subprocess.Popen = Popen  # type: ignore[misc]


def _files(watching: Watch) -> None:
    for name in _Files.changing:
        setattr(os, name, _Files(watching, name, getattr(os, name)))


class _Files:
    """A function of `os` that changes a folder, between two points."""

    changing: ClassVar = ("replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link", "symlink")

    def __init__(self, watching: Watch, name: str, call: Callable[..., Any]) -> None:
        self._watching = watching
        self._name = name
        self._call = call

    def __call__(self, *args: Any, **options: Any) -> Any:
        with self._watching.around("file", self._name):
            return self._call(*args, **options)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
