"""What was recorded from a real Valkey 7.2.7 cluster with TLS and JSON holds here: for valkey-py's cluster
client, for the stand-in valkey-cli, and for a real valkey-cli where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from valkey.exceptions import ResponseError

from tests.support.clusters import STAND_IN, Lab

if TYPE_CHECKING:
    from valkey.cluster import ValkeyCluster

_REAL = os.environ.get("RUNBOOK_TEST_VALKEY_CLI") or shutil.which("valkey-cli")
Run = Callable[..., str]

PRODUCT_1 = '{"id":1,"name":"Widget","price":9.99}'
PRODUCT_3 = '{"id":2,"name":"Contraption","price":29.99}'


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param("real", marks=pytest.mark.skipif(not _REAL, reason="no valkey-cli on this machine")),
    ]
)
def program(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return STAND_IN if request.param == "stand-in" else (str(_REAL),)


@pytest.fixture
def cli(lab: Lab, program: tuple[str, ...]) -> Run:
    """`valkey-cli -h <endpoint> -p 6379 --tls -c WORDS`, as the lab types it; gives what it printed."""

    def run(*words: str) -> str:
        answer = lab.cli("-c", *words, program=program)
        assert (answer.code, answer.error) == (0, "")
        return answer.out.rstrip("\n")

    return run


@pytest.fixture
def client(lab: Lab) -> ValkeyCluster:
    return lab.cluster_client()


def test_the_labs_data_with_valkey_cli(cli: Run) -> None:
    for key, name in (("person:1", "John"), ("person:2", "Martha"), ("person:3", "Nikhil")):
        assert cli("SET", key, name) == "OK"
    assert cli("JSON.SET", "product:1", "$", PRODUCT_1) == "OK"
    assert cli("JSON.SET", "product:2", "$", '{"id":2,"name":"Gadget","price":19.99}') == "OK"
    assert cli("JSON.SET", "product:3", "$", PRODUCT_3) == "OK"
    assert cli("GET", "person:2") == "Martha"
    assert cli("JSON.GET", "product:3") == PRODUCT_3
    assert set(cli("KEYS", "person:*").split()) == {"person:1", "person:2", "person:3"}
    assert set(cli("KEYS", "product:*").split()) == {"product:1", "product:2", "product:3"}
    assert cli("SET", "person:1", "Pat") == "OK"
    assert cli("GET", "person:1") == "Pat"
    assert cli("JSON.SET", "product:3", "price", "10.99") == "OK"
    assert cli("JSON.GET", "product:3", "price") == "10.99"
    assert cli("DEL", "person:3") == "1"
    assert set(cli("KEYS", "person:*").split()) == {"person:1", "person:2"}
    assert cli("EXISTS", "person:3") == "0"
    assert cli("JSON.DEL", "product:2") == "1"
    assert set(cli("KEYS", "product:*").split()) == {"product:1", "product:3"}
    assert cli("EXISTS", "product:2") == "0"


def test_the_labs_data_with_valkey_py(client: ValkeyCluster) -> None:
    assert client.set("person:1", "John") is True
    assert client.set("person:2", "Martha") is True
    assert client.execute_command("JSON.SET", "product:3", "$", PRODUCT_3) == b"OK"
    assert client.get("person:2") == b"Martha"
    assert client.execute_command("JSON.GET", "product:3") == PRODUCT_3.encode()
    assert set(client.keys("person:*", target_nodes="primaries")) == {b"person:1", b"person:2"}
    assert client.execute_command("JSON.SET", "product:3", "price", "10.99") == b"OK"
    assert client.execute_command("JSON.GET", "product:3", "price") == b"10.99"
    assert client.delete("person:2") == 1
    assert client.exists("person:2") == 0
    assert client.execute_command("JSON.DEL", "product:3") == 1
    assert client.exists("product:3") == 0


def test_a_legacy_path_gives_the_value_and_a_jsonpath_an_array(cli: Run, client: ValkeyCluster) -> None:
    cli("JSON.SET", "product:3", "$", PRODUCT_3)
    cli("JSON.SET", "product:3", "price", "10.99")
    assert cli("JSON.GET", "product:3", "price") == "10.99"
    assert cli("JSON.GET", "product:3", "$.price") == "[10.99]"
    assert client.execute_command("JSON.GET", "product:3", "price") == b"10.99"
    assert client.execute_command("JSON.GET", "product:3", "$.price") == b"[10.99]"


@pytest.mark.parametrize("text", ['{"b":10.10,"a":1e5}', "10.10", '{"z":1,"a":2}'])
def test_number_text_and_key_order_survive(cli: Run, client: ValkeyCluster, text: str) -> None:
    assert cli("JSON.SET", "product:4", "$", text) == "OK"
    assert cli("JSON.GET", "product:4") == text
    assert client.execute_command("JSON.GET", "product:4") == text.encode()


def test_a_misspelt_path_is_an_error_without_the_dollar_and_nothing_with_it(
    cli: Run, client: ValkeyCluster
) -> None:
    cli("JSON.SET", "product:3", "$", PRODUCT_3)
    assert cli("JSON.GET", "product:3", "prise") == "NONEXISTENT JSON path does not exist"
    assert cli("JSON.GET", "product:3", "$.prise") == "[]"
    with pytest.raises(ResponseError, match="NONEXISTENT JSON path does not exist"):
        client.execute_command("JSON.GET", "product:3", "prise")
    assert client.execute_command("JSON.GET", "product:3", "$.prise") == b"[]"


def test_a_json_key_is_of_its_own_type(cli: Run, client: ValkeyCluster) -> None:
    cli("JSON.SET", "product:3", "$", PRODUCT_3)
    assert cli("GET", "product:3").startswith("WRONGTYPE ")
    assert cli("TYPE", "product:3") == "ReJSON-RL"
    assert client.type("product:3") == b"ReJSON-RL"
    with pytest.raises(ResponseError, match="wrong kind of value"):
        client.get("product:3")


def test_deleting_what_is_not_there_deletes_nothing(cli: Run, client: ValkeyCluster) -> None:
    assert cli("JSON.DEL", "product:9") == "0"
    assert cli("DEL", "person:9") == "0"
    assert client.execute_command("JSON.DEL", "product:9") == 0


def test_an_error_leaves_the_exit_code_0_unless_e_is_given(lab: Lab, program: tuple[str, ...]) -> None:
    lab.cli("-c", "SET", "person:1", "John", program=program)
    plain = lab.cli("-c", "HGET", "person:1", "x", program=program)
    assert plain.code == 0
    assert plain.out.startswith("WRONGTYPE ")
    strict = lab.cli("-c", "-e", "HGET", "person:1", "x", program=program)
    assert strict.code == 1
    assert strict.out == ""
    assert strict.error.startswith("WRONGTYPE ")


def test_resp3_changes_nothing_for_the_labs_commands(cli: Run) -> None:
    def both(*words: str) -> None:
        assert cli(*words) == cli("-3", *words)

    both("SET", "person:1", "John")
    both("JSON.SET", "product:1", "$", PRODUCT_1)
    both("GET", "person:1")
    both("JSON.GET", "product:1")
    both("JSON.GET", "product:1", "$.id")
    both("JSON.GET", "product:1", "nothing")
    both("JSON.GET", "nothing")
    both("KEYS", "person:*")
    both("EXISTS", "person:3")
    both("TYPE", "product:1")
    both("GET", "product:1")


def test_the_cluster_tells_the_port_that_clients_use(cli: Run, lab: Lab) -> None:
    node = lab.handle.shards[0].nodes[0]
    (line,) = cli("CLUSTER", "NODES").splitlines()
    assert line.split()[1].startswith(f"{node.address}:6379@")
    assert line.split()[2] == "myself,master"
    assert cli("CLUSTER", "SLOTS").splitlines()[:4] == ["0", "16383", node.address, "6379"]
    assert node.address in cli("CLUSTER", "SHARDS").splitlines()
