"""Plans of clusters through the planned world: a later step sees what an earlier one only plans."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.contract import Module
from runbook.model import Action, Change
from runbook.modules.memorydb_cluster import MemorydbCluster
from runbook.modules.memorydb_info import MemorydbInfo
from runbook.plain import plain
from runbook.values import Unknown, UnknownValue

from tests.support.context import RecordingContext
from tests.support.module_cases import make_params
from tests.support.world import World

MODULE: Module = MemorydbCluster()
LAB = {
    "name": "lab-cluster",
    "node_type": "db.r6g.large",
    "engine_version": "7.2",
    "acl": "open-access",
    "subnet_group": "LabSubnets",
    "security_groups": ["MemoryDBSecurityGroup"],
    "at_creation": {"replicas_per_shard": 0},
}


def plan(observed: Any, **args: Any) -> Change:
    return MODULE.plan(make_params(MODULE, args), observed)


def test_a_later_step_changes_what_an_earlier_one_plans_to_create() -> None:
    created = plan(None, **LAB)
    scaled = plan(created.after, name="lab-cluster", replicas_per_shard=1)
    assert scaled.action is Action.UPDATE
    assert scaled.reason == "replicas per shard 1 asked for, 0 there"
    assert scaled.after.replicas_per_shard == 1


def test_the_same_step_again_plans_nothing() -> None:
    created = plan(None, **LAB)
    assert plan(created.after, **LAB).action is Action.NONE


def test_what_only_aws_decides_is_not_guessed() -> None:
    created = plan(None, **LAB)
    with pytest.raises(UnknownValue, match="memorydb:cluster/lab-cluster maintenance_window"):
        plan(created.after, name="lab-cluster", maintenance_window="sun:23:00-mon:01:30")


def test_a_planned_cluster_is_not_called_busy() -> None:
    created = plan(None, **LAB)
    assert created.after.status == "available"
    assert isinstance(created.result.endpoint, Unknown)


def test_info_tells_of_a_planned_cluster() -> None:
    created = plan(None, **LAB)
    world = World(
        [
            {
                "call": "memorydb.DescribeSubnetGroups",
                "params": {"SubnetGroupName": "labsubnets"},
                "answer": {"SubnetGroups": [{"Name": "labsubnets", "VpcId": "vpc-0000aaaa"}]},
            },
            {"call": "memorydb.DescribeACLs", "answer": {"ACLs": [{"Name": "open-access", "Clusters": []}]}},
            {"call": "memorydb.DescribeEngineVersions", "params": {"Engine": "valkey"}, "answer": {}},
        ]
    )
    ctx = RecordingContext(clients=world.client, known={"memorydb:cluster/lab-cluster": created.after})
    info: Module = MemorydbInfo()
    with world.running():
        found = info.observe(ctx, make_params(info, {"name": "lab-cluster"}))
    assert found.cluster is created.after
    assert found.subnet_group is not None
    assert found.subnet_group.vpc_id == "vpc-0000aaaa"
    assert isinstance(plain(found)["acl"]["clusters"], Unknown), "AWS does not list a planned cluster"
