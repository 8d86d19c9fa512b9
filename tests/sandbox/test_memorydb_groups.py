"""Subnet groups, parameter groups, engine versions, snapshots, events and tags."""

from __future__ import annotations

from datetime import timedelta

import pytest
from runbook.sandbox import assumptions
from runbook.sandbox.memorydb_state import SubnetFacts

from tests.support.memorydb_account import MemoryDbAccount, TwoZones


@pytest.fixture
def aws() -> MemoryDbAccount:
    return MemoryDbAccount()


# Subnet groups


def test_a_subnet_group_tells_its_vpc_and_zones(aws: MemoryDbAccount) -> None:
    asked = {"SubnetGroupName": "MemoryDBSubnetGroup", "SubnetIds": ["subnet-a", "subnet-b"]}
    group = aws.call("CreateSubnetGroup", **asked)["SubnetGroup"]
    assert (group["Name"], group["VpcId"]) == ("memorydbsubnetgroup", "vpc-1")
    assert [s["AvailabilityZone"]["Name"] for s in group["Subnets"]] == ["eu-west-2a", "eu-west-2b"]
    assert aws.refusal("CreateSubnetGroup", **asked) == "SubnetGroupAlreadyExistsFault"


def test_subnets_that_do_not_exist_or_belong_together_are_refused(aws: MemoryDbAccount) -> None:
    for ids in (["subnet-none"], ["subnet-a", "subnet-far"], []):
        assert aws.refusal("CreateSubnetGroup", SubnetGroupName="g", SubnetIds=ids) == "InvalidSubnet"


def test_a_zone_that_memorydb_does_not_serve_is_not_allowed(
    aws: MemoryDbAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "use1-az3" not in assumptions.SUPPORTED_ZONE_IDS["us-east-1"]
    aws.service._state.region = "us-east-1"
    far = SubnetFacts("subnet-3", "vpc-1", "us-east-1e", "use1-az3")
    monkeypatch.setitem(TwoZones.subnets, "subnet-3", far)
    asked = {"SubnetGroupName": "g", "SubnetIds": ["subnet-3"]}
    assert aws.refusal("CreateSubnetGroup", **asked) == "SubnetNotAllowedFault"


def test_a_subnet_group_can_go_only_when_its_cluster_is_really_gone(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    aws.call("DeleteCluster", ClusterName="lab")
    assert aws.refusal("DeleteSubnetGroup", SubnetGroupName="both") == "SubnetGroupInUseFault"
    aws.pass_time(300)
    aws.call("DeleteSubnetGroup", SubnetGroupName="BOTH")
    assert aws.refusal("DescribeSubnetGroups", SubnetGroupName="both") == "SubnetGroupNotFoundFault"


def test_subnets_with_nodes_in_their_zone_stay(aws: MemoryDbAccount) -> None:
    aws.make_cluster(NumReplicasPerShard=1)
    asked = {"SubnetGroupName": "both", "SubnetIds": ["subnet-a"]}
    assert aws.refusal("UpdateSubnetGroup", **asked) == "SubnetInUse"
    assert aws.call("UpdateSubnetGroup", SubnetGroupName="both", Description="x")


# Parameters and versions


def test_engine_versions_are_found_by_engine_version_and_family(aws: MemoryDbAccount) -> None:
    valkey = aws.call("DescribeEngineVersions", Engine="valkey")["EngineVersions"]
    assert {v["EngineVersion"] for v in valkey} == {"7.2", "7.3"}
    found = aws.call("DescribeEngineVersions", ParameterGroupFamily="memorydb_redis6")["EngineVersions"]
    assert [v["EnginePatchVersion"] for v in found] == ["6.2.6"]
    default = aws.call("DescribeEngineVersions", Engine="valkey", DefaultOnly=True)["EngineVersions"]
    assert [v["EngineVersion"] for v in default] == ["7.2"]


def test_the_default_parameter_groups_are_there_and_can_not_be_changed(aws: MemoryDbAccount) -> None:
    name = "default.memorydb-valkey7"
    group = aws.call("DescribeParameterGroups", ParameterGroupName=name)["ParameterGroups"][0]
    assert group["Family"] == "memorydb_valkey7"
    pairs = [{"ParameterName": "timeout", "ParameterValue": "20"}]
    change = {"ParameterGroupName": name, "ParameterNameValues": pairs}
    assert aws.refusal("UpdateParameterGroup", **change) == "InvalidParameterValueException"


def test_a_changed_parameter_group_is_applied_to_its_clusters(aws: MemoryDbAccount) -> None:
    aws.call("CreateParameterGroup", ParameterGroupName="mine", Family="memorydb_valkey7")
    aws.make_cluster(ParameterGroupName="mine")
    aws.pass_time(120)
    pairs = [{"ParameterName": "timeout", "ParameterValue": "20"}]
    aws.call("UpdateParameterGroup", ParameterGroupName="mine", ParameterNameValues=pairs)
    assert aws.cluster()["ParameterGroupStatus"] == "applying"
    rows = aws.call("DescribeParameters", ParameterGroupName="mine")["Parameters"]
    assert {row["Name"]: row["Value"] for row in rows}["timeout"] == "20"
    aws.pass_time(120)
    assert aws.cluster()["ParameterGroupStatus"] == "in-sync"
    aws.call("ResetParameterGroup", ParameterGroupName="mine", AllParameters=True)
    rows = aws.call("DescribeParameters", ParameterGroupName="mine")["Parameters"]
    assert {row["Name"]: row["Value"] for row in rows}["timeout"] == "0"
    assert aws.refusal("DeleteParameterGroup", ParameterGroupName="mine") == "InvalidParameterGroupStateFault"


def test_at_most_twenty_parameters_change_in_a_call(aws: MemoryDbAccount) -> None:
    aws.call("CreateParameterGroup", ParameterGroupName="mine", Family="memorydb_valkey7")
    pairs = [{"ParameterName": "timeout", "ParameterValue": "20"}] * 21
    asked = {"ParameterGroupName": "mine", "ParameterNameValues": pairs}
    assert aws.refusal("UpdateParameterGroup", **asked) == "InvalidParameterValueException"


# Snapshots


def test_a_cluster_is_snapshotting_until_its_snapshot_is_available(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    made = aws.call("CreateSnapshot", ClusterName="lab", SnapshotName="Kept")["Snapshot"]
    assert (made["Name"], made["Status"]) == ("kept", "creating")
    assert aws.cluster()["Status"] == "snapshotting"
    aws.pass_time(180)
    assert aws.cluster()["Status"] == "available"
    shown = aws.call("DescribeSnapshots", ClusterName="lab", ShowDetail=True)["Snapshots"][0]
    assert shown["Status"] == "available"
    assert shown["ClusterConfiguration"]["Shards"][0]["Configuration"]["Slots"] == "0-16383"
    aws.call("DeleteSnapshot", SnapshotName="kept")
    aws.pass_time(30)
    assert aws.refusal("DescribeSnapshots", SnapshotName="kept") == "SnapshotNotFoundFault"


# Events


def test_events_of_the_last_hour_are_shown_unless_asked_otherwise(aws: MemoryDbAccount) -> None:
    aws.make_cluster()
    assert aws.messages() == ["Cluster created."]
    aws.pass_time(3601)
    assert aws.messages() == []
    asked = {"SourceName": "lab", "SourceType": "cluster"}
    assert aws.call("DescribeEvents", Duration=120, **asked)["Events"]
    start = aws.clock.now() - timedelta(hours=2)
    assert aws.call("DescribeEvents", StartTime=start, **asked)["Events"]
    assert aws.refusal("DescribeEvents", SourceName="lab") == "InvalidParameterCombinationException"


# Tags


def test_tags_are_added_overwritten_and_removed(aws: MemoryDbAccount) -> None:
    arn = aws.make_cluster(Tags=[{"Key": "a", "Value": "1"}])["ARN"]
    aws.call("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    left = aws.call("UntagResource", ResourceArn=arn, TagKeys=["a"])["TagList"]
    assert left == aws.call("ListTags", ResourceArn=arn)["TagList"] == [{"Key": "b", "Value": "3"}]
    assert aws.refusal("UntagResource", ResourceArn=arn, TagKeys=["a"]) == "TagNotFoundFault"


def test_even_reading_tags_fails_while_a_cluster_changes(aws: MemoryDbAccount) -> None:
    arn = aws.make_cluster()["ARN"]
    aws.call("UpdateCluster", ClusterName="lab", ReplicaConfiguration={"ReplicaCount": 1})
    assert aws.refusal("ListTags", ResourceArn=arn) == "InvalidClusterStateFault"
    assert aws.refusal("ListTags", ResourceArn="arn:aws:s3:::x") == "InvalidARNFault"
    assert aws.refusal("ListTags", ResourceArn=arn + "x") == "ClusterNotFoundFault"
