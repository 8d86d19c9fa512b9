"""The data of a cluster, kept aside and put into another: MemoryDB's snapshots."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, NamedTuple

from . import slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .node import Node
    from .topology import ShardHandle

_AT_ONCE = 500  # keys


class Record(NamedTuple):
    """A key with its value as DUMP gives it, and when it expires (Unix ms; below 0: never)."""

    key: bytes
    value: bytes
    expires: int


def take(primaries: Iterable[Node]) -> list[Record]:
    """All keys of these nodes. Raises DataPlaneError."""
    return [record for node in primaries for batch in _scan(node) for record in _records(node, batch)]


def _scan(node: Node) -> Iterable[list[bytes]]:
    cursor = b"0"
    while True:
        cursor, keys = node.call("SCAN", cursor, "COUNT", _AT_ONCE)
        if keys:
            yield keys
        if cursor == b"0":
            return


def _records(node: Node, keys: Sequence[bytes]) -> list[Record]:
    values = node.calls([("DUMP", key) for key in keys])
    expiries = node.calls([("PEXPIRETIME", key) for key in keys])
    return [
        Record(key, value, expires)
        for key, value, expires in zip(keys, values, expiries, strict=True)
        if value is not None  # expired or deleted meanwhile
    ]


def put(records: Sequence[Record], shards: Sequence[tuple[ShardHandle, Node]]) -> None:
    """Write the records to the primaries of a cluster, each where its slot is. Raises DataPlaneError."""
    owners = [(slots.read(shard.slots), node) for shard, node in shards]
    parts: dict[int, list[Record]] = {}
    for record in records:
        slot = slot_of(record.key)
        owner = next(n for n, (ranges, _) in enumerate(owners) if any(a <= slot <= b for a, b in ranges))
        parts.setdefault(owner, []).append(record)
    for owner, part in parts.items():
        for start in range(0, len(part), _AT_ONCE):
            owners[owner][1].calls([_restore(record) for record in part[start : start + _AT_ONCE]])


def _restore(record: Record) -> tuple[bytes | str | int, ...]:
    return ("RESTORE", record.key, max(record.expires, 0), record.value, "REPLACE", "ABSTTL")


def slot_of(key: bytes) -> int:
    """The hash slot of a key: CRC16 of what stands in its first braces, or of all of it."""
    _, brace, rest = key.partition(b"{")
    tag, closing, _ = rest.partition(b"}")
    return binascii.crc_hqx(tag if brace and closing and tag else key, 0) % slots.SLOTS
