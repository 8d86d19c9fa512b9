"""The stand-in valkey-cli: quoting, output formats, options and exit codes as valkey-cli 7.2 has them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.valkey_cli import (
    Options,
    Reply,
    format_reply,
    is_verbatim,
    parse_arguments,
    split_arguments,
)

from tests.support.clusters import STAND_IN

if TYPE_CHECKING:
    from tests.support.clusters import Lab


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"SET a b", [b"SET", b"a", b"b"]),
        (b"  SET\t a  b  ", [b"SET", b"a", b"b"]),
        (b"", []),
        (b'SET a "John Doe"', [b"SET", b"a", b"John Doe"]),
        (b'"\\x41\\xff\\n\\r\\t\\a\\b\\"\\\\\\q"', [b'A\xff\n\r\t\a\b"\\q']),
        (b'"\\xzz"', [b"xzz"]),
        (b"'it\\'s' '\\n'", [b"it's", b"\\n"]),
        (b'JSON.SET p $ "{\\"id\\":2}"', [b"JSON.SET", b"p", b"$", b'{"id":2}']),
        (b"JSON.SET p $ '{\"id\":2}'", [b"JSON.SET", b"p", b"$", b'{"id":2}']),
        (b'""', [b""]),
        (b'ab"cd"', [b"abcd"]),
        (b"\xc3\xbc", [b"\xc3\xbc"]),
        (b'"open', None),
        (b"'open", None),
        (b'"a"b', None),
        (b"'a'b", None),
    ],
)
def test_lines_are_cut_into_words_with_both_kinds_of_quotes(line: bytes, words: list[bytes] | None) -> None:
    assert split_arguments(line) == words


STRING = Reply("$", b'say "hi"\n\xff')
LIST = Reply("*", [Reply("$", b"a"), Reply("_", None), Reply("*", [Reply(":", b"1"), Reply("$", b"b")])])
MAP = Reply("%", [Reply("$", b"k"), Reply(":", b"1"), Reply("$", b"l"), LIST])


@pytest.mark.parametrize(
    ("reply", "output", "text"),
    [
        (Reply("+", b"OK"), "raw", b"OK\n"),
        (Reply("+", b"OK"), "standard", b"OK\n"),
        (STRING, "raw", b'say "hi"\n\xff\n'),
        (STRING, "standard", b'"say \\"hi\\"\\n\\xff"\n'),
        (STRING, "csv", b'"say \\"hi\\"\\n\\xff"\n'),
        (STRING, "json", b'"say \\"hi\\"\\n\xff"\n'),
        (STRING, "quoted-json", b'"say \\\\"hi\\\\"\\\\n\\\\xff"\n'),
        (Reply("_", None), "raw", b"\n"),
        (Reply("_", None), "standard", b"(nil)\n"),
        (Reply("_", None), "csv", b"NULL\n"),
        (Reply("_", None), "json", b"null\n"),
        (Reply(":", b"3"), "raw", b"3\n"),
        (Reply(":", b"3"), "standard", b"(integer) 3\n"),
        (Reply(",", b"1.5"), "standard", b"(double) 1.5\n"),
        (Reply("#", True), "standard", b"(true)\n"),
        (Reply("-", b"ERR no"), "raw", b"ERR no\n\n"),
        (Reply("-", b"ERR no"), "standard", b"(error) ERR no\n"),
        (Reply("-", b"ERR no"), "csv", b'ERROR,"ERR no"\n'),
        (Reply("-", b"ERR no"), "json", b'error:"ERR no"\n'),
        (LIST, "raw", b"a\n\n1\nb\n"),
        (LIST, "standard", b'1) "a"\n2) (nil)\n3) 1) (integer) 1\n   2) "b"\n'),
        (LIST, "csv", b'"a",NULL,1,"b"\n'),
        (LIST, "json", b'["a",null,[1,"b"]]\n'),
        (Reply("*", []), "standard", b"(empty array)\n"),
        (Reply("~", [Reply("$", b"a")]), "standard", b'1~ "a"\n'),
        (MAP, "raw", b"k 1\nl a\n\n1\nb\n"),
        (
            MAP,
            "standard",
            b'1# "k" => (integer) 1\n2# "l" => \n   1) "a"\n   2) (nil)\n   3) 1) (integer) 1\n      2) "b"\n',
        ),
        (MAP, "json", b'{"k":1,"l":["a",null,[1,"b"]]}\n'),
        (Reply("*", [Reply(":", b"%d" % n) for n in range(10)]), "raw", b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
    ],
)
def test_replies_are_shown_as_valkey_cli_shows_them(reply: Reply, output: str, text: bytes) -> None:
    assert format_reply(reply, Options(output=output), verbatim=False) == text


def test_list_numbers_are_aligned() -> None:
    reply = Reply("*", [Reply(":", b"%d" % n) for n in range(10)])
    lines = format_reply(reply, Options(output="standard"), verbatim=False).splitlines()
    assert (lines[0], lines[9]) == (b" 1) (integer) 0", b"10) (integer) 9")


def test_texts_for_people_are_shown_as_they_are() -> None:
    assert is_verbatim([b"INFO"])
    assert is_verbatim([b"cluster", b"NODES"])
    assert not is_verbatim([b"CLUSTER", b"SLOTS"])
    assert not is_verbatim([b"GET", b"a"])
    assert format_reply(Reply("$", b"a\nb\n"), Options(output="standard"), verbatim=True) == b"a\nb\n"


def test_options_end_at_the_first_word_of_the_command() -> None:
    options = parse_arguments(
        ["-h", "host", "-p", "7000", "--tls", "--cacert", "ca.pem", "-c", "-n", "1", "SET", "-p", "1"]
    )
    assert (options.host, options.port, options.tls, options.ca_file, options.cluster) == (
        "host",
        7000,
        True,
        "ca.pem",
        True,
    )
    assert options.command == [b"SET", b"-p", b"1"]


def test_a_uri_names_everything() -> None:
    options = parse_arguments(["-u", "valkeys://me:p%40ss@host:7000/0"])
    assert (options.host, options.port, options.user, options.password) == ("host", 7000, "me", "p@ss")
    assert options.tls


@pytest.mark.parametrize("variable", ["REDISCLI_AUTH", "VALKEYCLI_AUTH"])
def test_the_password_may_come_from_the_environment_without_a_warning(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "secret")
    options = parse_arguments(["PING"])
    assert (options.password, options.warn) == ("secret", False)


def _run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STAND_IN, *words], input=stdin, capture_output=True, text=True, timeout=30, check=False
    )


def test_the_version_says_that_it_is_a_stand_in() -> None:
    for option in ("--version", "-v"):
        done = _run(option)
        assert (done.stdout, done.returncode) == ("valkey-cli 7.2.7 (stand-in of the runbook sandbox)\n", 0)


def test_what_it_lacks_it_refuses_by_name() -> None:
    done = _run("--cluster", "create")
    assert done.returncode == 1
    assert "'--cluster'" in done.stderr
    assert "stand-in" in done.stderr


def test_a_server_that_is_not_there_is_named() -> None:
    done = _run("-h", "127.0.0.1", "-p", "1", "PING")
    assert done.returncode == 1
    assert done.stderr == "Could not connect to Valkey at 127.0.0.1:1: Connection refused\n"


def test_an_unknown_authority_is_refused(lab: Lab) -> None:
    handle = lab.handle
    done = _run("-h", handle.address, "-p", "6379", "--tls", "PING")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
    trusted = _run(
        "-h", handle.address, "-p", "6379", "--tls", "--cacert", str(lab.certificates.ca_file), "PING"
    )
    assert trusted.stdout == "PONG\n"
    assert _run("-h", handle.address, "-p", "6379", "--tls", "--insecure", "PING").stdout == "PONG\n"


def test_commands_come_from_standard_input_with_their_quotes(lab: Lab) -> None:
    lines = [
        'SET person:1 "John Doe"',
        "",
        "GET person:1",
        'SET odd "\\x00\\xff"',
        "STRLEN odd",
        'JSON.SET product:3 $ "{\\"id\\":2,\\"name\\":\\"Contraption\\"}"',
        "JSON.GET product:3 name",
        "HGET person:1 x",
        'SET "open',
        "2 INCR counter",
        "quit",
        "SET person:1 never",
    ]
    answer = lab.cli("-c", stdin="\n".join(lines))
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "OK",
        "John Doe",
        "OK",
        "2",
        "OK",
        '"Contraption"',
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "",
        "Invalid argument(s)",
        "1",
        "2",
    ]
    assert lab.cli("GET", "person:1").out == "John Doe\n"


def test_the_last_argument_may_come_from_standard_input_byte_for_byte(lab: Lab) -> None:
    value = bytes(range(256)) * 20
    assert lab.cli("-x", "SET", "bytes", stdin=value).out == "OK\n"
    with lab.client() as client:
        assert client.get("bytes") == value


def test_quoted_input_is_read_with_its_escapes(lab: Lab) -> None:
    lab.cli("--quoted-input", "SET", "odd", '"\\x00\\n"')
    with lab.client() as client:
        assert client.get("odd") == b"\x00\n"
    assert lab.cli("--quoted-input", "SET", "odd", '"open').code == 1


def test_json_output_asks_for_maps(lab: Lab) -> None:
    lab.cli("HSET", "h", "a", "1")
    assert lab.cli("--json", "HGETALL", "h").out == '{"a":"1"}\n'
    assert lab.cli("--json", "-2", "HGETALL", "h").out == '["a","1"]\n'


def test_a_command_is_repeated_on_request(lab: Lab) -> None:
    assert lab.cli("-r", "3", "INCR", "n").out == "1\n2\n3\n"


def test_a_password_on_the_command_line_earns_a_warning(lab: Lab) -> None:
    warned = lab.cli("-a", "secret", "PING")
    assert warned.error.startswith("Warning: Using a password with '-a'")
    assert "AUTH failed" in warned.error
    assert warned.out == "PONG\n"
    assert "Warning" not in lab.cli("-a", "secret", "--no-auth-warning", "PING").error
