"""valkey-cli's language: words, quotes, and replies in its formatted output."""

from __future__ import annotations

import subprocess

import pytest
from runbook.errors import Failed
from runbook.modules import _valkey_cli as cli
from runbook.modules._valkey_words import command_of, reads_only, shown, split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('SET person:1 "John"', [b"SET", b"person:1", b"John"]),
        (r'SET k "a\x00\xFFb\n\t\\\""', [b"SET", b"k", b'a\x00\xffb\n\t\\"']),
        (r"SET k 'it\'s $ \n'", [b"SET", b"k", b"it's $ \\n"]),
        ("  GET   k  ", [b"GET", b"k"]),
        ('SET k ""', [b"SET", b"k", b""]),
        ("SET é ☀", [b"SET", "é".encode(), "☀".encode()]),
        (r"SET k a\x41", [b"SET", b"k", rb"a\x41"]),
        (r'SET k "\xZZ\q"', [b"SET", b"k", b"xZZq"]),
        ('SET k a"b"', [b"SET", b"k", b"ab"]),
    ],
)
def test_words_are_split_as_valkey_cli_does(line: str, words: list[bytes]) -> None:
    assert list(split(line)) == words


@pytest.mark.parametrize("line", ['SET k "open', "SET k 'open", 'SET k "a"b', "SET k 'a'b", '"\\'])
def test_unbalanced_quotes_are_refused(line: str) -> None:
    with pytest.raises(Failed, match="quotes"):
        split(line)


@pytest.mark.parametrize("written", ["", "   ", []])
def test_nothing_is_no_command(written: str | list[str]) -> None:
    with pytest.raises(Failed, match="no command"):
        command_of(written)


@pytest.mark.parametrize("written", ["SUBSCRIBE x", "monitor", "MULTI"])
def test_commands_without_a_single_reply_are_refused(written: str) -> None:
    with pytest.raises(Failed, match="stays open"):
        command_of(written)


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        ("GET k", True),
        ("json.get k", True),
        ("CLUSTER NODES", True),
        ("cluster failover", False),
        ("CLUSTER", False),
        ("CONFIG GET x", True),
        ("CONFIG SET x 1", False),
        ("GETDEL k", False),
        ("SORT k", False),
        ("EVAL 'return 1' 0", False),
        ("NOSUCH", False),
        ("TOUCH k", False),
    ],
)
def test_only_what_is_known_to_read_counts_as_reading(line: str, reads: bool) -> None:
    assert reads_only(command_of(line)) is reads


WORDS = [
    b"",
    b"plain",
    b"it's",
    b'say "hi"',
    b"$HOME `x` \\ ; & * ?",
    "été ☀".encode(),
    b"{{ssm:x}}",
    b"{{{{",
    b"a\nb",
    b"-n",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_gives_every_word_back(word: bytes) -> None:
    quoted = cli.shell_word(word)
    assert quoted is not None
    assert "{{" not in quoted

    printed = subprocess.run(["/bin/sh", "-c", f"printf %s {quoted}"], capture_output=True, check=True)

    assert printed.stdout == word


@pytest.mark.parametrize("word", [*WORDS, b"\x00", b"\xff\xfe", b"a\r\nb", bytes(range(256))])
def test_quoted_input_carries_any_bytes(word: bytes) -> None:
    quoted = cli.repr_of(word)

    assert quoted.isascii()
    assert "'" not in quoted
    assert "{{" not in quoted
    assert split(quoted) == (word,)


def test_quoted_input_is_used_only_where_it_must_be() -> None:
    assert cli.arguments((b"SET", b"k", b"v w")) == "'SET' 'k' 'v w'"
    assert cli.arguments((b"SET", b"k", b"\xff")) == """--quoted-input '"SET"' '"k"' '"\\xff"'"""


@pytest.mark.parametrize(
    ("output", "reply"),
    [
        (b"OK\n", b"OK"),
        (b'"John"\n', b"John"),
        (b'""\n', b""),
        (b'"a\\"b\\\\\\n\\x00\\xff"\n', b'a"b\\\n\x00\xff'),
        (b"(integer) -3\n", -3),
        (b"(nil)\n", None),
        (b"(empty array)\n", []),
        (b"(empty list or set)\n", []),
        (b'1) "a"\n2) (nil)\n3) (integer) 4\n', [b"a", None, 4]),
        (b'1) 1) "a"\n   2) "b"\n2) (empty array)\n', [[b"a", b"b"], []]),
        (b'1) 1) 1) "x"\n', [[[b"x"]]]),
        (b"".join(b'%2d) "%d"\n' % (n, n) for n in range(1, 12)), [b"%d" % n for n in range(1, 12)]),
        (b"1) (error) ERR inner\n2) OK\n", [{"error": "ERR inner"}, b"OK"]),
        (
            b"a text\nthat a newer valkey-cli\nprints as it is\n",
            b"a text\nthat a newer valkey-cli\nprints as it is\n",
        ),
    ],
)
def test_replies_are_read_back(output: bytes, reply: object) -> None:
    assert cli.parse_reply(output, (b"ANY",)) == reply


def test_replies_that_valkey_cli_prints_as_they_are() -> None:
    assert cli.parse_reply(b"a b 0-16383\n", (b"cluster", b"nodes")) == b"a b 0-16383\n"
    assert cli.parse_reply(b"# Server\r\nx:1\r\n", (b"INFO", b"server")) == b"# Server\r\nx:1\r\n"
    assert cli.parse_reply(b"OK\n", (b"CLUSTER", b"RESET")) == b"OK"


def test_a_command_is_shown_short() -> None:
    assert shown((b"SET", b"a b", b"x" * 100)) == f'SET "a b" {"x" * 59}…'
