"""Permission bits as playbooks write them: `0644`, `"644"`, `u=rw,g=r,o=`, `a+X`."""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from runbook.errors import Failed

BITS = 0o7777
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": 0o4000, "g": 0o2000, "o": 0o1000}
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)")
_STEP = re.compile(r"([-+=])([rwxXstugo]*)")
_LOCK = threading.Lock()


def octal(bits: int) -> str:
    """`0644`, `01777`: a zero and at least three digits, as Ansible tells modes."""
    return f"0{bits:03o}"


def wanted_bits(mode: int | str, current: int, *, folder: bool) -> int:
    """The bits that `mode` asks for. A number is those bits, a text is octal digits or chmod's symbols, which
    start from `current`. Raises Failed."""
    if isinstance(mode, int):
        return mode & BITS
    try:
        return int(mode, 8) & BITS
    except ValueError:
        return _symbolic(mode, current & BITS, folder)


def _symbolic(text: str, bits: int, folder: bool) -> int:
    runs = folder or bool(bits & 0o111)
    for clause in filter(None, text.split(",")):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise Failed(
                "mode must be in octal or symbolic form",
                hint="Write octal digits in quotes, such as '0644', or symbols, such as u=rw,g=r,o=.",
                result={"details": f"bad symbolic permission for mode: {text}"},
            )
        for operator, letters in _STEP.findall(found[2]):
            bits = _stepped(bits, found[1], operator, letters, runs)
    return bits


def _stepped(bits: int, users: str, operator: str, letters: str, runs: bool) -> int:
    """One `+x`. Without users it is for all, less what the umask takes away."""
    kept = BITS if users else ~umask()
    whole = "ugo" if not users or "a" in users else users
    asked = 0
    for user in whole:
        asked |= sum(set(_bits_of(letters, user, bits, runs)))
    asked &= kept
    if operator == "+":
        return bits | asked
    if operator == "-":
        return bits & ~asked
    cleared = sum(7 << _SHIFT[user] | _SPECIAL[user] for user in set(whole))
    return (bits & ~cleared) | asked


def _bits_of(letters: str, user: str, bits: int, runs: bool) -> Iterator[int]:
    shift = _SHIFT[user]
    for letter in letters:
        if letter in "ugo":
            copied = bits >> _SHIFT[letter] & 7
            yield from (bit << shift for bit in (4, 2, 1) if copied & bit)
        elif letter == "s":
            yield _SPECIAL[user] if user in "ug" else 0
        elif letter == "t":
            yield 0o1000
        elif letter != "X" or runs:
            yield {"r": 4, "w": 2, "x": 1, "X": 1}[letter] << shift


@functools.cache
def umask() -> int:
    """What the system takes from the mode of new files. Asked for once: to ask is to change it for a moment."""
    try:
        found = re.search(r"^Umask:\s*([0-7]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found is not None:
        return int(found[1], 8)
    with _LOCK:
        mask = os.umask(0o022)
        os.umask(mask)
    return mask
