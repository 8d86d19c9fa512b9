"""The lab, watched for drift and taken back: the world is as it was before. The tests build on each other."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from typing import Any

import pytest

from tests.support.cli import Desk, Ended

PLAYED: dict[str, Any] = {}
"""What the first test found: the world before the lab, and the run that changed it."""


def world(desk: Desk) -> dict[str, Any]:
    memorydb, ec2 = desk.aws("memorydb"), desk.aws("ec2")
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    return {
        "clusters": memorydb.describe_clusters()["Clusters"],
        "groups": memorydb.describe_subnet_groups()["SubnetGroups"],
        "rules": sorted(rule["SecurityGroupRuleId"] for rule in rules),
    }


def looked(desk: Desk, command: str, *words: str) -> Ended:
    if command == "drift":
        words = (str(desk.playbook("lab.yml")), "-i", str(desk.inventory("sandbox.yml")), *words)
    return desk.run(command, *words)


def undo(desk: Desk, *words: str) -> Ended:
    return desk.run("undo", str(PLAYED["run"]), *words)


def test_after_the_whole_lab_nothing_has_drifted_and_all_is_as_it_was_left(desk: Desk) -> None:
    PLAYED["before"] = world(desk)
    played = desk.play("lab.yml")
    assert played.code == 0, played
    PLAYED["run"] = played.events[0]["run"]
    drift = looked(desk, "drift")
    assert (drift.code, drift.stdout) == (0, ""), drift
    verified = looked(desk, "resume", "--verify")
    assert verified.code == 0, verified


def test_what_somebody_changed_is_drift_and_no_undo_goes_over_it(desk: Desk) -> None:
    ec2, memorydb = desk.aws("ec2"), desk.aws("memorydb")
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    (ours,) = (rule for rule in rules if rule.get("Description") == "Valkey from the cluster")
    change = ec2.update_security_group_rule_descriptions_ingress
    text = {"SecurityGroupRuleId": ours["SecurityGroupRuleId"]}
    change(GroupId=ours["GroupId"], SecurityGroupRuleDescriptions=[{**text, "Description": "by hand"}])
    memorydb.update_cluster(ClusterName="lab-cluster", Description="by hand")

    drift = looked(desk, "drift", "--output", "json")
    assert drift.code == 3, drift
    (found,) = json.loads(drift.stdout)["drift"]
    assert (found["field"], found["there"]) == ("description", "by hand"), (
        "the lab says nothing of the cluster's"
    )
    assert found["resource"].startswith("ec2:rule/")

    calls = len(desk.calls())
    refused = undo(desk, "--yes")
    assert refused.code == 1, refused
    told = [line for line in refused.stderr.splitlines() if "was left as" in line]
    assert [line.split(":")[0].strip() for line in told] == ["ec2", "memorydb"], refused
    assert all("description was left as" in line and "by hand" in line for line in told)
    effects = [c["action"] for c in desk.calls()[calls:] if c["outcome"] == "ok"]
    assert not [a for a in effects if not a.startswith(("Describe", "Get", "List"))], effects

    change(
        GroupId=ours["GroupId"],
        SecurityGroupRuleDescriptions=[{**text, "Description": "Valkey from the cluster"}],
    )
    memorydb.update_cluster(ClusterName="lab-cluster", Description="")


def test_an_undo_that_is_killed_goes_on_and_leaves_the_world_as_it_was(desk: Desk) -> None:
    shown = undo(desk, "--check")
    assert shown.code == 0, shown
    assert "LOST: all data of cluster lab-cluster; `--final-snapshot NAME` keeps" in shown.stdout
    assert "not taken back: 4.1 Create strings and JSON documents" in shown.stdout

    process = desk.start("undo", PLAYED["run"], "--yes", "--final-snapshot", "lab-last")
    assert process.stdout is not None
    headings = (line for line in process.stdout if "TASK [Undo: 1.2" in line)
    next(headings), next(headings)  # that of the plan, and that of the play
    time.sleep(1.5)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    ended = desk.run("resume", "--output", "json")
    assert ended.code == 0, ended
    assert ended.events[0]["resumed"]
    assert world(desk) == PLAYED["before"]
    snapshots = desk.aws("memorydb").describe_snapshots()["Snapshots"]
    assert [one["Name"] for one in snapshots] == ["lab-last"]
    done = Counter(call["action"] for call in desk.calls() if call["outcome"] == "ok")
    assert (done["DeleteCluster"], done["DeleteSubnetGroup"], done["UpdateCluster"]) == (1, 1, 3)


def test_twice_there_is_nothing_left_and_the_lab_starts_anew(desk: Desk) -> None:
    again = undo(desk, "--yes")
    assert again.code == 0
    assert "Nothing left to undo" in again.stdout
    drift = looked(desk, "drift")
    assert drift.code == 3
    assert "memorydb:cluster/lab-cluster\n    is not there" in drift.stdout


@pytest.mark.parametrize("words", [(), ("--final-snapshot", "x")])
def test_an_undo_of_an_undo_tells_what_does_not_come_back(desk: Desk, words: tuple[str, ...]) -> None:
    ended = desk.run("undo", "last", "--check", *words)
    if words:
        assert ended.code == 1
        assert "snapshot" in ended.stderr
    else:
        assert "cluster lab-cluster was deleted; its data is in snapshot lab-last" in ended.stdout, ended
