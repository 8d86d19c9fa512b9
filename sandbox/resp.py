"""The Valkey protocol (RESP2 and RESP3): cutting a byte stream into commands and replies, reading and writing.

Cutting says only where a command or a reply ends, so that what is not to be changed can be passed on as the
bytes that came. See https://valkey.io/topics/protocol/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_CRLF = b"\r\n"
# Valkey's own limits: `PROTO_MAX_MULTIBULK_LEN` and the default `proto-max-bulk-len`.
_MOST_ARGUMENTS = 2**31 - 1
_LONGEST_ARGUMENT = 512 * 1024 * 1024
_AGGREGATES = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, ord("|"): 2}
_BULKS = frozenset(b"$=!")


class ProtocolError(Exception):
    """Bytes that are not RESP. The text is what a server answers after `ERR Protocol error: `."""


@dataclass(frozen=True)
class ErrorReply:
    """An error that a server answered: `WRONGTYPE Operation against ...`."""

    text: str

    @property
    def code(self) -> str:
        """Its first word: `WRONGTYPE`, `MOVED`, `ERR`."""
        return self.text.partition(" ")[0]


class Command(NamedTuple):
    """A command as it stands in a buffer: where it ends, and its arguments."""

    end: int
    arguments: list[bytes]


def cut_command(buffer: bytes | bytearray, start: int) -> Command | None:
    """The command at `start`; None if it is not complete yet; no arguments if it is an empty one.

    Raises ProtocolError for what a server refuses.
    """
    line_end = buffer.find(_CRLF, start)
    if buffer[start : start + 1] != b"*":
        return _cut_inline(buffer, start)
    if line_end < 0:
        return None
    count = _number(buffer[start + 1 : line_end], "invalid multibulk length", _MOST_ARGUMENTS)
    position = line_end + 2
    arguments: list[bytes] = []
    for _ in range(count):
        line_end = buffer.find(_CRLF, position)
        if line_end < 0:
            return None
        if buffer[position] != 0x24:  # "$"
            raise ProtocolError(f"expected '$', got '{chr(buffer[position])}'")
        length = _number(buffer[position + 1 : line_end], "invalid bulk length", _LONGEST_ARGUMENT)
        position = line_end + 2 + length + 2
        if position > len(buffer):
            return None
        arguments.append(bytes(buffer[line_end + 2 : position - 2]))
    return Command(position, arguments)


def _cut_inline(buffer: bytes | bytearray, start: int) -> Command | None:
    end = buffer.find(b"\n", start)
    return None if end < 0 else Command(end + 1, bytes(buffer[start:end]).split())


def _number(digits: bytes | bytearray, complaint: str, most: int) -> int:
    try:
        value = int(digits)
    except ValueError:
        raise ProtocolError(complaint) from None
    if value > most:
        raise ProtocolError(complaint)
    return max(value, 0)


def cut_reply(buffer: bytes | bytearray, start: int) -> int:
    """Where the reply at `start` ends; -1 if it is not complete yet."""
    position, left = start, 1
    while left:
        line_end = buffer.find(_CRLF, position)
        if line_end < 0:
            return -1
        kind = buffer[position]
        left -= 1
        if kind in _BULKS:
            length = int(buffer[position + 1 : line_end])
            position = line_end + 2 if length < 0 else line_end + 2 + length + 2
            if position > len(buffer):
                return -1
            continue
        if kind in _AGGREGATES:
            left += max(int(buffer[position + 1 : line_end]), 0) * _AGGREGATES[kind]
            left += kind == 0x7C  # "|": attributes stand before the reply that they describe
        position = line_end + 2
    return position


def read_reply(buffer: bytes | bytearray) -> Any:
    """The reply in `buffer`, which holds exactly one: bytes, int, float, bool, None, list, dict or ErrorReply.

    Simple strings come as bytes, sets and pushes as lists.
    """
    return _read(buffer, 0)[0]


def _read(buffer: bytes | bytearray, start: int) -> tuple[Any, int]:
    line_end = buffer.index(_CRLF, start)
    kind, line = buffer[start], bytes(buffer[start + 1 : line_end])
    after = line_end + 2
    if kind in _BULKS:
        return _read_bulk(buffer, kind, int(line), after)
    if kind in _AGGREGATES:
        return _read_aggregate(buffer, kind, int(line), after)
    return _read_line(kind, line), after


def _read_line(kind: int, line: bytes) -> Any:
    if kind == 0x2B:  # "+"
        return line
    if kind == 0x2D:  # "-"
        return ErrorReply(line.decode("utf-8", "backslashreplace"))
    if kind in (0x3A, 0x28):  # ":" and "("
        return int(line)
    if kind == 0x2C:  # ","
        return float(line)
    if kind == 0x23:  # "#"
        return line == b"t"
    if kind == 0x5F:  # "_"
        return None
    raise ProtocolError(f"unknown reply type {chr(kind)!r}")


def _read_bulk(buffer: bytes | bytearray, kind: int, length: int, start: int) -> tuple[Any, int]:
    if length < 0:
        return None, start
    text = bytes(buffer[start : start + length])
    end = start + length + 2
    if kind == 0x21:  # "!"
        return ErrorReply(text.decode("utf-8", "backslashreplace")), end
    return (text[4:] if kind == 0x3D else text), end  # "=": a verbatim string begins with "txt:"


def _read_aggregate(buffer: bytes | bytearray, kind: int, count: int, start: int) -> tuple[Any, int]:
    if count < 0:
        return None, start
    items: list[Any] = []
    for _ in range(count * _AGGREGATES[kind]):
        item, start = _read(buffer, start)
        items.append(item)
    if kind == 0x7C:  # "|": attributes are not for us
        return _read(buffer, start)
    if kind == 0x25:  # "%"
        return dict(zip(items[::2], items[1::2], strict=True)), start
    return items, start


def write_command(*arguments: bytes | str | int) -> bytes:
    """The bytes of a command."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        raw = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def write_error(text: str) -> bytes:
    """An error reply; `text` begins with the code."""
    return b"-%b\r\n" % text.replace("\r", " ").replace("\n", " ").encode("utf-8", "backslashreplace")


def write_status(text: str) -> bytes:
    """A simple string: `+OK`."""
    return b"+%b\r\n" % text.encode()


def write_bulk(value: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%b\r\n" % (len(value), value)


def write_integer(value: int) -> bytes:
    """An integer reply."""
    return b":%d\r\n" % value


def write_array(replies: Iterable[bytes]) -> bytes:
    """An array of replies that are written already."""
    parts = list(replies)
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


def null(resp3: bool) -> bytes:
    """What says "nothing" in that protocol version."""
    return b"_\r\n" if resp3 else b"$-1\r\n"
