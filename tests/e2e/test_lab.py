"""The user's job, end to end: the playbooks in a sandbox. The tests build on each other, in their order."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import Desk, recap

CREATED = [
    "1.1 Subnet group over the two private subnets",
    "1.2 Cluster with one shard and one node",
    "2.5 The instance lets the cluster in",
    "4.0 Is the data already as this part leaves it?",
    "4.1 Create strings and JSON documents",
    "4.4 Update, and read what is there now",
    "4.6 Delete a person, and see that it is gone",
    "4.7 Delete a product, and see that it is gone",
    "5.1 A second node - one replica in the shard",
]
"""What the lab changes the first time, on an instance whose valkey-cli is there."""

DATA = [name for name in CREATED if name.startswith("4.") and not name.startswith("4.0")]


def test_a_sandbox_that_has_to_be_started_is_told(tmp_path: Path) -> None:
    fresh = Desk(tmp_path)
    (tmp_path / "look.yml").write_text("- hosts: lab\n  tasks: [{ec2_info: {vpcs: [LabVPC]}}]\n")
    words = ("play", "look.yml", "-i", str(fresh.inventory("sandbox.yml")))
    try:
        assert "The sandbox is starting" in fresh.run(*words).stdout
        assert "The sandbox is starting" not in fresh.run(*words).stdout
    finally:
        fresh.sandbox("down")


def test_a_plan_of_the_lab_tells_all_changes_and_makes_none(desk: Desk) -> None:
    before = len(desk.calls())
    planned = desk.play("lab.yml", "--check")
    assert planned.code == 0, planned
    assert {CREATED[0], CREATED[1], CREATED[2], CREATED[-1]} <= set(planned.steps("changed"))
    # EC2 can be asked whether a call would be allowed; it answers DryRunOperation and does nothing.
    asked = {c["action"] for c in desk.calls()[before:] if c["outcome"] != "DryRunOperation"}
    # SendCommand carries what only reads: the guard of 2.1.
    assert all(action.startswith(("Describe", "Get", "List", "SendCommand")) for action in asked), asked
    assert not (desk.folder / ".runbook").exists()


def test_the_lab_plays_from_nothing_to_its_end(desk: Desk) -> None:
    played = desk.play("lab.yml")
    assert played.code == 0, played
    assert [name for name in played.steps("changed") if not name.startswith("2.1")] == CREATED


def test_playing_it_again_changes_nothing(desk: Desk) -> None:
    played = desk.play("lab.yml")
    assert played.code == 0, played
    assert recap(played)["changed"] == 0, played
    assert not set(DATA) & set(played.steps("ok"))


def test_its_plan_says_so(desk: Desk) -> None:
    planned = desk.run(
        "plan", str(desk.playbook("lab.yml")), "-i", str(desk.inventory("sandbox.yml")), "--detailed-exitcode"
    )
    assert planned.code == 0, planned
    assert "No changes." in planned.stdout


def test_the_data_can_be_worked_through_again(desk: Desk) -> None:
    played = desk.play("lab.yml", "-e", "redo_data=true")
    assert played.code == 0, played
    assert played.steps("changed") == DATA


def test_the_data_can_travel_directly_with_the_same_replies(desk: Desk) -> None:
    played = desk.play("lab.yml", "-e", "redo_data=true", "-e", "data_transport=direct")
    assert played.code == 0, played
    assert played.steps("changed") == DATA


def test_a_failover_keeps_the_endpoint_and_the_data(desk: Desk) -> None:
    played = desk.play("failover.yml")
    assert played.code == 0, played
    assert "What was written before is there" in played.steps("ok")


def test_what_drifted_is_mended(desk: Desk) -> None:
    ec2 = desk.aws("ec2")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["EC2SecurityGroup"]}])[
        "SecurityGroups"
    ]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    played = desk.play("lab.yml")
    assert played.code == 0, played
    assert played.steps("changed") == ["2.5 The instance lets the cluster in"]


def test_nothing_is_removed_without_a_yes(desk: Desk) -> None:
    refused = desk.play("teardown.yml")
    assert refused.code == 2
    assert "Nothing is removed without a yes" in refused.steps("failed")
    assert refused.steps("changed") == []


def test_the_teardown_leaves_what_stood_before(desk: Desk) -> None:
    played = desk.play("teardown.yml", "-e", "confirm=yes")
    assert played.code == 0, played
    assert desk.aws("memorydb").describe_clusters()["Clusters"] == []
    assert desk.aws("memorydb").describe_subnet_groups()["SubnetGroups"] == []
    ec2 = desk.aws("ec2")
    groups = {
        group["GroupName"]: group["IpPermissions"]
        for group in ec2.describe_security_groups()["SecurityGroups"]
    }
    assert groups["EC2SecurityGroup"] == []
    assert len(groups["MemoryDBSecurityGroup"]) == 1
    names = [
        tag["Value"]
        for reservation in ec2.describe_instances()["Reservations"]
        for tag in reservation["Instances"][0]["Tags"]
        if tag["Key"] == "Name"
    ]
    assert names == ["LabInstance"]


def test_a_second_teardown_has_nothing_to_do(desk: Desk) -> None:
    played = desk.play("teardown.yml", "-e", "confirm=yes")
    assert played.code == 0, played
    assert recap(played)["changed"] == 0, played
