"""The data plane as the control plane uses it: several clusters, users, snapshots, and an end without leftovers."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox import addresses
from runbook.sandbox.certificates import Certificates
from runbook.sandbox.dataplane import DataPlane, DataPlaneError, DataPlaneSettings, User

from tests.support.clusters import Lab, running_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("dataplane"), tls=False) as running:
        yield running


@pytest.fixture
def open_lab(own_lab: Lab) -> Lab:
    """A cluster without TLS, open to anybody."""
    own_lab.plane.authorize(own_lab.name, None)
    own_lab.cli("FLUSHALL", tls=False)
    return own_lab


def test_a_cluster_is_described_with_its_endpoint_shards_and_nodes(shared_lab: Lab) -> None:
    handle = shared_lab.handle
    (shard,) = handle.shards
    (node,) = shard.nodes
    assert (handle.name, handle.port, handle.tls) == ("lab-cluster", 6379, True)
    assert (shard.name, shard.slots) == ("0001", "0-16383")
    assert (node.name, node.port, node.role, node.alive) == ("lab-cluster-0001-001", 6379, "primary", True)
    assert node.address != handle.address


def test_a_cluster_without_tls_is_reached_without(open_lab: Lab) -> None:
    assert open_lab.cli("SET", "a", "b", tls=False).out == "OK\n"
    assert open_lab.cli("JSON.SET", "d", "$", "[1]", tls=False).out == "OK\n"


def test_what_does_not_exist_is_refused_by_name(open_lab: Lab) -> None:
    with pytest.raises(DataPlaneError, match="there is no cluster nobody"):
        open_lab.plane.describe("nobody")
    with pytest.raises(DataPlaneError, match="there is a cluster lab-cluster already"):
        open_lab.plane.create_cluster("lab-cluster", port=6379, shards=1, replicas=0)
    with pytest.raises(DataPlaneError, match="has no node nobody-0001-001"):
        open_lab.plane.kill_node(open_lab.name, "nobody-0001-001")


def test_a_second_cluster_is_another_world_and_goes_without_a_trace(open_lab: Lab) -> None:
    open_lab.cli("SET", "a", "b", tls=False)
    handle = open_lab.plane.create_cluster("second", port=6379, shards=1, replicas=0, tls=False)
    second = Lab(open_lab.plane, open_lab.certificates, "second")
    assert handle.address != open_lab.handle.address
    assert second.cli("GET", "a", tls=False).out == "\n"
    open_lab.plane.delete_cluster("second")
    for place in ((handle.address, handle.port), (handle.shards[0].nodes[0].address, 6379)):
        assert "Connection refused" in open_lab.cli("-h", place[0], "PING", tls=False).error
    with pytest.raises(DataPlaneError):
        open_lab.plane.describe("second")
    again = open_lab.plane.create_cluster("second", port=6379, shards=1, replicas=0, tls=False)
    assert again.address == handle.address
    open_lab.plane.delete_cluster("second")


def _user(name: str, access: str, *passwords: str) -> User:
    return User(name, access, tuple(hashlib.sha256(word.encode()).hexdigest() for word in passwords))


def test_only_the_users_of_the_access_control_list_get_in(open_lab: Lab) -> None:
    users = [
        _user("admin", "on ~* &* +@all", "first-password", "second-password"),
        _user("reader", "on ~product:* -@all +@read", "reader-password"),
        _user("writer", "on ~* -@all +@read +@write +json.set", "writer-password"),
        _user("idle", "~* +@all", "idle-password"),
    ]
    open_lab.plane.authorize(open_lab.name, users)

    def run(user: str, password: str, *words: str) -> str:
        answer = open_lab.cli("--user", user, "--pass", password, "--no-auth-warning", *words, tls=False)
        return (answer.error + answer.out).strip()

    assert "NOAUTH" in open_lab.cli("GET", "a", tls=False).out
    assert run("admin", "wrong", "GET", "a").startswith("AUTH failed: WRONGPASS")
    assert run("admin", "first-password", "JSON.SET", "product:1", "$", "[1]") == "OK"
    assert run("admin", "second-password", "SET", "person:1", "Pat") == "OK"
    assert run("admin", "second-password", "CONFIG", "GET", "*").startswith("NOPERM")
    assert run("reader", "reader-password", "JSON.GET", "product:1") == "[1]"
    assert run("reader", "reader-password", "GET", "person:1").startswith("NOPERM")
    assert run("reader", "reader-password", "JSON.SET", "product:1", "$", "2").startswith("NOPERM")
    assert run("writer", "writer-password", "JSON.SET", "product:1", "[0]", "2") == "OK"
    assert run("writer", "writer-password", "JSON.GET", "product:1") == "[2]"
    assert run("idle", "idle-password", "PING").startswith("AUTH failed")

    open_lab.plane.authorize(open_lab.name, users[:1])
    assert run("reader", "reader-password", "JSON.GET", "product:1").startswith("AUTH failed")
    open_lab.plane.authorize(open_lab.name, None)
    assert open_lab.cli("GET", "person:1", tls=False).out == "Pat\n"


def test_new_nodes_know_the_users_too(open_lab: Lab) -> None:
    open_lab.plane.authorize(open_lab.name, [_user("admin", "on ~* &* +@all", "a-password")])
    open_lab.plane.set_replicas(open_lab.name, 1)
    replica = next(node for node in open_lab.handle.shards[0].nodes if node.role == "replica")
    assert "NOAUTH" in open_lab.cli("-h", replica.address, "DBSIZE", tls=False).out
    answer = open_lab.cli("-h", replica.address, "--user", "admin", "--pass", "a-password", "PING", tls=False)
    assert answer.out == "PONG\n"
    open_lab.plane.set_replicas(open_lab.name, 0)


def test_an_access_string_that_is_none_is_refused(open_lab: Lab) -> None:
    with pytest.raises(DataPlaneError, match="ACL SETUSER"):
        open_lab.plane.authorize(open_lab.name, [_user("odd", "on ~* +@nonsense")])


def test_a_snapshot_fills_a_cluster_of_another_shape(open_lab: Lab) -> None:
    for number in range(50):
        open_lab.cli("SET", f"person:{number}", str(number), tls=False)
    open_lab.cli("JSON.SET", "product:1", "$", '{"price":10.10}', tls=False)
    open_lab.cli("SET", "soon", "gone", "EX", "1000", tls=False)
    open_lab.plane.dump(open_lab.name, "before")
    open_lab.cli("FLUSHALL", tls=False)
    open_lab.plane.create_cluster("restored", port=6379, shards=2, replicas=0, tls=False)
    restored = Lab(open_lab.plane, open_lab.certificates, "restored")
    open_lab.plane.load("restored", "before")
    assert restored.cli("-c", "GET", "person:49", tls=False).out == "49\n"
    assert restored.cli("-c", "JSON.GET", "product:1", tls=False).out == '{"price":10.10}\n'
    assert 900 < int(restored.cli("-c", "TTL", "soon", tls=False).out) <= 1000
    open_lab.plane.delete_cluster("restored")
    open_lab.plane.forget("before")
    with pytest.raises(DataPlaneError, match="snapshot before"):
        open_lab.plane.load(open_lab.name, "before")


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    plane = DataPlane(
        tmp_path / "nodes", Certificates(tmp_path), DataPlaneSettings(valkey_server=Path("/bin/false"))
    )
    plane.start()
    try:
        with pytest.raises(DataPlaneError, match="lab-cluster-0001-001 ended before it could answer"):
            plane.create_cluster("lab-cluster", port=6379, shards=1, replicas=0)
        with pytest.raises(DataPlaneError, match="no cluster"):
            plane.describe("lab-cluster")
    finally:
        plane.stop()


def test_nothing_is_left_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, time\n"
        "from tests.support.clusters import running_lab\n"
        f"with running_lab(pathlib.Path({str(tmp_path)!r})) as lab:\n"
        "    print(lab.handle.address, flush=True)\n"
        "    time.sleep(60)\n"
    )
    repository = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=repository, stdout=subprocess.PIPE) as sandbox:
        assert sandbox.stdout is not None
        assert sandbox.stdout.readline().startswith(b"127.")
        assert _servers(tmp_path)
        os.kill(sandbox.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _servers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _servers(tmp_path) == []


def _servers(directory: Path) -> list[str]:
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(directory) in line]


def test_where_only_one_address_exists_clusters_work_on_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = addresses._can_bind
    monkeypatch.setattr(
        addresses, "_can_bind", lambda address, port: address == "127.0.0.1" and real(address, port)
    )
    with running_lab(tmp_path, replicas=1, port=16379) as lab:
        assert (lab.handle.address, lab.handle.port) == ("127.0.0.1", 16379)
        assert {node.address for node in lab.handle.shards[0].nodes} == {"127.0.0.1"}
        client = lab.cluster_client()
        client.execute_command("JSON.SET", "product:1", "$", "[1]")
        lab.plane.failover(lab.name, "0001")
        assert lab.cli("-c", "JSON.GET", "product:1").out == "[1]\n"


# A module in the fewest words, without Valkey's header: `JSON.SET` that says who it is.
_MODULE = """
typedef int (*get_t)(const char *, void *);
static int (*create)(void *, const char *, void *, const char *, int, int, int);
static int (*attribs)(void *, const char *, int, int);
static int (*status)(void *, const char *);
static int set(void *ctx, void **argv, int argc) { (void)argv; (void)argc; return status(ctx, "module"); }
int ValkeyModule_OnLoad(void *ctx, void **argv, int argc) {
    get_t get = *(get_t *)ctx;
    (void)argv; (void)argc;
    get("ValkeyModule_CreateCommand", &create);
    get("ValkeyModule_SetModuleAttribs", &attribs);
    get("ValkeyModule_ReplyWithSimpleString", &status);
    attribs(ctx, "json", 1, 1);
    return create(ctx, "JSON.SET", (void *)set, "write", 1, 1, 1);
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler on this machine")
def test_a_server_that_has_the_json_commands_itself_is_used_as_it_is(tmp_path: Path) -> None:
    source, module = tmp_path / "json.c", tmp_path / "json.so"
    source.write_text(_MODULE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(module), str(source)], check=True)
    plane = DataPlane(tmp_path / "nodes", Certificates(tmp_path), DataPlaneSettings(valkey_modules=(module,)))
    plane.start()
    try:
        plane.create_cluster("lab-cluster", port=6379, shards=1, replicas=0, tls=False)
        lab = Lab(plane, Certificates(tmp_path), "lab-cluster")
        assert lab.cli("JSON.SET", "product:1", "$", "1", tls=False).out == "module\n"
        assert lab.cli("TYPE", "product:1", tls=False).out == "none\n"
    finally:
        plane.stop()
