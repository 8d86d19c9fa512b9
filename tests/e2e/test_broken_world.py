"""Each check of the lab fails the play when the world is not as it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cli import Desk, Ended


@pytest.fixture(autouse=True)
def world(desk: Desk) -> Iterator[None]:
    """The world as at the start."""
    desk.sandbox("fault", "clear")
    assert desk.sandbox("reset").code == 0
    yield
    (desk.folder / ".runbook/state.db").unlink(missing_ok=True)


def failed(played: Ended) -> list[str]:
    assert played.code == 2, played
    return played.steps("failed")


def cluster_by_hand(desk: Desk, **other: object) -> None:
    """A cluster of the lab's name that somebody else made."""
    ec2, memorydb = desk.aws("ec2"), desk.aws("memorydb")
    subnets = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["Private Subnet *"]}])["Subnets"]
    (group,) = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["MemoryDBSecurityGroup"]}]
    )["SecurityGroups"]
    memorydb.create_subnet_group(
        SubnetGroupName="memorydbsubnetgroup", SubnetIds=[subnet["SubnetId"] for subnet in subnets]
    )
    asked = {
        "ClusterName": "lab-cluster",
        "NodeType": "db.r6g.large",
        "ACLName": "open-access",
        "Engine": "valkey",
        "EngineVersion": "7.2",
        "NumReplicasPerShard": 0,
        "SubnetGroupName": "memorydbsubnetgroup",
        "SecurityGroupIds": [group["GroupId"]],
    }
    memorydb.create_cluster(**{**asked, **other})


def test_a_network_that_is_not_there(desk: Desk) -> None:
    played = desk.play("lab.yml", "-e", "vpc_name=OtherVPC")
    assert failed(played) == ["Find the network and the instance"]


def test_a_cluster_with_a_key_that_nobody_asked_for(desk: Desk) -> None:
    cluster_by_hand(desk, KmsKeyId="1234abcd-12ab-34cd-56ef-1234567890ab")
    assert failed(desk.play("lab.yml")) == ["1.4 The cluster is as it was asked for"]


def test_a_cluster_that_is_made_for_another_port(desk: Desk) -> None:
    cluster_by_hand(desk, Port=6380)
    assert failed(desk.play("lab.yml")) == ["1.2 Cluster with one shard and one node"]


@pytest.mark.long
def test_an_instance_whose_valkey_cli_is_another_one(desk: Desk) -> None:
    played = desk.play("lab.yml", "--tags", "cluster")
    assert played.code == 0, played
    ssm = desk.aws("ssm")
    instance = ssm.describe_instance_information()["InstanceInformationList"][0]["InstanceId"]
    fake = "printf '#!/bin/sh\\necho valkey-cli 7.2.7-fake >&2\\nexit 1\\n' > /usr/local/bin/valkey-cli"
    ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [fake]}
    )
    assert "2.1 Compile and install valkey-cli, with TLS" in failed(desk.play("lab.yml", "--fresh"))


@pytest.mark.long
def test_a_cluster_that_does_not_answer(desk: Desk) -> None:
    played = desk.play("lab.yml", "--tags", "cluster")
    assert played.code == 0, played
    desk.sandbox("fault", "add", "--kind", "kill-node", "--resource", "lab-cluster/lab-cluster-0001-001")
    assert failed(desk.play("lab.yml", "--fresh"))[0].startswith(("3.1", "3.2"))


@pytest.mark.long
def test_data_that_somebody_else_wrote(desk: Desk) -> None:
    played = desk.play("lab.yml", "--tags", "cluster")
    assert played.code == 0, played
    desk.folder.joinpath("other.yml").write_text(
        """
        - hosts: lab
          tasks:
            - memorydb_info: {name: lab-cluster}
              register: info
            - valkey_ops:
                endpoint: "{{ info.cluster.endpoint }}"
                records: [{key: "person:9", string: Mallory}]
        """
    )
    assert desk.run("play", "other.yml", "-i", str(desk.inventory("sandbox.yml"))).code == 0
    assert failed(desk.play("lab.yml", "--fresh")) == ["4.3 What was created can be read"]


@pytest.mark.long
def test_nodes_that_all_stand_in_one_zone(desk: Desk) -> None:
    played = desk.play("lab.yml", "-e", '{"subnet_names": ["Private Subnet 1"]}')
    assert failed(played) == ["5.3 Two nodes in the one shard, in different zones"]


@pytest.mark.long
def test_a_scaling_that_aws_takes_back(desk: Desk) -> None:
    desk.sandbox("fault", "add", "--kind", "revert", "--service", "memorydb", "--call", "UpdateCluster")
    assert failed(desk.play("lab.yml")) == ["5.1 A second node - one replica in the shard"]
