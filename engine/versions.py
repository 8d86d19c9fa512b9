"""Version numbers of several kinds, made comparable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Comparable = Any

_PART = re.compile(r"(\d+|[a-z]+|\.)", re.IGNORECASE)
_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)
_NUMBER = r"(?:0|[1-9]\d*)"
_WORD = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_SEMANTIC = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_WORD}(?:\.{_WORD})*))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)


def loose(text: str) -> Comparable:
    """Numbers and words in the order they stand; a number and a word in the same place can't be compared."""
    parts = [part for part in _PART.split(text) if part and part != "."]  # what is between stays, as a word
    return [int(part) if part.isdigit() else part for part in parts]


def strict(text: str) -> Comparable:
    """`1.2`, `1.2.3`, `1.2.3a4` or `1.2.3b4`. Raises ValueError."""
    match = _STRICT.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a strict version number, such as 1.2 or 1.2.3b1")
    major, minor, patch, kind, number = match.groups()
    return (int(major), int(minor), int(patch or 0), kind or "final", int(number or 0))


def semantic(text: str) -> Comparable:
    """By semver.org: a pre-release is before its release; what follows a plus does not count. Raises ValueError."""
    match = _SEMANTIC.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a semantic version, such as 1.2.3 or 1.2.3-rc.1")
    *numbers, before = match.groups()
    words = [(0, int(w), "") if w.isdigit() else (1, 0, w) for w in before.split(".")] if before else []
    return ([int(n) for n in numbers], before is None, words)


def pep440(text: str) -> Comparable:
    """Python's own. Raises ValueError."""
    from packaging.version import Version

    return Version(text)


KINDS: Mapping[str, Callable[[str], Comparable]] = {
    "loose": loose,
    "strict": strict,
    "semver": semantic,
    "semantic": semantic,
    "pep440": pep440,
}
