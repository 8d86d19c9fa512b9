"""The 16384 hash slots: ranges, spreading them over shards, and moving them with their keys."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .node import DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .node import Node

SLOTS = 16384

Range = tuple[int, int]  # first and last slot, both in it

_MOVE_AT_ONCE = 1024  # slots; smaller steps let a progress bar move
_MOVE_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Move:
    """A range of slots that goes from one shard to another (by their place in the list)."""

    source: int
    target: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many slots."""
        return self.last - self.first + 1


def even_ranges(shards: int) -> list[Range]:
    """All slots in equal consecutive parts, as AWS spreads a new cluster."""
    bounds = [number * SLOTS // shards for number in range(shards + 1)]
    return [(first, following - 1) for first, following in itertools.pairwise(bounds)]


def read(text: str) -> list[Range]:
    """`0-5460,7000` as ranges."""
    ranges = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        ranges.append((int(first), int(last or first)))
    return ranges


def write(ranges: Iterable[Range]) -> str:
    """Ranges as text, in order, neighbours joined: `0-5460,7000-7000`."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return ",".join(f"{first}-{last}" for first, last in joined)


def balance(owned: Sequence[Sequence[Range]], shards: int) -> list[Move]:
    """The moves after which the first `shards` of the list own all slots evenly and the others none."""
    goal = [bounds[1] - bounds[0] + 1 for bounds in even_ranges(shards)]
    goal += [0] * (len(owned) - shards)
    have = [sum(last - first + 1 for first, last in ranges) for ranges in owned]
    takers = [
        [number, goal[number] - have[number]] for number in range(len(owned)) if goal[number] > have[number]
    ]
    moves = []
    for source, ranges in enumerate(owned):
        surplus = have[source] - goal[source]
        # From the end: what stays is one range more often.
        pieces = _last_pieces(ranges, surplus) if surplus > 0 else []
        for first, last in pieces:
            while first <= last:
                taker = takers[0]
                size = min(last - first + 1, taker[1], _MOVE_AT_ONCE)
                moves.append(Move(source, taker[0], first, first + size - 1))
                first += size
                taker[1] -= size
                if not taker[1]:
                    takers.pop(0)
    return moves


def _last_pieces(ranges: Sequence[Range], count: int) -> list[Range]:
    pieces: list[Range] = []
    for first, last in sorted(ranges, reverse=True):
        if not count:
            break
        size = min(count, last - first + 1)
        pieces.append((last - size + 1, last))
        count -= size
    return sorted(pieces)


def apply(owned: Sequence[Sequence[Range]], move: Move) -> list[list[Range]]:
    """Who owns what after `move`."""
    result = [list(ranges) for ranges in owned]
    kept: list[Range] = []
    for first, last in result[move.source]:
        if last < move.first or first > move.last:
            kept.append((first, last))
            continue
        kept += [(a, b) for a, b in ((first, move.first - 1), (move.last + 1, last)) if a <= b]
    result[move.source] = kept
    result[move.target].append((move.first, move.last))
    return result


def migrate(source: Node, target: Node, move: Move) -> None:
    """Move the slots with their keys, while clients work, and wait until it is done (Valkey 9's atomic slot
    migration). Raises DataPlaneError when the server gives up."""
    source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", move.first, move.last, "NODE", target.id)
    source.wait(lambda: _finished(source), f"move slots {move.first}-{move.last}", _MOVE_TIMEOUT)


def _finished(source: Node) -> bool:
    jobs = [_fields(job) for job in source.call("CLUSTER", "GETSLOTMIGRATIONS")]
    newest = jobs[0]
    if newest["state"] in (b"failed", b"canceled"):
        raise DataPlaneError(f"moving slots {newest['slot_ranges']} failed: {newest.get('message')!r}")
    return bool(newest["state"] == b"success")


def _fields(job: Any) -> dict[str, Any]:
    pairs = list(job.items()) if isinstance(job, dict) else list(zip(job[::2], job[1::2], strict=True))
    return {key.decode(): value for key, value in pairs}
