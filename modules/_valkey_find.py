"""Whether a command that got no answer was carried out: for those where the data tells.

Valkey has no token that a command could be found by, so this is asked of the data: a value that was to be written
is there, keys that were to be deleted are gone. What adds to what is there (INCR, LPUSH) leaves no such trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runbook.contract import Absent, Finding, Intent, Landed

from . import _valkey_json as documents
from ._valkey_cli import Reply
from ._valkey_words import Command, reads_only, text

OK = b"OK"
ROOTS = (b"$", b".")
TIMES = frozenset(b"EX PX EXAT PXAT".split())
"""Options of SET after which the value ends by itself."""

FOR_EVER = -1
"""What PTTL answers for a value that does not end by itself."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a command leaves behind."""

    questions: tuple[Command, ...]
    """They ask for it, and only read."""
    reply: Callable[[Reply, list[Reply]], Reply | None]
    """The command's reply, from what the first question was answered before it (where it `compares`) and what all
    are answered now; None: it was not carried out."""
    compares: bool = False
    """What was there before decides the reply."""

    def find(self, ask: Callable[[Command], Reply]) -> Callable[[Intent], Finding[Any]]:
        """For `ctx.effect`."""

        def look(intent: Intent) -> Finding[Any]:
            reply = self.reply(intent.before, [ask(question) for question in self.questions])
            return Absent() if reply is None else Landed(reply)

        return look


def trace_of(command: Command) -> Trace | None:
    """What tells whether a command was carried out; None where nothing does."""
    make = _TRACES.get(command[0].upper())
    return make(command) if make is not None else None


def again(_intent: Intent) -> Finding[Any]:
    """For what only reads: it is asked again."""
    return Absent()


def find_for(command: Command, ask: Callable[[Command], Reply]) -> Callable[[Intent], Finding[Any]] | None:
    """How a command in doubt is settled; None where the operator must."""
    if reads_only(command):
        return again
    trace = trace_of(command)
    return trace.find(ask) if trace is not None else None


# ---------------------------------------------------------------- the commands


def _set(command: Command) -> Trace | None:
    ends = len(command) == 5 and command[3].upper() in TIMES
    if len(command) != 3 and not ends:
        return None
    _, key, value, *_ = command

    def reply(_: Reply, now: list[Reply]) -> Reply | None:
        there, left = now
        return OK if there == value and (left != FOR_EVER) is ends else None

    return Trace(((b"GET", key), (b"PTTL", key)), reply)


def _json_set(command: Command) -> Trace | None:
    if len(command) != 4:
        return None
    _, key, path, value = command

    def reply(_: Reply, now: list[Reply]) -> Reply | None:
        (answer,) = now
        if not isinstance(answer, bytes):
            return None
        try:
            wanted, there = documents.parse(text(value)), documents.parse(text(answer))
        except ValueError:
            return None
        found = there if path.startswith(b"$") else [there]
        return OK if found and all(documents.equal(wanted, one) for one in found) else None

    return Trace(((b"JSON.GET", key, path),), reply)


def _delete(command: Command) -> Trace | None:
    return (
        Trace(((b"EXISTS", *dict.fromkeys(command[1:])),), _gone, compares=True) if len(command) > 1 else None
    )


def _json_delete(command: Command) -> Trace | None:
    whole = len(command) == 2 or (len(command) == 3 and command[2] in ROOTS)
    return Trace(((b"EXISTS", command[1]),), _gone, compares=True) if whole else None


def _gone(before: Reply, now: list[Reply]) -> Reply | None:
    return before if now == [0] and isinstance(before, int) else None


_TRACES: dict[bytes, Callable[[Command], Trace | None]] = {
    b"SET": _set,
    b"JSON.SET": _json_set,
    b"DEL": _delete,
    b"UNLINK": _delete,
    b"JSON.DEL": _json_delete,
    b"JSON.FORGET": _json_delete,
}
