"""A block of lines between marks, in a file's bytes. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ._lines import lines_of


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The lines, their marks, and where they go."""

    begin: bytes
    end: bytes
    block: bytes
    """Empty: they are taken out."""
    place: Any
    """The regular expression of the line beside them; None: they go to the end."""
    first: bool
    """To the beginning instead."""
    after: bool
    """They go after that line, not before it."""
    space_before: bool
    space_after: bool


def with_block(content: bytes, wanted: Block) -> bytes:
    """The content with the lines in it, or without them. Lines that are there already keep their place."""
    lines = lines_of(content)
    at = _cut_out(lines, wanted)
    if at is None:
        if not wanted.block:
            return content
        at = _place(content, lines, wanted)
    if wanted.block:
        if at and not lines[at - 1].endswith(b"\n"):
            lines[at - 1] += b"\n"
        lines[at:at] = _written(lines, at, wanted)
    return b"".join(lines)


def _cut_out(lines: list[bytes], wanted: Block) -> int | None:
    """Take out the lines that are between the marks; where they were. None: a mark is not there."""
    ends: list[int | None] = [None, None]
    for number, line in enumerate(lines):
        for which, mark in enumerate((wanted.begin, wanted.end)):
            if line.rstrip(b"\r\n") == mark:
                ends[which] = number
    if ends[0] is None or ends[1] is None:
        return None
    first, last = min(ends[0], ends[1]), max(ends[0], ends[1])
    del lines[first : last + 1]
    return first


def _place(content: bytes, lines: list[bytes], wanted: Block) -> int:
    if wanted.first:
        return 0
    if wanted.place is None:
        return len(lines)
    if wanted.place.flags & re.MULTILINE:
        found = wanted.place.search(content)
        if found is None:
            return len(lines)
        through = found.end() if wanted.after else found.start()
        return content.count(b"\n", 0, through) + bool(wanted.after)
    matches = [number for number, line in enumerate(lines) if wanted.place.search(line)]
    return matches[-1] + wanted.after if matches else len(lines)


def _written(lines: list[bytes], at: int, wanted: Block) -> list[bytes]:
    block = wanted.block if wanted.block.endswith(b"\n") else wanted.block + b"\n"
    written = [wanted.begin + b"\n", block, wanted.end + b"\n"]
    if wanted.space_before and at and lines[at - 1].strip(b"\r\n"):
        written.insert(0, b"\n")
    if wanted.space_after and at < len(lines) and lines[at].strip(b"\r\n"):
        written.append(b"\n")
    return written
