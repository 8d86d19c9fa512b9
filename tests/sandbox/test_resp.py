"""RESP: where commands and replies end, and what they say."""

from __future__ import annotations

import pytest
from runbook.sandbox.resp import (
    Command,
    ErrorReply,
    ProtocolError,
    cut_command,
    cut_reply,
    null,
    read_reply,
    write_array,
    write_bulk,
    write_command,
    write_error,
    write_integer,
    write_status,
)

SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"


def test_a_command_is_cut_at_its_end_and_its_bytes_may_hold_line_ends() -> None:
    assert cut_command(SET + b"*1\r\n", 0) == Command(len(SET), [b"SET", b"k", b"a\r\nb"])
    assert cut_command(b"xxxx" + SET, 4) == Command(4 + len(SET), [b"SET", b"k", b"a\r\nb"])


def test_an_incomplete_command_is_not_cut_wherever_it_was_torn() -> None:
    assert [cut_command(SET[:end], 0) for end in range(1, len(SET))] == [None] * (len(SET) - 1)


def test_inline_commands_and_empty_lines_are_commands_too() -> None:
    assert cut_command(b"PING hello\r\nrest", 0) == Command(12, [b"PING", b"hello"])
    assert cut_command(b"\r\n", 0) == Command(2, [])
    assert cut_command(b"*0\r\n", 0) == Command(4, [])


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"*x\r\n", "invalid multibulk length"),
        (b"*99999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n:3\r\n", "expected '$', got ':'"),
    ],
)
def test_what_is_not_the_protocol_is_refused_with_the_servers_words(raw: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint.replace("$", "\\$")):
        cut_command(raw, 0)


REPLIES = [
    (b"+OK\r\n", b"OK"),
    (b"-ERR no\r\n", ErrorReply("ERR no")),
    (b":-5\r\n", -5),
    (b"$3\r\na\r\n\r\n", b"a\r\n"),
    (b"$-1\r\n", None),
    (b"*-1\r\n", None),
    (b"_\r\n", None),
    (b"#t\r\n", True),
    (b"#f\r\n", False),
    (b",1.5\r\n", 1.5),
    (b"(123456789012345678901234567890\r\n", 123456789012345678901234567890),
    (b"=8\r\ntxt:info\r\n", b"info"),
    (b"!6\r\nERR no\r\n", ErrorReply("ERR no")),
    (b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", [b"a", [1]]),
    (b"~1\r\n+a\r\n", [b"a"]),
    (b"%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n", {b"a": 1, b"b": []}),
    (b">2\r\n+invalidate\r\n_\r\n", [b"invalidate", None]),
    (b"|1\r\n+ttl\r\n:3\r\n+OK\r\n", b"OK"),
]


@pytest.mark.parametrize(("raw", "value"), REPLIES)
def test_every_reply_type_is_cut_and_read(raw: bytes, value: object) -> None:
    assert cut_reply(raw + b"+more", 0) == len(raw)
    assert cut_reply(b"??" + raw, 2) == 2 + len(raw)
    assert read_reply(raw) == value
    assert [cut_reply(raw[:end], 0) for end in range(len(raw))] == [-1] * len(raw)


def test_what_is_written_reads_back() -> None:
    assert cut_command(write_command("SET", b"k", 5), 0) == Command(27, [b"SET", b"k", b"5"])
    written = write_array([write_bulk(b"a"), write_integer(3), write_status("OK"), null(True), null(False)])
    assert read_reply(written) == [b"a", 3, b"OK", None, None]


def test_an_error_text_can_not_break_the_stream() -> None:
    assert write_error("ERR two\r\nlines") == b"-ERR two  lines\r\n"
    assert ErrorReply("MOVED 1 a:1").code == "MOVED"
