"""Two states of a thing, field by field: only what differs, the rest folded to a count."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal, TypeAlias

from .plain import plain
from .prose import SECRET_TEXT, inline, text_lines, visible
from .style import Role, Style
from .values import Secret, Unknown

Symbol: TypeAlias = Literal["+", "-", "~"]

_ROLES: dict[Symbol, Role] = {"+": "add", "-": "remove", "~": "update"}
_WIDE = 76
"""Longer pairs of values stand on two lines, longer containers field by field."""

_CONTEXT = 3
"""Unchanged lines around a changed line of a text."""

_LONGEST = 400
"""Characters of one value; longer ones are cut."""

_MOST_SHOWN = 200
"""Lines of one text, entries of one list."""

_MOST_COMPARED = 20_000
"""Lines of both texts together; comparing more takes too long."""

_MARGIN = "    "
_NAMES = ("name", "id", "key")
"""Fields that tell an item of a list from the others."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field: its value on the same line, or the lines below it."""

    symbol: Symbol
    label: str
    text: str = ""
    below: tuple[str, ...] = ()


def body(before: Any, after: Any, style: Style) -> list[str]:
    """Lines for what differs between two states; None: it is not there."""
    old, new = _plain(before), _plain(after)
    if not isinstance(old, Mapping | None) or not isinstance(new, Mapping | None):
        return _laid_out([_entry("", old, new, style)], 0, "field", style) if not _same(old, new) else []
    return _mapping(old or {}, new or {}, style)


def _plain(value: Any) -> Any:
    return value if isinstance(value, Unknown | Secret) else plain(value)


# ---------------------------------------------------------------- equality


def _same(one: Any, other: Any) -> bool:
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    """A text that is equal for equal values; what is not known equals itself only."""
    if isinstance(value, Unknown):
        return f"unknown {id(value)}"
    if isinstance(value, Secret):
        return f"secret {_canonical(plain(Secret.reveal(value)))}"
    if isinstance(value, Mapping):
        return (
            "{" + ",".join(sorted(f"{inline(key)}:{_canonical(item)}" for key, item in value.items())) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return inline(value)


# ---------------------------------------------------------------- containers


def _mapping(old: Mapping[Any, Any], new: Mapping[Any, Any], style: Style) -> list[str]:
    """Fields in the new state's order, then those that go. What is empty on both sides is not told of."""
    names = [*new, *(name for name in old if name not in new)]
    entries, hidden = [], 0
    for name in names:
        one, other = old.get(name), new.get(name)
        if _is_empty(one) and _is_empty(other):
            continue
        if _same(one, other):
            hidden += 1
        else:
            entries.append(_entry(f"{visible(str(name))}:", one, other, style))
    return _laid_out(entries, hidden, "field", style)


def _list(old: Sequence[Any], new: Sequence[Any], style: Style) -> list[str]:
    matcher = difflib.SequenceMatcher(
        None, [_canonical(item) for item in old], [_canonical(item) for item in new], autojunk=False
    )
    entries, hidden = [], 0
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            hidden += i2 - i1
            continue
        for number, (one, other) in enumerate(_paired(old[i1:i2], new[j1:j2])):
            title = _title(one if other is None else other, i1 + number if other is None else j1 + number)
            entries.append(_entry(title if _nests(one, other) else "", one, other, style))
    return _laid_out(entries, hidden, "item", style)


def _is_empty(value: Any) -> bool:
    return not isinstance(value, Unknown | Secret) and value in (None, "", [], {})


def _title(item: Any, number: int) -> str:
    """What to call an item of a list: its own name, or its place."""
    if isinstance(item, Mapping):
        for key in _NAMES:
            if isinstance(item.get(key), str):
                return f"{visible(item[key])}:"
    return f"[{number}]:"


def _paired(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Records that took each other's place are compared field by field; plain values go and come."""
    if all(isinstance(item, Mapping) for item in (*old, *new)):
        return list(zip_longest(old, new))
    return [*((item, None) for item in old), *((None, item) for item in new)]


def _laid_out(entries: Sequence[_Entry], hidden: int, what: str, style: Style) -> list[str]:
    width = max((len(entry.label) for entry in entries if not entry.below), default=0)
    lines: list[str] = []
    for entry in entries[:_MOST_SHOWN]:
        symbol = style(entry.symbol, _ROLES[entry.symbol])
        if entry.below:
            lines += [f"{symbol} {entry.label}".rstrip(), *(f"{_MARGIN}{line}" for line in entry.below)]
        else:
            lines.append(
                f"{symbol} {entry.label.ljust(width)} {entry.text}" if width else f"{symbol} {entry.text}"
            )
    if len(entries) > _MOST_SHOWN:
        lines.append(style(f"  # ({len(entries) - _MOST_SHOWN} {what}s more)", "quiet"))
    if hidden:
        lines.append(style(f"  # ({hidden} unchanged {what}{'s' if hidden > 1 else ''} hidden)", "quiet"))
    return lines


# ---------------------------------------------------------------- one field


def _entry(label: str, old: Any, new: Any, style: Style) -> _Entry:
    old, new = _readable(old), _readable(new)
    symbol: Symbol = "+" if old is None else "-" if new is None else "~"
    if _nests(old, new):
        return _Entry(symbol, label, below=tuple(_below(old, new, style)))
    if symbol != "~":
        return _Entry(symbol, label, _short(new if old is None else old))
    if isinstance(old, Secret) and isinstance(new, Secret):
        return _Entry(symbol, label, f"{SECRET_TEXT}, another one")
    one, other = _short(old), _short(new)
    if len(one) + len(other) > _WIDE:
        return _Entry(symbol, label, below=(one, f"-> {other}"))
    return _Entry(symbol, label, f"{one} -> {other}")


def _readable(value: Any) -> Any:
    """Bytes that are text are told as text."""
    if isinstance(value, bytes):
        with contextlib.suppress(UnicodeDecodeError):
            return value.decode()
    return value


def _short(value: Any) -> str:
    text = inline(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _nests(old: Any, new: Any) -> bool:
    """Whether the difference is told line by line below the field's name."""
    both = [side for side in (old, new) if side is not None]
    for kind in (Mapping, list, str):
        if all(isinstance(side, kind) for side in both):
            return (len(both) == 2 and kind is not str) or any(map(_is_long, both))
    return False


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value.rstrip("\n")
    return len(inline(value)) > _WIDE or any(
        isinstance(item, str) and _is_long(item)
        for item in (value.values() if isinstance(value, Mapping) else value)
    )


def _below(old: Any, new: Any, style: Style) -> list[str]:
    side = new if old is None else old
    if isinstance(side, Mapping):
        return _mapping(old or {}, new or {}, style)
    if isinstance(side, list):
        return _list(old or [], new or [], style)
    return _text(old, new, style)


def _text(old: str | None, new: str | None, style: Style) -> list[str]:
    """A text of several lines, as a unified diff."""
    if old is None or new is None:
        symbol: Symbol = "+" if old is None else "-"
        lines = [style(f"{symbol} {line}".rstrip(), _ROLES[symbol]) for line in text_lines(new or old or "")]
    else:
        one, other = text_lines(old), text_lines(new)
        if len(one) + len(other) > _MOST_COMPARED:
            return [style(f"# ({len(one)} lines become {len(other)} lines)", "quiet")]
        found = list(difflib.unified_diff(one, other, n=_CONTEXT, lineterm=""))[2:]
        lines = [_text_line(line, style) for line in found]
    if len(lines) > _MOST_SHOWN:
        lines[_MOST_SHOWN:] = [style(f"# ({len(lines) - _MOST_SHOWN} lines more)", "quiet")]
    return lines or [style("# (only white space at the end differs)", "quiet")]


def _text_line(line: str, style: Style) -> str:
    if line.startswith("@@"):
        return style(line, "quiet")
    spaced = f"{line[:1]} {line[1:]}".rstrip()
    return style(spaced, "add" if line[:1] == "+" else "remove") if line[:1] in "+-" else spaced
