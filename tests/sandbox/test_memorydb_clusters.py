"""A cluster's life: what each state allows, what time brings, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.support.memorydb_account import MemoryDbAccount


@pytest.fixture
def aws() -> MemoryDbAccount:
    return MemoryDbAccount()


def test_a_cluster_is_available_when_its_time_is_over_and_not_before(aws: MemoryDbAccount) -> None:
    aws.make_cluster("other")
    aws.call(
        "CreateCluster",
        ClusterName="Lab",
        NodeType="db.r6g.large",
        ACLName="open-access",
        SubnetGroupName="both",
        Engine="valkey",
    )
    aws.pass_time(899)
    assert aws.cluster()["Status"] == "creating"
    assert "Address" not in aws.cluster()["ClusterEndpoint"]
    aws.pass_time(1)
    cluster = aws.cluster()
    assert cluster["Status"] == "available"
    assert cluster["ClusterEndpoint"] == {"Address": "127.1.2.1", "Port": 6379}


def test_a_cluster_waits_for_its_nodes_even_when_its_time_is_over(aws: MemoryDbAccount) -> None:
    aws.make_cluster("warm")
    ready = threading.Event()

    def slow(*_: object, **__: object) -> None:
        ready.wait(10)

    aws.nodes.create_cluster = slow  # type: ignore[method-assign]
    aws.nodes.sizes["lab"], aws.nodes.ports["lab"] = [1, 0], 6379
    aws.call("CreateCluster", ClusterName="lab", NodeType="db.r6g.large", ACLName="open-access",
             SubnetGroupName="both", NumReplicasPerShard=0)  # fmt: skip
    aws._seconds += 5000
    assert aws.cluster()["Status"] == "creating"
    ready.set()
    aws.pass_time(0)
    assert aws.cluster()["Status"] == "available"


def test_zero_replicas_are_zero_and_one_is_the_default(aws: MemoryDbAccount) -> None:
    assert aws.make_cluster("zero")["Shards"][0]["NumberOfNodes"] == 1
    aws.call("CreateCluster", ClusterName="one", NodeType="db.r6g.large", ACLName="open-access")
    aws.pass_time(900)
    assert aws.cluster("one")["Shards"][0]["NumberOfNodes"] == 2


def test_engine_version_and_parameter_group_are_as_asked(aws: MemoryDbAccount) -> None:
    cluster = aws.make_cluster(EngineVersion="7.2", ParameterGroupName="default.memorydb-valkey7")
    assert (cluster["Engine"], cluster["EngineVersion"], cluster["EnginePatchVersion"]) == (
        "valkey",
        "7.2",
        "7.2.6",
    )
    assert cluster["ParameterGroupStatus"] == "applying"
    aws.pass_time(120)
    assert aws.cluster()["ParameterGroupStatus"] == "in-sync"


def test_names_are_kept_in_lower_case_and_found_in_any(aws: MemoryDbAccount) -> None:
    assert aws.make_cluster("Lab-Cluster")["Name"] == "lab-cluster"
    assert aws.cluster("LAB-CLUSTER")["Name"] == "lab-cluster"
    asked = {"NodeType": "db.r6g.large", "ACLName": "open-access"}
    assert aws.refusal("CreateCluster", ClusterName="LAB-cluster", **asked) == "ClusterAlreadyExistsFault"
    for bad in ("1st", "a--b", "a-", "x" * 41, "ä"):
        assert aws.refusal("CreateCluster", ClusterName=bad, **asked) == "InvalidParameterValueException"


def test_shards_are_shown_only_where_they_were_asked_for(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    assert "Shards" not in aws.call("DescribeClusters", ClusterName="lab")["Clusters"][0]
    shard = aws.cluster()["Shards"][0]
    assert (shard["Name"], shard["Slots"], shard["Nodes"][0]["Name"]) == ("0001", "0-16383", "lab-0001-001")


def test_nodes_stand_in_the_zones_of_the_subnet_group(aws: MemoryDbAccount) -> None:
    cluster = aws.make_cluster(NumShards=2, NumReplicasPerShard=1)
    zones = [[node["AvailabilityZone"] for node in shard["Nodes"]] for shard in cluster["Shards"]]
    assert zones == [["eu-west-2a", "eu-west-2b"], ["eu-west-2b", "eu-west-2a"]]
    assert cluster["AvailabilityMode"] == "multiaz"


def test_two_nodes_in_one_zone_are_accepted_and_are_not_highly_available(aws: MemoryDbAccount) -> None:
    aws.call("CreateSubnetGroup", SubnetGroupName="one", SubnetIds=["subnet-a"])
    cluster = aws.make_cluster(SubnetGroupName="one", NumReplicasPerShard=1)
    assert cluster["AvailabilityMode"] == "singleaz"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"NodeType": "db.t2.small"}, "InvalidParameterValueException"),
        ({"ACLName": "nobody"}, "ACLNotFoundFault"),
        ({"SubnetGroupName": "none"}, "SubnetGroupNotFoundFault"),
        ({"ParameterGroupName": "none"}, "ParameterGroupNotFoundFault"),
        ({"ParameterGroupName": "default.memorydb-redis7"}, "InvalidParameterCombinationException"),
        ({"EngineVersion": "9.9"}, "InvalidParameterValueException"),
        ({"EngineVersion": "7.3"}, "InvalidParameterValueException"),
        ({"Engine": "memcached"}, "InvalidParameterValueException"),
        ({"NumReplicasPerShard": 6}, "InvalidParameterValueException"),
        ({"NumShards": 0}, "InvalidParameterValueException"),
        ({"NumShards": 501}, "ShardsPerClusterQuotaExceededFault"),
        ({"NumShards": 400, "NumReplicasPerShard": 1}, "NodeQuotaForClusterExceededFault"),
        ({"NumShards": 30}, "InsufficientClusterCapacityFault"),
        ({"SecurityGroupIds": ["sg-none"]}, "InvalidParameterValueException"),
        ({"SecurityGroupIds": ["sg-far"]}, "InvalidParameterValueException"),
        ({"DataTiering": True}, "InvalidParameterCombinationException"),
        ({"MultiRegionClusterName": "far"}, "MultiRegionClusterNotFoundFault"),
        ({"SnapshotName": "none"}, "InvalidParameterValueException"),
        ({"Port": 80}, "InvalidParameterValueException"),
        ({"Tags": [{"Key": str(n), "Value": ""} for n in range(51)]}, "TagQuotaPerResourceExceeded"),
    ],
)
def test_what_no_cluster_can_be_is_refused_and_leaves_nothing(
    aws: MemoryDbAccount, wrong: dict[str, object], code: str
) -> None:
    aws.make_cluster("first")
    asked = {
        "NodeType": "db.r6g.large",
        "ACLName": "open-access",
        "Engine": "valkey",
        "SubnetGroupName": "both",
    }
    assert aws.refusal("CreateCluster", ClusterName="lab", **(asked | wrong)) == code
    assert aws.refusal("DescribeClusters", ClusterName="lab") == "ClusterNotFoundFault"


def test_without_tls_only_open_access_is_allowed(aws: MemoryDbAccount) -> None:
    aws.call("CreateACL", ACLName="team", UserNames=["default"])
    aws.pass_time(60)
    asked = {"ClusterName": "lab", "NodeType": "db.r6g.large", "TLSEnabled": False}
    assert aws.refusal("CreateCluster", ACLName="team", **asked) == "InvalidParameterCombinationException"
    assert aws.call("CreateCluster", ACLName="open-access", **asked)["Cluster"]["TLSEnabled"] is False


def test_a_creation_that_breaks_ends_in_create_failed_whose_only_way_out_is_deletion(
    aws: MemoryDbAccount,
) -> None:
    aws.nodes.broken = "create"
    assert aws.make_cluster()["Status"] == "create-failed"
    assert "create broke" in aws.messages()[-1]
    assert aws.refusal("UpdateCluster", ClusterName="lab", Description="x") == "InvalidClusterStateFault"
    aws.call("DeleteCluster", ClusterName="lab")
    aws.pass_time(300)
    assert aws.refusal("DescribeClusters", ClusterName="lab") == "ClusterNotFoundFault"


_CHANGES: dict[str, dict[str, Any]] = {
    "UpdateCluster": {"Description": "new"},
    "CreateSnapshot": {"SnapshotName": "kept"},
    "FailoverShard": {"ShardName": "0001"},
    "DeleteCluster": {},
}


@pytest.mark.parametrize("operation", _CHANGES)
@pytest.mark.parametrize("state", ["creating", "updating", "snapshotting", "deleting"])
def test_only_an_available_cluster_can_be_changed(aws: MemoryDbAccount, state: str, operation: str) -> None:
    if state == "creating":
        aws.call("CreateCluster", ClusterName="lab", NodeType="db.r6g.large", ACLName="open-access")
    else:
        aws.make_cluster(NumReplicasPerShard=1)
        begin: dict[str, tuple[str, dict[str, Any]]] = {
            "updating": ("UpdateCluster", {"ReplicaConfiguration": {"ReplicaCount": 2}}),
            "snapshotting": ("CreateSnapshot", {"SnapshotName": "first"}),
            "deleting": ("DeleteCluster", {}),
        }
        name, params = begin[state]
        aws.call(name, ClusterName="lab", **params)
    aws.pass_time(4)
    assert aws.cluster()["Status"] == state
    assert aws.refusal(operation, ClusterName="lab", **_CHANGES[operation]) == "InvalidClusterStateFault"


def test_a_deleted_cluster_is_shown_until_it_is_gone(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("DeleteCluster", ClusterName="lab")
    aws.pass_time(299)
    assert aws.cluster()["Status"] == "deleting"
    aws.pass_time(1)
    assert aws.refusal("DescribeClusters", ClusterName="lab") == "ClusterNotFoundFault"
    assert ("delete", "lab") in aws.nodes.asked


def test_the_final_snapshot_needs_a_new_name_and_outlives_its_cluster(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("CreateSnapshot", ClusterName="lab", SnapshotName="taken")
    aws.pass_time(180)
    again = {"ClusterName": "lab", "FinalSnapshotName": "taken"}
    assert aws.refusal("DeleteCluster", **again) == "SnapshotAlreadyExistsFault"
    aws.call("DeleteCluster", ClusterName="lab", FinalSnapshotName="final")
    aws.pass_time(300)
    snapshot = aws.call("DescribeSnapshots", SnapshotName="final")["Snapshots"][0]
    assert (snapshot["Status"], snapshot["ClusterConfiguration"]["Name"]) == ("available", "lab")
    assert aws.nodes.asked.index(("dump", "lab", "final")) < aws.nodes.asked.index(("delete", "lab"))


def test_a_cluster_restored_from_a_snapshot_gets_its_data(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("CreateSnapshot", ClusterName="lab", SnapshotName="taken")
    aws.pass_time(180)
    aws.make_cluster("copy", SnapshotName="taken")
    assert ("load", "copy", "taken") in aws.nodes.asked


def test_a_failover_needs_a_replica_and_a_shard_that_is_there(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    lone = {"ClusterName": "lab", "ShardName": "0001"}
    assert aws.refusal("FailoverShard", **lone) == "InvalidClusterStateFault"
    aws.make_cluster("pair", NumReplicasPerShard=1)
    assert aws.refusal("FailoverShard", ClusterName="pair", ShardName="0002") == "ShardNotFoundFault"
    aws.call("FailoverShard", ClusterName="pair", ShardName="0001")
    assert aws.cluster("pair")["Shards"][0]["Status"] == "modifying"
    aws.pass_time(120)
    assert aws.cluster("pair")["Status"] == "available"
    assert ("failover", "pair", "0001") in aws.nodes.asked


def test_too_many_failovers_in_a_day_are_refused(aws: MemoryDbAccount) -> None:
    aws.make_cluster(NumReplicasPerShard=1)
    asked = {"ClusterName": "lab", "ShardName": "0001"}
    for _ in range(15):
        aws.call("FailoverShard", **asked)
        aws.pass_time(120)
    assert aws.refusal("FailoverShard", **asked) == "APICallRateForCustomerExceededFault"
    aws.pass_time(86_400)
    aws.call("FailoverShard", **asked)


def test_clusters_come_in_pages(aws: MemoryDbAccount) -> None:
    for name in ("c", "a", "b"):
        aws.make_cluster(name)
    first = aws.call("DescribeClusters", MaxResults=2)
    assert [cluster["Name"] for cluster in first["Clusters"]] == ["a", "b"]
    rest = aws.call("DescribeClusters", MaxResults=2, NextToken=first["NextToken"])
    assert [cluster["Name"] for cluster in rest["Clusters"]] == ["c"]
    assert "NextToken" not in rest
    assert aws.refusal("DescribeClusters", NextToken="%%%") == "InvalidParameterValueException"


def test_node_types_to_scale_to_are_told(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    told = aws.call("ListAllowedNodeTypeUpdates", ClusterName="lab")
    assert "db.r6g.xlarge" in told["ScaleUpNodeTypes"]
    assert told["ScaleDownNodeTypes"] == ["db.t4g.small", "db.t4g.medium"]
