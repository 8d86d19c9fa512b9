"""Declared records in the cluster: looked at, written where they differ, read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.errors import Failed
from runbook.model import Change

from . import _valkey_records as declared
from ._valkey_records import Record, Records
from ._valkey_transport import Transport, refuse_errors
from ._valkey_words import Command


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a declared record."""

    key: Annotated[str, Meta(description="Its key, with its path where it has one.")]
    changed: Annotated[bool, Meta(description="It was not as declared.")]
    before: Annotated[Any, Meta(description="What was there: text, JSON as text, or null.")] = None
    after: Annotated[Any, Meta(description="What is there now.")] = None


def look(transport: Transport, records: Sequence[Record]) -> Records:
    """What the records are now."""
    asked = [declared.questions(record) for record in records]
    replies = iter(transport.ask([command for one in asked for command in one], tolerant=True))
    states = {}
    for record, questions in zip(records, asked, strict=True):
        states[record.name] = declared.state_of(record, [next(replies) for _ in questions])
    return Records(states)


def written(record: Record, before: Records, after: Records) -> Written:
    """What becomes of a record between two states."""
    old, new = before.records[record.name], after.records[record.name]
    changed = not declared.same(record, old)
    return Written(
        key=record.name, changed=changed, before=old.value, after=new.value if changed else old.value
    )


def write(transport: Transport, records: Sequence[Record], change: Change) -> list[Written]:
    """Write what differs, and read it back. Raises Failed for an error reply, and when something is not as declared
    afterwards."""
    before: Records = change.before
    differing = list(declared.differing(records, before))
    commands: list[Command] = [
        declared.command_for(record, before.records[record.name]) for record in differing
    ]
    names = [f"write {record.name}" for record in differing]
    refuse_errors(commands, transport.change(commands, names))
    there = look(transport, records)
    wrong = [record.name for record in declared.differing(records, there)]
    if wrong:
        raise Failed(
            f"After writing, {', '.join(wrong)} is not as declared.", hint="Does something else write it?"
        )
    return [written(record, before, there) for record in records]
