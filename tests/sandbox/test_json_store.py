"""The JSON commands as a client sees them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from valkey.exceptions import ResponseError

if TYPE_CHECKING:
    from valkey import Valkey

    from tests.support.clusters import Lab


class Json:
    """JSON commands over one connection; errors as their text."""

    def __init__(self, connection: Valkey) -> None:
        self._connection = connection

    def __call__(self, command: str, *arguments: str) -> Any:
        try:
            return self._connection.execute_command(f"JSON.{command}", *arguments)
        except ResponseError as error:
            return str(error)


@pytest.fixture
def json(connection: Valkey) -> Json:
    return Json(connection)


def test_a_new_key_begins_at_its_root(json: Json) -> None:
    assert json("SET", "d", "$.a", "1") == "SYNTAXERR A new Valkey key's path must be root"
    assert json("SET", "d", "a", "1") == "SYNTAXERR A new Valkey key's path must be root"
    assert json("SET", "d", ".", "1") == b"OK"
    assert json("SET", "d", "$", '{"a":1}') == b"OK"
    assert json("SET", "d", "$.b", "2") == b"OK"
    assert json("GET", "d") == b'{"a":1,"b":2}'


def test_nx_and_xx_of_a_whole_document(json: Json) -> None:
    assert json("SET", "d", "$", "1", "XX") is None
    assert json("GET", "d") is None
    assert json("SET", "d", "$", "1", "NX") == b"OK"
    assert json("SET", "d", "$", "2", "nx") is None
    assert json("SET", "d", "$", "3", "XX") == b"OK"
    assert json("GET", "d") == b"3"
    assert json("SET", "d", "$", "4", "YY") == "SYNTAXERR Command syntax error"


def test_nx_and_xx_of_a_member(json: Json) -> None:
    json("SET", "d", "$", '{"a":1}')
    assert json("SET", "d", "$.a", "2", "NX") is None
    assert json("SET", "d", "$.b", "2", "XX") is None
    assert json("SET", "d", "$.b", "2", "NX") == b"OK"
    assert json("GET", "d") == b'{"a":1,"b":2}'


def test_several_paths_give_an_object_of_them(json: Json) -> None:
    json("SET", "d", "$", '{"a":1,"b":{"c":2}}')
    assert json("GET", "d", "a", ".b.c") == b'{"a":1,".b.c":2}'
    assert json("GET", "d", "$.a", "$.x") == b'{"$.a":[1],"$.x":[]}'
    assert json("GET", "d", "a", "$.b.c") == b'{"a":[1],"$.b.c":[2]}'
    assert json("GET", "d", "a", "x") == "NONEXISTENT JSON path does not exist"


def test_get_formats_on_request(json: Json) -> None:
    json("SET", "d", "$", '{"a":[1]}')
    assert (
        json("GET", "d", "INDENT", "\t", "NEWLINE", "\n", "SPACE", " ", ".") == b'{\n\t"a": [\n\t\t1\n\t]\n}'
    )
    assert json("GET", "d", "NOESCAPE") == b'{"a":[1]}'
    assert json("GET", "d", "INDENT") == "SYNTAXERR Command syntax error"


def test_deleting_a_member_or_the_whole_document(json: Json, connection: Valkey) -> None:
    json("SET", "d", "$", '{"a":1,"b":[1,2]}')
    assert json("DEL", "d", "$.b[*]") == 2
    assert json("FORGET", "d", "a") == 1
    assert json("DEL", "d", "a") == 0
    assert json("GET", "d") == b'{"b":[]}'
    assert json("DEL", "d") == 1
    assert connection.exists("d") == 0
    assert json("DEL", "d", "$.b") == 0


def test_type_names_the_value(json: Json) -> None:
    json("SET", "d", "$", '{"a":[1,1.5,"x",null,true]}')
    assert json("TYPE", "d") == b"object"
    assert json("TYPE", "d", "$.a[*]") == [b"integer", b"number", b"string", b"null", b"boolean"]
    assert json("TYPE", "d", "x") is None
    assert json("TYPE", "nothing") is None


def test_mget_reads_one_path_of_several_documents(json: Json) -> None:
    json("SET", "{t}1", "$", '{"a":1}')
    json("SET", "{t}2", "$", '{"a":2}')
    assert json("MGET", "{t}1", "{t}2", "{t}3", "a") == [b"1", b"2", None]
    assert json("MGET", "{t}1", "{t}2", "$.a") == [b"[1]", b"[2]"]
    assert json("MGET", "one", "two", "a").startswith("CROSSSLOT")


def test_adding_to_a_number(json: Json) -> None:
    json("SET", "d", "$", '{"a":1,"b":"x"}')
    assert json("NUMINCRBY", "d", "a", "2") == b"3"
    assert json("NUMINCRBY", "d", "$.*", "0.5") == b"[3.5,null]"
    assert json("NUMINCRBY", "d", "b", "1") == "WRONGTYPE JSON element is not a number"
    assert json("NUMINCRBY", "d", "a", "x") == "WRONGTYPE Value is not a number"
    assert json("NUMINCRBY", "nothing", "a", "1") == "NONEXISTENT Document key does not exist"


def test_keys_of_other_types_are_no_documents(json: Json, connection: Valkey) -> None:
    connection.set("string", "{}")
    connection.hset("hash", "a", "1")
    connection.xadd("stream", {"a": "1"})
    for key in ("string", "hash", "stream"):
        for command in (
            ("GET", key),
            ("SET", key, "$", "1"),
            ("SET", key, "$.a", "1"),
            ("DEL", key),
            ("TYPE", key),
        ):
            assert json(*command) == "WRONGTYPE Not a JSON document key"


def test_what_is_not_json_changes_nothing(json: Json) -> None:
    json("SET", "d", "$", '{"a":1}')
    for words in (("$", "John"), ("$.a", "{")):
        assert json("SET", "d", *words) == "SYNTAXERR Failed to parse JSON string due to syntax error"
    assert json("SET", "d", "$[", "1") == "SYNTAXERR Invalid JSON path"
    assert json("GET", "d") == b'{"a":1}'


def test_the_number_of_arguments_is_checked(json: Json) -> None:
    assert json("SET", "d", "$") == "wrong number of arguments for 'json.set' command"
    assert json("GET") == "wrong number of arguments for 'json.get' command"


def test_json_commands_that_are_not_served_are_unknown(json: Json) -> None:
    assert json("ARRAPPEND", "d", "$", "1").startswith("unknown command 'JSON.ARRAPPEND'")


def test_replacing_a_document_drops_its_expiry_and_changing_it_keeps_it(
    json: Json, connection: Valkey
) -> None:
    json("SET", "d", "$", '{"a":1}')
    connection.expire("d", 1000)
    json("SET", "d", "$.a", "2")
    assert connection.ttl("d") > 900
    json("SET", "d", "$", "1")
    assert connection.ttl("d") == -1


def test_a_document_is_renamed_copied_and_dumped_like_any_key(json: Json, connection: Valkey) -> None:
    json("SET", "{d}1", "$", "[1]")
    connection.rename("{d}1", "{d}2")
    connection.copy("{d}2", "{d}3")
    connection.restore("{d}4", 0, connection.dump("{d}3"))
    assert json("GET", "{d}2") == json("GET", "{d}4") == b"[1]"


def test_changes_by_many_clients_are_not_lost(lab: Lab, json: Json) -> None:
    json("SET", "d", "$", '{"n":0}')

    def count() -> None:
        with lab.client() as client:
            for _ in range(25):
                client.execute_command("JSON.NUMINCRBY", "d", "n", "1")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json("GET", "d", "n") == b"100"
