"""The proxy: what passes is untouched and in order, what is served in between stands in its place."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from runbook.sandbox.dataplane import User
from runbook.sandbox.resp import cut_reply, read_reply, write_command
from valkey.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valkey import Valkey

    from tests.support.clusters import Lab


class Wire:
    """A TLS connection on which we choose every byte."""

    def __init__(self, link: ssl.SSLSocket) -> None:
        self._link = link
        self._got = bytearray()

    def send(self, data: bytes) -> None:
        self._link.sendall(data)

    def reply(self) -> Any:
        return read_reply(self.raw_reply())

    def raw_reply(self) -> bytes:
        while (end := cut_reply(self._got, 0)) < 0:
            chunk = self._link.recv(65536)
            if not chunk:
                raise ConnectionResetError
            self._got += chunk
        raw = bytes(self._got[:end])
        del self._got[:end]
        return raw


@contextmanager
def _wire(lab: Lab) -> Iterator[Wire]:
    context = ssl.create_default_context(cafile=lab.certificates.ca_file)
    place = lab.handle.shards[0].nodes[0]
    with (
        socket.create_connection((place.address, place.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=place.address) as link,
    ):
        yield Wire(link)


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    with _wire(lab) as opened:
        yield opened


def test_a_client_without_tls_gets_nowhere(lab: Lab) -> None:
    place = lab.handle.shards[0].nodes[0]
    with closing(socket.create_connection((place.address, place.port), timeout=10)) as link:
        link.sendall(b"PING\r\n")
        with pytest.raises((ConnectionError, AssertionError)):  # noqa: PT012 - either call may be told
            received = link.recv(100)
            assert received.startswith(b"+PONG")


def test_replies_come_in_the_order_of_the_commands_however_they_are_mixed(wire: Wire) -> None:
    mixed: list[tuple[bytes, Any]] = []
    for number in range(200):
        mixed += [
            (write_command("SET", "n", number), b"OK"),
            (write_command("JSON.SET", "d", "$", f'{{"n":{number}}}'), b"OK"),
            (write_command("GET", "n"), b"%d" % number),
            (write_command("JSON.GET", "d", "n"), b"%d" % number),
            (write_command("TYPE", "d"), b"ReJSON-RL"),
            (write_command("TYPE", "n"), b"string"),
        ]
    wire.send(b"".join(command for command, _ in mixed))
    assert [wire.reply() for _ in mixed] == [expected for _, expected in mixed]


def test_commands_may_be_torn_anywhere(wire: Wire) -> None:
    commands = [
        write_command("SET", "k", b"a\r\n$5\r\nx"),
        write_command("JSON.SET", "d", "$", "[1]"),
        b"GET k\r\n",
        write_command("JSON.GET", "d"),
    ]
    stream, chance = b"".join(commands), random.Random(7)  # noqa: S311 - no secret
    while stream:
        size = chance.randint(1, 5)
        wire.send(stream[:size])
        stream = stream[size:]
        time.sleep(0.001)
    assert [wire.reply() for _ in commands] == [b"OK", b"OK", b"a\r\n$5\r\nx", b"[1]"]


def test_a_large_value_passes_both_ways(connection: Valkey) -> None:
    value = random.Random(1).randbytes(8_000_000)  # noqa: S311 - no secret
    connection.set("big", value)
    assert connection.get("big") == value


def test_a_client_that_does_not_read_does_not_fill_the_proxys_memory_or_lose_replies(wire: Wire) -> None:
    wire.send(write_command("SET", "k", b"x" * 100_000))
    assert wire.reply() == b"OK"
    sent = 400

    def send() -> None:
        for _ in range(sent):
            wire.send(write_command("GET", "k"))

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.3)
    assert {len(wire.reply()) for _ in range(sent)} == {100_000}
    sender.join()


def test_a_blocked_command_does_not_block_other_clients_and_keeps_its_place(lab: Lab, wire: Wire) -> None:
    wire.send(write_command("BLPOP", "queue", 5) + write_command("JSON.SET", "d", "$", "1"))
    with lab.client() as other:
        assert other.execute_command("JSON.GET", "d") is None
        other.rpush("queue", "job")
    assert [wire.reply(), wire.reply()] == [[b"queue", b"job"], b"OK"]


def test_what_is_not_the_protocol_is_answered_and_the_connection_ends(wire: Wire) -> None:
    wire.send(write_command("JSON.GET", "d") + b"*1\r\n:9\r\n")
    assert wire.reply() is None
    assert wire.reply().text == "ERR Protocol error: expected '$', got ':'"
    with pytest.raises(ConnectionResetError):
        wire.reply()


def test_quit_is_answered_before_the_connection_ends(wire: Wire) -> None:
    wire.send(b"QUIT\r\n")
    assert wire.reply() == b"OK"


def test_json_inside_a_transaction_is_refused_and_the_transaction_with_it(wire: Wire) -> None:
    wire.send(
        b"MULTI\r\nSET k v\r\nJSON.GET d\r\nEXEC\r\nGET k\r\nJSON.GET d\r\nMULTI\r\nSET k w\r\nEXEC\r\nTYPE k\r\n"
    )
    replies = [wire.reply() for _ in range(10)]
    assert replies[:2] == [b"OK", b"QUEUED"]
    assert "JSON.GET inside MULTI is not served by the rehearsal sandbox" in replies[2].text
    assert replies[3].code == "EXECABORT"
    assert replies[4:] == [None, None, b"OK", b"QUEUED", [b"OK"], b"string"]


def test_json_inside_a_script_is_refused(connection: Valkey) -> None:
    with pytest.raises(ResponseError, match="Unknown"):
        connection.eval("return redis.call('JSON.GET', KEYS[1])", 1, "d")


def test_resp3_clients_get_resp3(wire: Wire) -> None:
    wire.send(write_command("HELLO", "3"))
    assert wire.reply()[b"proto"] == 3
    wire.send(write_command("JSON.GET", "nothing"))
    assert wire.raw_reply() == b"_\r\n"
    wire.send(write_command("JSON.SET", "d", "$", "[1]") + write_command("JSON.SET", "d", "$", "1", "NX"))
    assert [wire.raw_reply(), wire.raw_reply()] == [b"+OK\r\n", b"_\r\n"]
    wire.send(write_command("RESET") + write_command("JSON.GET", "nothing"))
    assert [wire.reply(), wire.raw_reply()] == [b"RESET", b"$-1\r\n"]


def test_push_messages_keep_coming_between_replies(lab: Lab, wire: Wire) -> None:
    wire.send(
        write_command("HELLO", "3") + write_command("CLIENT", "TRACKING", "ON") + write_command("GET", "k")
    )
    assert [wire.reply() for _ in range(3)][1:] == [b"OK", None]
    with lab.client() as other:
        other.set("k", "v")
    wire.send(write_command("JSON.GET", "d"))
    assert sorted([wire.raw_reply()[:1], wire.raw_reply()[:1]]) == [b">", b"_"]


def test_client_reply_off_is_refused_since_it_would_silence_the_proxy(wire: Wire) -> None:
    wire.send(write_command("CLIENT", "REPLY", "OFF") + write_command("JSON.GET", "d"))
    assert "not served by the rehearsal sandbox" in wire.reply().text
    assert wire.reply() is None


def test_commands_for_streams_see_no_stream_in_a_document(connection: Valkey) -> None:
    connection.execute_command("JSON.SET", "d", "$", "1")
    connection.xadd("s", {"a": "b"})
    for refused in (
        lambda: connection.xlen("d"),
        lambda: connection.xadd("d", {"a": "b"}),
        lambda: connection.xrange("d"),
        lambda: connection.xread({"s": "0", "d": "0"}),
        lambda: connection.xinfo_stream("d"),
        lambda: connection.xgroup_create("d", "g"),
        lambda: connection.hgetall("d"),
        lambda: connection.lpush("d", "x"),
        lambda: connection.append("d", "x"),
    ):
        with pytest.raises(ResponseError, match="wrong kind of value"):
            refused()
    assert connection.execute_command("JSON.GET", "d") == b"1"
    assert connection.xlen("s") == 1
    assert connection.xread({"s": "0"})[0][0] == b"s"


def test_the_command_list_names_the_json_commands_with_their_keys(connection: Valkey) -> None:
    described = connection.command()
    assert described["json.set"]["first_key_pos"] == 1
    assert described["json.mget"]["last_key_pos"] == -2
    assert described["set"]["arity"] == -3


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory 1",
        "DEBUG SLEEP 0",
        "SHUTDOWN NOSAVE",
        "SAVE",
        "BGSAVE",
        "REPLICAOF NO ONE",
        "CLUSTER MEET 127.0.0.1 1",
        "CLUSTER FAILOVER TAKEOVER",
        "CLUSTER RESET",
        "ACL SETUSER me on nopass +@all",
        "MODULE LIST",
    ],
)
def test_what_memorydb_keeps_for_itself_is_refused(connection: Valkey, command: str) -> None:
    with pytest.raises(ResponseError, match=r"no permissions|not allowed"):
        connection.execute_command(*command.split())


def test_many_clients_at_once(lab: Lab) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with lab.client() as client:
                for turn in range(30):
                    client.set(f"k{number}", turn)
                    client.execute_command("JSON.SET", f"d{number}", "$", f"[{turn}]")
                    assert client.get(f"k{number}") == b"%d" % turn
                    assert client.execute_command("JSON.GET", f"d{number}") == b"[%d]" % turn
        except BaseException as error:  # noqa: BLE001 - told below, by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_client_that_has_not_logged_in_is_told_so_in_order(lab: Lab) -> None:
    lab.plane.authorize(lab.name, [User("someone", "on ~* &* +@all", ("0" * 64,))])
    try:
        with _wire(lab) as stranger:
            stranger.send(
                write_command("GET", "k") + write_command("JSON.GET", "d") + write_command("TYPE", "k")
            )
            assert [stranger.reply().code for _ in range(3)] == ["NOAUTH"] * 3
    finally:
        lab.plane.authorize(lab.name, None)
