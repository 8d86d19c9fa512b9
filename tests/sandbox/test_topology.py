"""Replicas, failover, loss of a node and resharding, with data and clients on a real cluster."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.dataplane import DataPlaneError
from valkey.exceptions import ConnectionError as ValkeyConnectionError
from valkey.exceptions import ResponseError, ValkeyError

from tests.support.clusters import Lab, running_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.sandbox.dataplane import NodeHandle
    from valkey.cluster import ValkeyCluster


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster of one shard whose shape the tests change; each sets the shape that it needs."""
    with running_lab(tmp_path_factory.mktemp("topology")) as running:
        yield running


def _shape(lab: Lab, *, shards: int = 1, replicas: int = 0) -> None:
    for shard in lab.handle.shards:
        for node in shard.nodes:
            lab.plane.revive_node(lab.name, node.name)
    if len(lab.handle.shards) != shards:
        lab.plane.set_shards(lab.name, shards, lambda _: None)
    lab.plane.set_replicas(lab.name, replicas)


def _primary(lab: Lab) -> NodeHandle:
    return next(node for node in lab.handle.shards[0].nodes if node.role == "primary")


def _roles(lab: Lab) -> dict[str, str]:
    return {node.name: node.role for shard in lab.handle.shards for node in shard.nodes}


def test_a_new_replica_has_the_data_and_clients_are_told_of_it(changing: Lab) -> None:
    _shape(changing)
    client = changing.cluster_client()
    client.set("person:1", "Pat")
    client.execute_command("JSON.SET", "product:1", "$", '{"price":9.99}')
    changing.plane.set_replicas(changing.name, 1)
    names = ["lab-cluster-0001-001", "lab-cluster-0001-002"]
    assert sorted(_roles(changing)) == names
    places = {(node.address, node.port) for node in changing.handle.shards[0].nodes}
    fresh = changing.cluster_client(read_from_replicas=True)
    assert {(node.host, node.port) for node in fresh.get_nodes()} == places
    (replica,) = fresh.get_replicas()
    assert set(fresh.keys("*", target_nodes=replica)) == {b"person:1", b"product:1"}
    lines = changing.cli("-c", "CLUSTER", "NODES").out.splitlines()
    assert sorted(line.split()[2].replace("myself,", "") for line in lines) == ["master", "slave"]


def test_a_replica_reads_json_for_those_who_ask_for_replicas_and_sends_others_to_the_primary(
    changing: Lab,
) -> None:
    _shape(changing, replicas=1)
    changing.cluster_client().execute_command("JSON.SET", "product:1", "$", '{"price":9.99}')
    number = next(n for n, node in enumerate(changing.handle.shards[0].nodes) if node.role == "replica")
    primary = _primary(changing)
    with changing.client(number) as replica, changing.client(number) as reader:
        with pytest.raises(
            ResponseError, match=f"MOVED .* {primary.address}:{primary.port}|{primary.address}"
        ):
            replica.execute_command("JSON.GET", "product:1")
        with reader.pipeline(transaction=False) as pipe:
            pipe.execute_command("READONLY")
            pipe.execute_command("JSON.GET", "product:1")
            pipe.type("product:1")
            deadline = time.monotonic() + 5
            while (replies := pipe.execute())[1] is None and time.monotonic() < deadline:
                pipe.execute_command("READONLY")
                pipe.execute_command("JSON.GET", "product:1")
                pipe.type("product:1")
        assert replies[1:] == [b'{"price":9.99}', b"ReJSON-RL"]


def test_taking_replicas_away_leaves_the_primary_alone_in_the_cluster(changing: Lab) -> None:
    _shape(changing, replicas=1)
    gone = next(node for node in changing.handle.shards[0].nodes if node.role == "replica")
    changing.plane.set_replicas(changing.name, 0)
    assert list(_roles(changing).values()) == ["primary"]
    assert len(changing.cli("CLUSTER", "NODES").out.splitlines()) == 1
    answer = changing.cli("-h", gone.address, "PING")
    assert answer.code == 1
    assert "Connection refused" in answer.error


class _Writer:
    """Writes counters until it is stopped; knows which writes were acknowledged."""

    def __init__(self, client: ValkeyCluster) -> None:
        self.acknowledged = 0
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                self._client.set("counter", self.acknowledged + 1)
                self.acknowledged += 1
            except ValkeyError:
                time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def test_a_failover_swaps_the_roles_and_loses_no_acknowledged_write(changing: Lab) -> None:
    _shape(changing, replicas=1)
    old = _primary(changing)
    endpoint = (changing.handle.address, changing.handle.port)
    client = changing.cluster_client()
    client.set("before", "the failover")
    writer = _Writer(client)
    try:
        changing.plane.failover(changing.name, "0001")
        after = writer.acknowledged
        deadline = time.monotonic() + 10
        while writer.acknowledged <= after and time.monotonic() < deadline:
            time.sleep(0.02)
        assert writer.acknowledged > after
    finally:
        writer.stop()
    assert _primary(changing).name != old.name
    assert _roles(changing)[old.name] == "replica"
    assert (changing.handle.address, changing.handle.port) == endpoint
    assert changing.cli("-c", "GET", "before").out == "the failover\n"
    # The last write that failed may have happened: at least what was acknowledged must be there.
    assert int(changing.cli("-c", "GET", "counter").out) >= writer.acknowledged


def test_a_shard_without_replica_can_not_fail_over(changing: Lab) -> None:
    _shape(changing)
    with pytest.raises(DataPlaneError, match="0001 of lab-cluster has no replica"):
        changing.plane.failover(changing.name, "0001")
    with pytest.raises(DataPlaneError, match="has no shard 0009"):
        changing.plane.failover(changing.name, "0009")


def test_a_lost_only_node_stops_everything_until_it_is_back_with_its_data(changing: Lab) -> None:
    _shape(changing)
    client = changing.cluster_client()
    client.set("person:1", "Pat")
    client.execute_command("JSON.SET", "product:1", "$", '{"price":10.10}')
    node = _primary(changing)
    changing.plane.kill_node(changing.name, node.name)
    assert [each.alive for each in changing.handle.shards[0].nodes] == [False]
    assert changing.cli("GET", "person:1").code == 1
    changing.plane.revive_node(changing.name, node.name)
    assert changing.cli("GET", "person:1").out == "Pat\n"
    assert changing.cli("JSON.GET", "product:1", "price").out == "10.10\n"


def test_a_lost_primary_is_replaced_by_its_replica_and_comes_back_as_one(changing: Lab) -> None:
    _shape(changing, replicas=1)
    changing.cluster_client().set("person:1", "Pat")
    lost = _primary(changing)
    changing.plane.kill_node(changing.name, lost.name)
    assert _primary(changing).name != lost.name
    assert changing.cli("-c", "GET", "person:1").out == "Pat\n"
    assert changing.cli("-c", "SET", "person:1", "John").out == "OK\n"
    changing.plane.revive_node(changing.name, lost.name)
    assert _roles(changing)[lost.name] == "replica"
    assert all(node.alive for node in changing.handle.shards[0].nodes)


def test_slots_move_with_their_data_while_clients_work(changing: Lab) -> None:
    _shape(changing)
    client = changing.cluster_client()
    for number in range(300):
        client.set(f"person:{number}", number)
        client.execute_command("JSON.SET", f"product:{number}", "$", f'{{"id":{number}}}')
    writer = _Writer(client)
    told: list[float] = []
    try:
        changing.plane.set_shards(changing.name, 3, told.append)
        grown = changing.handle.shards
        changing.plane.set_shards(changing.name, 1, told.append)
    finally:
        writer.stop()
    assert [shard.name for shard in grown] == ["0001", "0002", "0003"]
    assert [shard.slots for shard in grown] == ["0-5460", "5461-10921", "10922-16383"]
    assert [shard.slots for shard in changing.handle.shards] == ["0-16383"]
    middle = told.index(100.0) + 1
    for part in (told[:middle], told[middle:]):
        assert part == sorted(part)
        assert (part[0], part[-1]) == (0.0, 100.0)
        assert len(part) > 5
    assert [client.get(f"person:{number}") for number in range(300)] == [b"%d" % n for n in range(300)]
    assert client.execute_command("JSON.GET", "product:299", "id") == b"299"
    assert writer.acknowledged > 0
    assert int(client.get("counter")) >= writer.acknowledged


def test_keys_sees_only_the_node_that_was_asked_and_moved_leads_to_the_right_proxy(changing: Lab) -> None:
    _shape(changing, shards=2)
    client = changing.cluster_client()
    client.flushall()
    for number in range(20):
        client.set(f"person:{number}", number)
    one = set(changing.cli("KEYS", "person:*").out.split())
    assert 0 < len(one) < 20
    assert len(client.keys("person:*", target_nodes="primaries")) == 20
    missing = next(f"person:{n}" for n in range(20) if f"person:{n}" not in one)
    second = changing.handle.shards[1].nodes[0]
    assert changing.cli("GET", missing).out.split()[2] == f"{second.address}:6379"
    assert changing.cli("-c", "GET", missing).out == missing.partition(":")[2] + "\n"
    piped = changing.cli("-c", stdin=f"GET {missing}\n").out
    assert piped.splitlines()[0].startswith("-> Redirected to slot [")


def test_a_dead_node_refuses_connections(changing: Lab) -> None:
    _shape(changing)
    with changing.client() as client:
        client.ping()
        changing.plane.kill_node(changing.name, _primary(changing).name)
        with pytest.raises(ValkeyConnectionError):
            client.ping()
