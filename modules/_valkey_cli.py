"""valkey-cli's language: arguments quoted for the shell, replies read back from its formatted output (`--no-raw`).

The output is that of `cliFormatReplyTTY` in valkey-cli.c, versions 7.2 to 9: bulk strings quoted with `\\xHH`, so
any bytes survive; `(integer) 1`, `(nil)`, `(error) text`; arrays numbered and indented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from ._valkey_words import Command

Reply: TypeAlias = "bytes | int | list[Reply] | dict[str, str] | None"
"""A reply as plain data: bulk and simple strings are bytes; an error is {"error": text}."""

VERBATIM_SECOND = {
    b"CLIENT": (b"INFO", b"LIST"),
    b"CLUSTER": (b"INFO", b"NODES"),
    b"LATENCY": (b"DOCTOR", b"GRAPH"),
    b"MEMORY": (b"DOCTOR", b"MALLOC-STATS"),
}
"""Replies that valkey-cli prints as they are, with neither quotes nor a line end of its own (`cliSendCommand`)."""

_UNQUOTED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
_INDEX = re.compile(rb" *(\d+)\) ")
_INTEGER = re.compile(rb"\(integer\) (-?\d+)$")
_EMPTY = re.compile(rb"\(empty (?:array|list|list or set|set|hash|push)\)$")


def shell_word(raw: bytes) -> str | None:
    """One word for a POSIX shell, or None for bytes that neither a shell nor a JSON text can carry.

    `{{` never appears in it: Systems Manager would take `{{ssm:name}}` for one of its own references.
    """
    try:
        plain = raw.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in plain or "\r" in plain:
        return None
    quoted = "'" + plain.replace("'", "'\\''") + "'"
    return re.sub(r"\{(?=\{)", "{''", quoted)


def arguments(command: Command) -> str:
    """A command as arguments of valkey-cli in a shell line, with `--quoted-input` where its bytes need it."""
    words = [shell_word(word) for word in command]
    ready = [word for word in words if word is not None]
    # A first word with a dash would be an option of valkey-cli's own; after the command's name none is read.
    if len(ready) == len(words) and not command[0].startswith(b"-"):
        return " ".join(ready)
    return "--quoted-input " + " ".join(f"'{repr_of(word)}'" for word in command)


def repr_of(raw: bytes) -> str:
    """Bytes as a double-quoted text in ASCII, as `--quoted-input` reads it; safe within single quotes."""
    plain = (chr(byte) if _is_plain(byte) else f"\\x{byte:02x}" for byte in raw)
    return '"' + "".join(plain) + '"'


def _is_plain(byte: int) -> bool:
    return 32 <= byte < 127 and chr(byte) not in "\"'\\{"


def is_verbatim(command: Command) -> bool:
    """Whether valkey-cli prints this command's reply as it is."""
    words = [word.upper() for word in command[:2]]
    if words[0] in (b"INFO", b"LOLWUT"):
        return True
    return len(words) > 1 and words[1] in VERBATIM_SECOND.get(words[0], ())


def parse_reply(output: bytes, command: Command) -> Reply:
    """Read a reply back from what `valkey-cli --no-raw` printed for `command`."""
    if is_verbatim(command):
        return output
    lines = output.removesuffix(b"\n").split(b"\n")
    try:
        reply, following = _value(lines, 0, 0)
    except (ValueError, IndexError):
        return output  # an output that a newer valkey-cli prints verbatim
    return reply if following == len(lines) else output


def _value(lines: Sequence[bytes], row: int, column: int) -> tuple[Reply, int]:
    """The value that begins at a column of a line, and the line after it."""
    here = lines[row][column:]
    index = _INDEX.match(here)
    if index:
        return _array(lines, row, column, len(index.group(0)))
    if here.startswith(b'"'):
        return _unquote(here), row + 1
    integer = _INTEGER.match(here)
    if integer:
        return int(integer.group(1)), row + 1
    if here == b"(nil)":
        return None, row + 1
    if _EMPTY.match(here):
        return [], row + 1
    if here.startswith(b"(error) "):
        return {"error": here[8:].decode("utf-8", "backslashreplace")}, row + 1
    return here, row + 1


def _array(lines: Sequence[bytes], row: int, column: int, width: int) -> tuple[Reply, int]:
    items: list[Reply] = []
    while row < len(lines):
        index = _INDEX.match(lines[row][column:])
        first = not items
        inside = first or (lines[row][:column].strip() == b"" and index is not None)
        if not inside or index is None or int(index.group(1)) != len(items) + 1:
            break
        item, row = _value(lines, row, column + width)
        items.append(item)
    return items, row


def _unquote(quoted: bytes) -> bytes:
    if len(quoted) < 2 or not quoted.endswith(b'"'):
        raise ValueError("an open quote")
    return _UNQUOTED.sub(_unescaped, quoted[1:-1])


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found.group(1):
        return bytes([int(found.group(1), 16)])
    letter = found.group(2)
    return _LETTERS.get(letter, letter)
