"""The MemoryDB modules against the sandbox: a cluster's life, and what AWS does to the unlucky."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from runbook.contract import Target
from runbook.errors import Failed, Stopped
from runbook.model import Action
from runbook.modules._aws import Clients

from tests.support.cli import Desk
from tests.support.context import WaitingContext
from tests.support.module_cases import load_module, make_params

Play: TypeAlias = Callable[..., tuple[Action, Any]]


SPEED = "1000"
"""A creation of a quarter of an hour takes a second."""


@dataclass
class Account:
    """Plays modules against the sandbox and keeps what was seen."""

    desk: Desk
    target: Target
    clients: Clients = field(default_factory=Clients)
    last: WaitingContext = field(default_factory=WaitingContext)
    faulty: bool = False

    def play(self, module: str, **args: Any) -> tuple[Action, Any]:
        """What the module did, and its result."""
        made = load_module(module)
        self.last = WaitingContext(
            clients=lambda service, retries: self.clients.client(self.target, service, retries=retries),
            target=self.target,
        )
        params = make_params(made, args)
        change = made.plan(params, made.observe(self.last, params))
        if change.action is Action.NONE:
            return change.action, change.result
        return change.action, made.apply(self.last, params, change)

    def fault(self, *words: str) -> None:
        self.faulty = True
        ordered = self.desk.sandbox("fault", "add", "--service", "memorydb", *words)
        assert ordered.code == 0, ordered

    def clear(self) -> None:
        if self.faulty:
            self.desk.sandbox("fault", "clear")
            self.faulty = False


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    desk = Desk(tmp_path_factory.mktemp("memorydb"))
    facts = desk.up("--speed", SPEED)
    names = ("endpoint_url", "region", "access_key_id", "secret_access_key", "ca_file", "speed")
    yield Account(desk, Target(**{name: facts[name] for name in names}))
    desk.sandbox("down")


@pytest.fixture
def cluster(account: Account) -> Iterator[Play]:
    """Plays `memorydb_cluster` for a cluster `c` that is there with one node, as the test before left it or new."""
    account.play(
        "memorydb_subnet_group", name="Two", vpc="LabVPC", subnets=["Private Subnet 1", "Private Subnet 2"]
    )

    def play(**args: Any) -> tuple[Action, Any]:
        return account.play("memorydb_cluster", name="c", **args)

    play(
        node_type="db.r6g.large",
        acl="open-access",
        subnet_group="Two",
        security_groups=["MemoryDBSecurityGroup"],
        shards=1,
        replicas_per_shard=0,
    )
    yield play
    account.clear()


def test_life_of_a_cluster(account: Account, cluster: Play) -> None:
    action, found = cluster(
        node_type="db.r6g.large",
        subnet_group="Two",
        security_groups=["MemoryDBSecurityGroup"],
        port=6379,
        tls=True,
    )
    assert action is Action.NONE
    assert (found.status, found.shards, found.replicas_per_shard, found.ours) == ("available", 1, 0, True)
    assert found.endpoint
    assert len(found.nodes) == 1

    action, found = cluster(shards=2, replicas_per_shard=1, description="bigger", tags={"a": "b"})
    assert action is Action.UPDATE
    assert account.last.effects == ["tag", "update description", "update shards", "update replicas_per_shard"]
    assert (found.shards, found.replicas_per_shard, found.tags) == (2, 1, {"a": "b"})
    assert {node.shard for node in found.nodes} == {"0001", "0002"}
    assert found.availability_mode == "multiaz"

    _, info = account.play("memorydb_info", name="c")
    assert info.cluster == found
    assert "c" in info.acl.clusters
    assert info.subnet_group.zones == info.cluster.zones
    assert {version.engine for version in info.engine_versions} == {"valkey"}

    with pytest.raises(Failed, match="say what becomes of it"):
        cluster(state="absent")
    action, found = cluster(state="absent", final_snapshot="last")
    assert (action, found.status) == (Action.DELETE, "absent")
    assert cluster(state="absent")[0] is Action.NONE


def test_a_subnet_group_goes_after_its_cluster(account: Account, cluster: Play) -> None:
    cluster(state="absent", final_snapshot="none", wait=False)
    action, found = account.play("memorydb_subnet_group", name="two", state="absent")
    assert (action, found.state) == (Action.DELETE, "absent")
    assert account.last.phases == ["in use by a cluster"]


def test_an_update_taken_back_is_a_failure_with_the_reason(account: Account, cluster: Play) -> None:
    account.fault("--kind", "revert", "--call", "UpdateCluster")
    with pytest.raises(
        Failed, match=r"took it back: replicas per shard 1 was asked for, 0 is there.*AWS reports:.*capacity"
    ):
        cluster(replicas_per_shard=1)
    assert cluster(replicas_per_shard=1)[1].replicas_per_shard == 1


@pytest.mark.parametrize("kind", ["lose-response", "throttle"])
def test_trouble_on_the_way_changes_nothing_in_the_end(account: Account, cluster: Play, kind: str) -> None:
    account.fault("--kind", kind, "--call", "UpdateCluster")
    action, found = cluster(replicas_per_shard=1)
    assert (action, found.replicas_per_shard) == (Action.UPDATE, 1)


def test_expired_credentials_stop_the_run(account: Account, cluster: Play) -> None:
    account.fault("--kind", "expire-credentials")
    with pytest.raises(Stopped, match="credentials have expired"):
        cluster(replicas_per_shard=1)


def test_a_lost_answer_makes_no_second_cluster(account: Account, cluster: Play) -> None:
    cluster(state="absent", final_snapshot="none")
    account.fault("--kind", "lose-response", "--call", "CreateCluster")
    action, found = cluster(
        node_type="db.r6g.large", acl="open-access", subnet_group="Two", replicas_per_shard=0
    )
    assert (action, found.status, found.ours) == (Action.CREATE, "available", True)
