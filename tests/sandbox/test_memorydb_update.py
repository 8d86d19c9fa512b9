"""UpdateCluster: one change of topology at a time, verified results, silent roll-back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runbook.sandbox.assumptions import Assumptions
from runbook.sandbox.faults import Fault, FaultKind

from tests.support.memorydb_account import MemoryDbAccount


@pytest.fixture
def aws() -> MemoryDbAccount:
    return MemoryDbAccount()


def replicas(count: int) -> dict[str, object]:
    return {"ClusterName": "lab", "ReplicaConfiguration": {"ReplicaCount": count}}


def test_a_replica_is_added_in_the_other_zone(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("UpdateCluster", **replicas(1))
    aws.pass_time(599)
    assert aws.cluster()["Status"] == "updating"
    assert aws.cluster()["Shards"][0]["Status"] == "modifying"
    aws.pass_time(1)
    cluster = aws.cluster()
    nodes = [(node["Name"], node["AvailabilityZone"]) for node in cluster["Shards"][0]["Nodes"]]
    assert nodes == [("lab-0001-001", "eu-west-2a"), ("lab-0001-002", "eu-west-2b")]
    assert (cluster["Status"], cluster["AvailabilityMode"]) == ("available", "multiaz")


def test_nodes_keep_their_place_and_age_when_others_come_and_go(aws: MemoryDbAccount) -> None:
    first = aws.make_cluster()["Shards"][0]["Nodes"][0]
    for count in (1, 0):
        aws.call("UpdateCluster", **replicas(count))
        aws.pass_time(600)
    assert aws.cluster()["Shards"][0]["Nodes"] == [first]


def test_right_after_an_accepted_update_readers_still_see_the_old_state(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    accepted = aws.call("UpdateCluster", **replicas(1))["Cluster"]
    assert accepted["Status"] == "updating"
    assert aws.cluster()["Status"] == "available"
    assert aws.refusal("UpdateCluster", **replicas(2)) == "InvalidClusterStateFault"
    aws.pass_time(3)
    assert aws.cluster()["Status"] == "updating"


def test_the_lag_of_readers_is_one_switch() -> None:
    aws = MemoryDbAccount(replace(Assumptions(), status_lag_seconds=0.0))
    aws.make_cluster()
    aws.call("UpdateCluster", **replicas(1))
    assert aws.cluster()["Status"] == "updating"


def test_an_update_that_changes_nothing_is_an_error(aws: MemoryDbAccount) -> None:
    aws.make_cluster(Description="same")
    assert aws.refusal("UpdateCluster", **replicas(0)) == "NoOperationFault"
    assert aws.refusal("UpdateCluster", ClusterName="lab", Description="same") == "NoOperationFault"
    assert aws.refusal("UpdateCluster", ClusterName="lab") == "InvalidParameterCombinationException"


def test_two_changes_of_topology_do_not_go_together(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    both = {"NodeType": "db.r6g.xlarge", **replicas(1)}
    assert aws.refusal("UpdateCluster", **both) == "InvalidParameterCombinationException"
    aws.call("UpdateCluster", Description="with metadata", **replicas(1))


def test_a_change_is_rolled_back_silently_on_request_and_an_event_tells_why(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.faults.add(Fault(FaultKind.REVERT, "memorydb", "UpdateCluster"))
    aws.call("UpdateCluster", **replicas(1))
    aws.pass_time(600)
    cluster = aws.cluster()
    assert (cluster["Status"], cluster["Shards"][0]["NumberOfNodes"]) == ("available", 1)
    assert "insufficient capacity" in aws.messages()[-1]
    assert ("replicas", "lab", 1) not in aws.nodes.asked
    aws.call("UpdateCluster", **replicas(1))
    aws.pass_time(600)
    assert aws.cluster()["Shards"][0]["NumberOfNodes"] == 2


def test_nodes_that_can_not_follow_are_a_roll_back_too(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.nodes.broken = "shards"
    aws.call("UpdateCluster", ClusterName="lab", ShardConfiguration={"ShardCount": 2})
    aws.pass_time(900)
    assert (aws.cluster()["Status"], aws.cluster()["NumberOfShards"]) == ("available", 1)
    assert "shards broke" in aws.messages()[-1]


def test_resharding_tells_its_progress(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("UpdateCluster", ClusterName="lab", ShardConfiguration={"ShardCount": 2})
    aws.pass_time(10)
    progress = aws.cluster()["PendingUpdates"]["Resharding"]["SlotMigration"]["ProgressPercentage"]
    assert progress == 50.0
    aws.pass_time(890)
    assert aws.cluster()["NumberOfShards"] == 2
    assert "PendingUpdates" not in {k for k, v in aws.cluster().items() if v}


def test_node_type_changes_to_what_is_allowed(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    wrong = {"ClusterName": "lab", "NodeType": "db.r6gd.xlarge"}
    assert aws.refusal("UpdateCluster", **wrong) == "InvalidParameterValueException"
    aws.call("UpdateCluster", ClusterName="lab", NodeType="db.r6g.xlarge")
    assert aws.cluster()["NodeType"] == "db.r6g.large"
    aws.pass_time(900)
    assert aws.cluster()["NodeType"] == "db.r6g.xlarge"


def test_engines_go_up_and_never_back(aws: MemoryDbAccount) -> None:
    aws.make_cluster(Engine="redis", EngineVersion="6.2")
    aws.call("UpdateCluster", ClusterName="lab", Engine="valkey", EngineVersion="7.2")
    aws.pass_time(900)
    cluster = aws.cluster()
    assert (cluster["Engine"], cluster["ParameterGroupName"]) == ("valkey", "default.memorydb-valkey7")
    back = {"ClusterName": "lab", "Engine": "redis", "EngineVersion": "7.1"}
    assert aws.refusal("UpdateCluster", **back) == "InvalidParameterCombinationException"
    aws.make_cluster("old", Engine="redis", EngineVersion="7.0")
    down = {"ClusterName": "old", "EngineVersion": "6.2"}
    assert aws.refusal("UpdateCluster", **down) == "InvalidParameterCombinationException"


def test_security_groups_change_but_never_all_go(aws: MemoryDbAccount) -> None:
    aws.make_cluster(SecurityGroupIds=["sg-1"])
    assert aws.refusal("UpdateCluster", ClusterName="lab", SecurityGroupIds=[]) == "NoOperationFault"
    aws.call("UpdateCluster", ClusterName="lab", SecurityGroupIds=["sg-2"])
    aws.pass_time(60)
    cluster = aws.cluster()
    assert cluster["SecurityGroups"] == [{"SecurityGroupId": "sg-2", "Status": "modifying"}]
    aws.pass_time(30)
    assert aws.cluster()["SecurityGroups"][0]["Status"] == "active"


def test_a_new_acl_is_pending_until_it_is_in_force(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("CreateUser", UserName="ann", AccessString="on ~* +@all",
             AuthenticationMode={"Type": "password", "Passwords": ["p" * 16]})  # fmt: skip
    aws.call("CreateACL", ACLName="team", UserNames=["ann"])
    aws.pass_time(60)
    aws.call("UpdateCluster", ClusterName="lab", ACLName="team")
    aws.pass_time(10)
    cluster = aws.cluster()
    assert (cluster["ACLName"], cluster["PendingUpdates"]["ACLs"]["ACLToApply"]) == ("open-access", "team")
    aws.pass_time(50)
    assert aws.cluster()["ACLName"] == "team"
    users = [asked for asked in aws.nodes.asked if asked[0] == "authorize"][-1][2]
    assert [(user.name, len(user.password_digests)) for user in users] == [("ann", 1)]


def test_what_takes_effect_at_once_leaves_the_cluster_available(aws: MemoryDbAccount) -> None:
    aws.make_cluster(SnsTopicArn="arn:aws:sns:eu-west-2:1:t")
    aws.call("UpdateCluster", ClusterName="lab", SnapshotRetentionLimit=3, SnsTopicStatus="INACTIVE")
    cluster = aws.cluster()
    assert (cluster["Status"], cluster["SnapshotRetentionLimit"]) == ("available", 3)
    assert cluster["SnsTopicStatus"] == "INACTIVE"
