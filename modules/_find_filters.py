"""What `find` is asked to find."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_mode import wanted_bits

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """All the conditions, as `find`'s arguments name them."""

    patterns: tuple[str, ...]
    excludes: tuple[str, ...]
    regex: bool
    contains: str | None
    whole: bool
    encoding: str
    kind: str
    age: int | None
    stamp: str
    size: int | None
    mode: int | str | None
    exact: bool
    hidden: bool
    recurse: bool
    depth: int | None
    follow: bool
    algorithm: str | None
    """Of the checksum; None: without one."""

    def named(self, name: str) -> bool:
        """Whether the name fits. Raises Failed for a wrong regular expression."""
        if not self.hidden and name.startswith("."):
            return False
        fits = not self.patterns or any(self._fits(name, pattern) for pattern in self.patterns)
        return fits and not any(self._fits(name, pattern) for pattern in self.excludes)

    def _fits(self, name: str, pattern: str) -> bool:
        if not self.regex:
            return fnmatch.fnmatch(name, pattern)
        try:
            return re.match(pattern, name) is not None
        except re.error as error:
            raise Failed(str(error)) from None

    def is_kind(self, facts: Mapping[str, Any]) -> bool:
        names = {"directory": "isdir", "file": "isreg", "link": "islnk"}
        return self.kind == "any" or bool(facts[names[self.kind]])

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Whether age, mode and, of files, the size are right. What a dry run does not know is of this moment."""
        if self.age is not None and not self._is_old(facts[self.stamp]):
            return False
        if self.mode is not None and not self._has_mode(int(facts["mode"], 8)):
            return False
        if self.size is None or not facts["isreg"]:
            return True
        size = facts["size"]
        return bool(size >= abs(self.size)) if self.size >= 0 else bool(size <= abs(self.size))

    def _is_old(self, stamp: Any) -> bool:
        age = 0 if isinstance(stamp, Unknown) else time.time() - stamp
        wanted = self.age or 0
        return age >= abs(wanted) if wanted >= 0 else age <= abs(wanted)

    def _has_mode(self, bits: int) -> bool:
        wanted = wanted_bits(self.mode if self.mode is not None else 0, 0, folder=False)
        return bits == wanted if self.exact else bool(bits & wanted)

    def holds(self, content: bytes) -> bool:
        """Whether the text that is looked for is in it."""
        if self.contains is None:
            return True
        try:
            pattern = re.compile(self.contains)
            text = content.decode(self.encoding)
        except re.error as error:
            raise Failed(str(error)) from None
        except (LookupError, UnicodeDecodeError):
            return False
        if self.whole:
            return pattern.search(text) is not None
        return any(pattern.match(line) for line in text.splitlines(keepends=True))


def seconds(age: str | None) -> int | None:
    """`4w` in seconds. Raises Failed."""
    return _count(age, _SECONDS, "age")


def units(size: str | None) -> int | None:
    """`2k` in bytes. Raises Failed."""
    return _count(size, _BYTES, "size")


def _count(text: str | None, factors: Mapping[str, int], name: str) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(-?\d+)([a-z]?)", text.lower())
    if found is None or found[2] not in factors:
        hint = f"Write a number, and one of {', '.join(unit for unit in factors if unit)}."
        raise Failed(f"failed to process {name}", hint=hint, result={name: text})
    return int(found[1]) * factors[found[2]]
