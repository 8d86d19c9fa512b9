"""The sandbox as a process: up, down, reset, faults and the world at its start, over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from valkey import Valkey
from valkey.cluster import ValkeyCluster

from tests.support.sandbox_process import TEMPLATE, Running, command, running_sandbox, until

if TYPE_CHECKING:
    pass

ClientError = botocore.exceptions.ClientError


def code(error: pytest.ExceptionInfo[Any]) -> str:
    found: str = error.value.response["Error"]["Code"]
    return found


def in_lab(sandbox: Running) -> tuple[list[str], dict[str, str], str]:
    """The private subnets, the security groups by name, and the instance."""
    ec2 = sandbox.client("ec2")
    names = [{"Name": "tag:Name", "Values": ["Private Subnet 1", "Private Subnet 2"]}]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=names)["Subnets"]]
    groups = {
        group["GroupName"]: group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]
    }
    found = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["LabInstance"]}])
    return subnets, groups, found["Reservations"][0]["Instances"][0]["InstanceId"]


# The world at the start


def test_the_world_starts_with_the_stack_of_the_playbooks(sandbox: Running) -> None:
    sandbox.do("reset")
    stack = sandbox.client("cloudformation").describe_stacks(StackName="lab-prerequisites")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    ec2 = sandbox.client("ec2")
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["LabVPC"]}])["Vpcs"]
    subnets, groups, instance = in_lab(sandbox)
    shown = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    assert [s["AvailabilityZone"] for s in shown] == ["eu-west-2a", "eu-west-2b"]
    assert {s["VpcId"] for s in shown} == {vpcs[0]["VpcId"]}
    machine = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert [g["GroupName"] for g in machine["SecurityGroups"]] == ["EC2SecurityGroup"]
    assert "LabInstance" in str(machine["Tags"])
    assert "InstanceProfile" in machine["IamInstanceProfile"]["Arn"]
    inbound = ec2.describe_security_groups(GroupIds=[groups["MemoryDBSecurityGroup"]])["SecurityGroups"][0]
    pair = inbound["IpPermissions"][0]["UserIdGroupPairs"][0]
    assert (pair["GroupId"], pair["Description"]) == (groups["EC2SecurityGroup"], "Valkey from the instance")


# End to end


def test_a_cluster_serves_real_data_over_tls_and_a_command_really_runs(sandbox: Running) -> None:
    sandbox.do("reset")
    subnets, groups, instance = in_lab(sandbox)
    memorydb, ssm = sandbox.client("memorydb"), sandbox.client("ssm")
    memorydb.create_subnet_group(SubnetGroupName="MemoryDBSubnetGroup", SubnetIds=subnets)
    memorydb.create_cluster(
        ClusterName="lab-cluster",
        NodeType="db.r6g.large",
        ACLName="open-access",
        Engine="valkey",
        EngineVersion="7.2",
        NumReplicasPerShard=0,
        SubnetGroupName="MemoryDBSubnetGroup",
        SecurityGroupIds=[groups["MemoryDBSecurityGroup"]],
    )

    def look() -> dict[str, Any]:
        shown: dict[str, Any] = memorydb.describe_clusters(ClusterName="lab-cluster", ShowShardDetails=True)
        found: dict[str, Any] = shown["Clusters"][0]
        return found

    cluster = until(look, lambda seen: seen["Status"] == "available")
    address, port = cluster["ClusterEndpoint"]["Address"], cluster["ClusterEndpoint"]["Port"]
    with ValkeyCluster(host=address, port=port, ssl=True, ssl_ca_certs=sandbox.contact["ca_file"]) as client:
        assert client.set("person:1", "John") is True
        assert client.get("person:1") == b"John"

    until(lambda: ssm.describe_instance_information()["InstanceInformationList"], bool)
    script = f"id -un; valkey-cli -h {address} -p {port} --tls -c GET person:1"
    sent = ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [script]}
    )
    asked = {"CommandId": sent["Command"]["CommandId"], "Details": True}
    done = until(
        lambda: ssm.list_command_invocations(**asked)["CommandInvocations"],
        lambda seen: bool(seen) and seen[0]["Status"] not in {"Pending", "InProgress"},
    )
    assert (done[0]["Status"], done[0]["CommandPlugins"][0]["Output"].split()) == (
        "Success",
        ["root", "John"],
    )

    with pytest.raises(ClientError) as caught:
        sandbox.client("ec2").delete_security_group(GroupId=groups["MemoryDBSecurityGroup"])
    assert code(caught) == "DependencyViolation"

    memorydb.update_cluster(ClusterName="lab-cluster", ReplicaConfiguration={"ReplicaCount": 1})
    until(look, lambda seen: seen["Status"] == "updating")
    cluster = until(look, lambda seen: seen["Status"] == "available")
    nodes = cluster["Shards"][0]["Nodes"]
    assert [node["AvailabilityZone"] for node in nodes] == ["eu-west-2a", "eu-west-2b"]


def test_a_lost_primary_is_replaced_by_a_replica_and_comes_back(sandbox: Running) -> None:
    memorydb = sandbox.client("memorydb")
    assert "there is no cluster" in command(sandbox.folder, "fault", "add", "--kind", "kill-node",
                                            "--resource", "none").stderr  # fmt: skip
    memorydb.create_cluster(ClusterName="pair", NodeType="db.r6g.large", ACLName="open-access")

    def look() -> dict[str, Any]:
        shown = memorydb.describe_clusters(ClusterName="pair", ShowShardDetails=True)["Clusters"]
        found: dict[str, Any] = shown[0]
        return found

    cluster = until(look, lambda seen: seen["Status"] == "available")
    endpoint = cluster["ClusterEndpoint"]

    def primary() -> str:
        with Valkey(
            host=endpoint["Address"], port=6379, ssl=True, ssl_ca_certs=sandbox.contact["ca_file"]
        ) as client:
            nodes = client.execute_command("CLUSTER NODES").values()
            return next(
                (n["node_id"] for n in nodes if "master" in n["flags"] and "fail" not in n["flags"]), ""
            )

    first = primary()
    sandbox.fault("kill-node", resource="pair")
    until(primary, lambda seen: seen not in {"", first})

    def messages() -> list[str]:
        events = memorydb.describe_events(SourceName="pair", SourceType="cluster", Duration=10_000)["Events"]
        return [event["Message"] for event in events]

    until(messages, lambda seen: seen[-1].endswith("was replaced."))


def test_the_processes_of_an_instance_end_when_it_stops(sandbox: Running) -> None:
    sandbox.do("reset")
    ec2, ssm = sandbox.client("ec2"), sandbox.client("ssm")
    instance = in_lab(sandbox)[2]
    until(lambda: ssm.describe_instance_information()["InstanceInformationList"], bool)
    mark = f"sleep 2{os.getpid()}"
    ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [mark]}
    )
    until(lambda: _processes(mark), bool)
    ec2.stop_instances(InstanceIds=[instance])
    until(lambda: _processes(mark), lambda seen: not seen)
    assert ssm.describe_instance_information()["InstanceInformationList"] == []


# Process


def test_two_that_start_at_once_get_the_same_sandbox_and_down_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    try:
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda _: command(folder, "up", "--json", "--empty"), range(2)))
        contacts = [json.loads(done.stdout) for done in told]
        assert contacts[0]["pid"] == contacts[1]["pid"]
        assert sorted(contact["started"] for contact in contacts) == [False, True]
        assert "up already" in command(folder, "up").stdout
    finally:
        ended = command(folder, "down")
    assert f"process {contacts[0]['pid']}" in ended.stdout
    assert _processes(str(folder)) == []
    assert command(folder, "down").stdout == "No sandbox was up.\n"


def test_a_killed_sandbox_takes_its_processes_along_and_a_new_one_is_fresh(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with running_sandbox(folder, "--template", str(TEMPLATE), "--speed", "2000") as first:
        ssm = first.client("ssm")
        memorydb = first.client("memorydb")
        memorydb.create_cluster(ClusterName="x", NodeType="db.r6g.large", ACLName="open-access", NumShards=1)
        clusters = lambda: memorydb.describe_clusters()["Clusters"]  # noqa: E731
        until(clusters, lambda seen: seen[0]["Status"] == "available")
        _, _, instance = in_lab(first)
        until(lambda: ssm.describe_instance_information()["InstanceInformationList"], bool)
        mark = f"sleep 1{os.getpid()}"
        ssm.send_command(
            InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [mark]}
        )
        until(lambda: _processes(mark), bool)
        assert _processes(str(folder))
        os.kill(first.contact["pid"], signal.SIGKILL)
        until(lambda: _processes(mark) + _processes(f"valkey-server.*{folder.name}"), lambda seen: not seen)
        assert "no sandbox runs here" in command(folder, "status").stderr
        assert "fresh world with an empty account" in command(folder, "up").stdout
        again = json.loads(command(folder, "up", "--json").stdout)
        assert Running(folder, again).client("memorydb").describe_clusters()["Clusters"] == []


def _processes(pattern: str) -> list[str]:
    found = subprocess.run(["pgrep", "-f", "--", pattern], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_an_idle_sandbox_ends_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "idle"
    folder.mkdir()
    started = time.monotonic()
    serving = [sys.executable, "-m", "runbook.sandbox", "--folder", str(folder), "serve", "--idle", "1"]
    assert subprocess.run(serving, capture_output=True, timeout=60, check=False).returncode == 0
    assert time.monotonic() - started > 1
    assert not (folder / "sandbox.json").exists()


def test_a_template_that_can_not_be_deployed_is_told_at_once(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("Resources: {A: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Nothing}}}\n")
    told = command(tmp_path / "wrong", "up", "--template", str(wrong))
    assert told.returncode == 1
    assert "the sandbox ended at once" in told.stderr


def test_reset_gives_back_the_world_as_at_the_start(sandbox: Running) -> None:
    subnets, _, instance = in_lab(sandbox)
    sandbox.client("memorydb").create_subnet_group(SubnetGroupName="fresh", SubnetIds=subnets)
    sandbox.fault("throttle", count=0)
    world = json.loads(sandbox.do("up", "--json"))["world"]
    sandbox.do("reset")
    assert json.loads(sandbox.do("up", "--json"))["world"] != world
    assert sandbox.client("memorydb").describe_subnet_groups()["SubnetGroups"] == []
    assert in_lab(sandbox)[2] != instance
    assert sandbox.do("fault", "list") == ""
    assert sandbox.calls()[0]["action"] == "DescribeSubnetGroups"
