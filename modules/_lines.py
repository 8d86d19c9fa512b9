"""Lines of a file's bytes: found, replaced, added, removed. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from runbook.errors import Failed


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """How a line is known: by a regular expression, a text in it, or as a whole."""

    line: bytes
    regexp: Any = None
    text: bytes | None = None

    def match(self, line: bytes) -> Any:
        """What is true when it is that line: the regular expression's match, where there is one."""
        if self.regexp is not None:
            return self.regexp.search(line)
        return self.text in line if self.text is not None else self.is_exactly(line)

    def is_exactly(self, line: bytes) -> bool:
        return line.rstrip(b"\r\n") == self.line


def lines_of(content: bytes) -> list[bytes]:
    """Lines with their ends; only a line feed ends one."""
    return (
        content.splitlines(keepends=True)
        if b"\r" not in content
        else re.findall(rb"[^\n]*\n|[^\n]+", content)
    )


def absent(content: bytes, wanted: Found) -> tuple[bytes, int]:
    """The content without that line, and how many there were."""
    lines = lines_of(content)
    kept = [line for line in lines if not wanted.match(line)]
    return b"".join(kept), len(lines) - len(kept)


def present(
    content: bytes, wanted: Found, *, place: Any, edge: str, after: bool, backrefs: bool, first: bool
) -> tuple[bytes, str]:
    """The content with that line, and what was done.

    place: the regular expression of the line beside it, `after` which it goes or before. edge: `BOF` or `EOF`.
    """
    lines = lines_of(content)
    match, at, beside, there = _search(lines, wanted, place, first)
    if at is not None:
        new = _expanded(match, wanted.line) if backrefs else wanted.line
        new = new if new.endswith(b"\n") else new + b"\n"
        if lines[at] == new:
            return content, ""
        return b"".join([*lines[:at], new, *lines[at + 1 :]]), "line replaced"
    if there or backrefs:
        return content, ""
    if edge == "BOF":
        index = 0
    elif edge == "EOF" or beside is None:
        index = len(lines)
    else:
        index = beside + after
    if index and not lines[index - 1].endswith(b"\n"):
        lines[index - 1] += b"\n"
    lines.insert(index, wanted.line + b"\n")
    return b"".join(lines), "line added"


def _search(
    lines: list[bytes], wanted: Found, place: Any, first: bool
) -> tuple[Any, int | None, int | None, bool]:
    """The match and its line, the line beside, and whether the line itself stands anywhere."""
    match, at, beside, there = None, None, None, False
    for number, line in enumerate(lines):
        there = there or wanted.is_exactly(line)
        found = wanted.match(line)
        if found:
            match, at = found, number
            if first:
                break
        elif place is not None and place.search(line) and not (first and beside is not None):
            beside = number
    return match, at, beside, there


def _expanded(match: Any, line: bytes) -> bytes:
    try:
        expanded: bytes = match.expand(line)
    except (re.error, IndexError) as error:
        raise Failed(f"`line` asks for a group that `regexp` does not have: {error}") from None
    return expanded
