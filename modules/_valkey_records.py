"""Declared records: what they ask for, what is there, and the commands between the two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from runbook.errors import Failed

from . import _valkey_json as documents
from ._valkey_cli import Reply
from ._valkey_words import Command, text

ABSENT = "absent"
ROOT = "$"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record: exactly one of `string`, `json` and `absent`."""

    key: Annotated[str, Meta(description="Its key.")]
    string: Annotated[str | UnsetType, Meta(description="The text that it holds.")] = UNSET
    json: Annotated[Any, Meta(description="The JSON value that it holds, at `path`.")] = UNSET
    absent: Annotated[bool, Meta(description="It, or what is at `path`, is not there.")] = False
    path: Annotated[str, Meta(description="Where in a JSON document; the whole of it by default.")] = ROOT

    @property
    def name(self) -> str:
        return self.key if self.path == ROOT else f"{self.key} {self.path}"

    @property
    def raw(self) -> bytes:
        return self.key.encode()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under a key, or at a path in it."""

    kind: str
    """`absent`, `string`, `json`, or the type of anything else."""
    value: Any = None
    """A text, or a JSON document as text."""


class Records(msgspec.Struct, frozen=True):
    """The state of all declared records, by name."""

    records: dict[str, Any]


def check(records: Sequence[Record]) -> None:
    """Raise Failed for records that contradict themselves or each other."""
    seen: dict[str, set[str]] = {}
    for record in records:
        told = [record.string is not UNSET, record.json is not UNSET, record.absent]
        if sum(told) != 1:
            raise Failed(
                f"The record {record.key} must say exactly one thing.",
                hint="`string`, `json`, or `absent: true`.",
            )
        if record.path != ROOT and record.string is not UNSET:
            raise Failed(
                f"The record {record.key} is a string and has no path.", hint="Paths are for `json`."
            )
        paths = seen.setdefault(record.key, set())
        if record.path in paths or (paths and ROOT in {record.path, *paths}):
            raise Failed(f"The record {record.key} is declared twice.", hint="Make one record of the two.")
        paths.add(record.path)


# ---------------------------------------------------------------- looking


def questions(record: Record) -> tuple[Command, ...]:
    """Commands that tell the state of a record. Errors are answers too."""
    kind: Command = (b"TYPE", record.raw)
    document: Command = (b"JSON.GET", record.raw, record.path.encode())
    if record.path != ROOT or record.json is not UNSET:
        return (kind, document)
    if record.string is not UNSET:
        return (kind, (b"GET", record.raw))
    return (kind, (b"GET", record.raw), document)


def state_of(record: Record, replies: Sequence[Reply]) -> State:
    """The state of a record from the replies to its questions."""
    kind = replies[0]
    if isinstance(kind, dict):
        raise Failed(f"The record {record.key} can't be looked at: {kind['error']}")
    name = text(kind) if isinstance(kind, bytes) else str(kind)
    if name == "none":
        return State(kind=ABSENT)
    if name == "string":
        held = replies[1] if questions(record)[1][0] == b"GET" else None
        return State(kind="string", value=text(held) if isinstance(held, bytes) else None)
    if name.startswith("ReJSON"):
        return _document(record, replies[-1])
    return State(kind=name)


def _document(record: Record, reply: Reply) -> State:
    """What JSON.GET says. A path with `$` answers a list of what it finds, one without the value itself."""
    if not isinstance(reply, bytes):
        nothing = reply is None or (isinstance(reply, dict) and reply["error"].startswith("NONEXISTENT"))
        if nothing:
            return State(kind=ABSENT)
        if record.string is not UNSET:
            return State(kind="json")
        raise Failed(
            f"The record {record.name} can't be read: {reply['error'] if isinstance(reply, dict) else reply}"
        )
    found = text(reply)
    if not record.path.startswith(ROOT):
        return State(kind="json", value=found)
    matches = split_list(found)
    if not matches:
        return State(kind=ABSENT)
    first = documents.parse(matches[0])
    alike = all(documents.equal(first, documents.parse(match)) for match in matches)
    return State(kind="json", value=matches[0] if alike else found)


def split_list(array: str) -> list[str]:
    """The texts of a JSON array's items, each as it stands."""
    items, depth, start, quoted = [], 0, 1, False
    at = 1
    while at < len(array) - 1:
        mark = array[at]
        if quoted:
            at += mark == "\\"
            quoted = mark != '"'
        elif mark == '"':
            quoted = True
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "," and depth == 0:
            items.append(array[start:at].strip())
            start = at + 1
        at += 1
    last = array[start:-1].strip()
    return [*items, last] if last else items


# ---------------------------------------------------------------- comparing


def wanted(record: Record) -> State:
    """The state that a record asks for."""
    if record.absent:
        return State(kind=ABSENT)
    if record.string is not UNSET:
        return State(kind="string", value=record.string)
    return State(kind="json", value=documents.to_text(record.json))


def same(record: Record, there: State) -> bool:
    """Whether a record is as asked for."""
    asked = wanted(record)
    if asked.kind != there.kind:
        return False
    if asked.kind == "json":
        return documents.equal(documents.parse(asked.value), documents.parse(there.value))
    return asked.kind == ABSENT or bool(asked.value == there.value)


def command_for(record: Record, there: State) -> Command:
    """The command that makes a record as asked for. Raises Failed where none can."""
    asked = wanted(record)
    if asked.kind == ABSENT:
        if record.path == ROOT:
            return (b"DEL", record.raw)
        return (b"JSON.DEL", record.raw, record.path.encode())
    if asked.kind == "string":
        return (b"SET", record.raw, str(asked.value).encode())
    if there.kind not in ("json", ABSENT):
        raise Failed(
            f"{record.key} holds a {there.kind}, which JSON.SET does not replace.",
            hint="Declare it `absent` in a task before.",
        )
    return (b"JSON.SET", record.raw, record.path.encode(), str(asked.value).encode())


def differing(records: Sequence[Record], there: Records) -> Iterator[Record]:
    """The records that are not as asked for."""
    for record in records:
        if not same(record, there.records[record.name]):
            yield record
