"""Values as a person reads them: on one line, or as a YAML-like block. What is secret or not known yet says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from .plain import plain
from .values import Secret, Unknown

UNKNOWN_TEXT = "(known after apply)"
SECRET_TEXT = "(sensitive value)"  # noqa: S105 (what stands for one)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BARE = re.compile(r"[A-Za-z0-9_./@%+()\[\]][^#\n]*")
_NOT_TEXT = re.compile(
    r"[-+.\d][\d_.:eEoO+-]*|0x[\da-f_]+|true|false|yes|no|on|off|null|~|.*:(\s.*)?|.*\s",
    re.IGNORECASE | re.DOTALL,
)
_WIDE = 100
_PARTS = re.compile(r"(\d+)")


def visible(text: str) -> str:
    """Text that can't play tricks on a terminal: control characters are spelled out, but tabs and line ends."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same of a name: in the middle of a report, a line end in it could pass for what we say ourselves."""
    return visible(text).replace("\n", "\\n")


def inline(value: Any) -> str:
    """A value on one line, much as YAML's flow style."""
    value = value if isinstance(value, Unknown | Secret) else plain(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return _atom(value, quoted=True)


def block(value: Any, indent: str = "") -> list[str]:
    """A value as lines of a YAML-like block; long texts keep their lines."""
    value = value if isinstance(value, Unknown | Secret) else plain(value)
    if isinstance(value, Mapping) and value:
        lines: list[str] = []
        for key, item in value.items():
            lines += _field(f"{indent}{_key(key)}:", item, indent)
        return lines
    if isinstance(value, list) and value:
        return [line for item in value for line in _element(item, indent)]
    if isinstance(value, str) and "\n" in value:
        return [f"{indent}{line}".rstrip() for line in text_lines(value)]
    return [indent + (inline(value) if isinstance(value, Mapping | list) else _atom(value))]


def text_lines(text: str) -> list[str]:
    """The lines of a text, made visible, without a last empty one."""
    return visible(text).rstrip("\n").split("\n")


def _field(head: str, item: Any, indent: str) -> list[str]:
    if isinstance(item, str) and "\n" in item.rstrip("\n"):
        return [f"{head} |", *(f"{indent}  {line}".rstrip() for line in text_lines(item))]
    if isinstance(item, Mapping | list) and item:
        flow = inline(item) if _is_small(item) else None
        if flow is not None and len(head) + len(flow) < _WIDE:
            return [f"{head} {flow}"]
        return [head, *block(item, indent + "  ")]
    return [f"{head} {inline(item) if isinstance(item, Mapping | list) else _atom(item)}"]


def _element(item: Any, indent: str) -> list[str]:
    first, *rest = block(item, indent + "  ")
    return [f"{indent}- {first[len(indent) + 2 :]}", *rest]


def _is_small(value: Any) -> bool:
    """A list of a few plain values reads best on one line."""
    return isinstance(value, list) and not any(
        isinstance(item, Mapping | list) or (isinstance(item, str) and "\n" in item) for item in value
    )


def _key(key: Any) -> str:
    return _atom(key)


def _atom(value: Any, *, quoted: bool = False) -> str:
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case Secret():
            return SECRET_TEXT
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value, quoted=quoted)
        case bytes():
            return _bytes(value)
        case int() | float():
            return str(getattr(value, "text", value))
        case date():
            return value.isoformat()
        case _:
            return visible(str(value))


def _text(value: str, *, quoted: bool) -> str:
    if not quoted and _BARE.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return visible(value)
    return visible(json.dumps(value, ensure_ascii=False))


def _bytes(value: bytes) -> str:
    try:
        return _text(value.decode(), quoted=True)
    except UnicodeDecodeError:
        return f"({len(value)} bytes)"


def duration(seconds: float) -> str:
    """`4.2 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def counted(count: int, what: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def naturally(names: Iterable[str]) -> list[str]:
    """Sorted, `web2` before `web10`."""
    return sorted(
        names,
        key=lambda name: [
            (len(part), part) if part.isdecimal() else (0, part) for part in _PARTS.split(name)
        ],
    )


def some(names: Sequence[str], *, most: int = 3, of: int | None = None) -> str:
    """`web1, web2, web3 and 4 more`. `of`: how many there are when not all are named here."""
    more = (len(names) if of is None else of) - len(names[:most])
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
