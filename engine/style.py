"""Colour: which part of a text is what, and whether the reader's terminal shows it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Literal, TextIO, TypeAlias

Role: TypeAlias = Literal[
    "ok", "changed", "skipped", "failed", "heading", "quiet", "note", "add", "remove", "update", "read"
]

Style: TypeAlias = Callable[[str, Role], str]
"""Paints a piece of text that holds no line end."""

_CODES: dict[Role, str] = {
    "ok": "32",
    "changed": "33",
    "skipped": "36",
    "failed": "1;31",
    "heading": "1",
    "quiet": "2",
    "note": "35",
    "add": "32",
    "remove": "31",
    "update": "33",
    "read": "36",
}


def no_colour(text: str, _role: Role) -> str:
    """The style of a file, a pipe, and of NO_COLOR."""
    return text


def colour(text: str, role: Role) -> str:
    """The style of a terminal."""
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if text else text


def style_for(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """Colour on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb; FORCE_COLOR wins over the terminal."""
    if environ.get("NO_COLOR"):
        return no_colour
    if environ.get("FORCE_COLOR"):
        return colour
    return colour if is_terminal(stream) and environ.get("TERM") != "dumb" else no_colour


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads it now. Readies a Windows console for colour codes."""
    if not stream.isatty():
        return False
    if sys.platform == "win32":
        from colorama import just_fix_windows_console  # comes with click there

        just_fix_windows_console()
    return True
