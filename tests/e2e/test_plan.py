"""Plans of the lab, end to end: whole outputs, nothing written, and the truth. The tests build on each other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import valkey
from runbook.journal_reader import SqliteReader
from runbook.plan_file import PlanFile, read_plan

from tests.support.cli import INVENTORY, PLAYBOOKS, Desk, Ended
from tests.support.golden import assert_golden
from tests.support.truth import lies
from tests.support.watched import tree, watch

LAB = ("lab.yml",)
LOOKS = frozenset(
    {
        "get",
        "ping",
        "info",
        "cluster",
        "hello",
        "client",
        "command",
        "keys",
        "exists",
        "type",
        "mget",
        "select",
    }
    | {
        "xrevrange",
        "replconf",
        "psync",
        "auth",
        "config",
        "readonly",
        "strlen",
        "dump",
        "ttl",
        "pttl",
        "scan",
    }
)
"""Commands of Valkey that write nothing of their own."""

TEARDOWN = ("teardown.yml", "-e", "confirm=yes")

_VOLATILE = (
    (re.compile(r"\b(vpc|subnet|sg|sgr|i)-[0-9a-f]{17}\b"), r"\1-ID"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://SANDBOX"),
    (re.compile(r"\b127\.\d+\.\d+\.(\d+)\b"), r"127.0.0.\1"),
    (re.compile(r"(in|after) [\d.]+ s\b"), r"\1 N s"),
    (re.compile(re.escape(str(PLAYBOOKS))), "playbooks"),
    (re.compile(r"^waiting: .*\n", re.MULTILINE), ""),
)


def plan(desk: Desk, name: str, *words: str) -> Ended:
    return desk.run("plan", str(desk.playbook(name)), "-i", str(desk.inventory("sandbox.yml")), *words)


def output(desk: Desk, name: str, *words: str) -> str:
    """What a plan prints, without what is new each time."""
    planned = plan(desk, name, *words)
    assert planned.code == 0, planned
    text = planned.stdout
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def saved(desk: Desk, name: str, *words: str) -> PlanFile:
    planned = plan(desk, name, *words, "-o", "saved.plan")
    assert planned.code == 0, planned
    found = read_plan(str(desk.folder / "saved.plan")).plan
    (desk.folder / "saved.plan").unlink()
    return found


def told_lies(desk: Desk, plan_: PlanFile) -> list[str]:
    """What the last run did otherwise than the plan says."""
    with SqliteReader(desk.folder / ".runbook/state.db") as reader:
        return lies(plan_, reader.records(reader.runs()[-1].run))


def drift(desk: Desk) -> None:
    """Somebody takes a rule and a replica away."""
    ec2, memorydb = desk.aws("ec2"), desk.aws("memorydb")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["EC2SecurityGroup"]}])[
        "SecurityGroups"
    ]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    memorydb.update_cluster(ClusterName="lab-cluster", ReplicaConfiguration={"ReplicaCount": 0})
    settled(desk)


def settled(desk: Desk) -> None:
    import time

    for _ in range(200):
        if desk.aws("memorydb").describe_clusters()["Clusters"][0]["Status"] == "available":
            return
        time.sleep(0.1)
    raise AssertionError("the cluster does not settle")


def watched_dry_runs(desk: Desk, *, sent: int) -> None:
    """Plan and check both playbooks: no call but those that read, no file but the plan that was asked for.

    `sent`: commands that only look and travel to the instance for the lab: the guard of 2.1, the records of 4.0.
    """
    folders = (desk.folder, PLAYBOOKS, INVENTORY)
    source = str(desk.inventory("sandbox.yml"))
    for name, *more in (LAB, TEARDOWN):
        for command in (("plan", "-o", "named.plan"), ("play", "--check", "--diff")):
            before, calls = tree(*folders), len(desk.calls())
            seen = watch(desk, command[0], str(desk.playbook(name)), "-i", source, *command[1:], *more)
            assert seen.ended.code == 0, seen.ended
            asked = [c for c in desk.calls()[calls:] if c["outcome"] != "DryRunOperation"]
            wrong = [
                c for c in asked if not c["action"].startswith(("Describe", "Get", "List", "SendCommand"))
            ]
            assert not wrong
            assert sum(c["action"] == "SendCommand" for c in asked) == (sent if name == "lab.yml" else 0)
            assert [write for write in seen.writes if not _allowed(write)] == []
            (desk.folder / "named.plan").unlink(missing_ok=True)
            after = tree(*folders)
            assert {k: v for k, v in after.items() if k != str(desk.folder)} == {
                k: v for k, v in before.items() if k != str(desk.folder)
            }


def _allowed(write: tuple[str, tuple[str, ...]]) -> bool:
    name, args = write
    if name == "subprocess.Popen":
        return "runbook.sandbox" in args[1] and "'up'" in args[1]
    if "__pycache__" in args[0] or args[0] in ("/dev/null", "/dev/tty"):
        return True
    return "named.plan" in args[0]


# ---------------------------------------------------------------- an empty world


def test_the_plan_of_an_empty_world(desk: Desk) -> None:
    assert_golden("plan/lab_empty.txt", output(desk, *LAB))


def test_the_teardown_of_an_empty_world(desk: Desk) -> None:
    assert_golden("plan/teardown_empty.txt", output(desk, "teardown.yml"))


def test_a_dry_run_of_an_empty_world_writes_nothing(desk: Desk) -> None:
    watched_dry_runs(desk, sent=1)


def test_the_plan_for_programs(desk: Desk) -> None:
    planned = plan(desk, "lab.yml", "--output", "json", "--detailed-exitcode")
    told: dict[str, Any] = json.loads(planned.stdout)
    assert told["summary"] == {"add": 3, "change": 1, "replace": 0, "remove": 0, "run": 4, "undecided": 0}
    assert planned.code == 3


def test_the_lab_does_what_its_plan_says(desk: Desk) -> None:
    planned = saved(desk, "lab.yml")
    played = desk.play("lab.yml")
    assert played.code == 0, played
    assert told_lies(desk, planned) == []


# ---------------------------------------------------------------- a finished world, and one that drifted


def test_the_plan_of_a_finished_world(desk: Desk) -> None:
    assert_golden("plan/lab_finished.txt", output(desk, *LAB))
    assert plan(desk, "lab.yml", "--detailed-exitcode").code == 0


def test_a_dry_run_of_a_finished_world_writes_nothing(desk: Desk) -> None:
    before = written(desk)
    watched_dry_runs(desk, sent=2)
    planned = plan(desk, "lab.yml", "-e", "data_transport=direct", "-e", "redo_data=true")
    assert planned.code == 0, planned
    assert "Plan: 0 to add, 0 to change, 0 to replace, 0 to remove, 4 to run." in planned.stdout
    assert written(desk) == before


def written(desk: Desk) -> dict[str, int]:
    """How often the cluster was told each command that is no plain look."""
    (cluster,) = desk.aws("memorydb").describe_clusters()["Clusters"]
    endpoint = cluster["ClusterEndpoint"]["Address"]
    with valkey.Valkey(endpoint, 6379, ssl=True, ssl_ca_certs=desk.up()["ca_file"]) as client:
        stats: Any = client.info("commandstats")
    named = {name.removeprefix("cmdstat_").split("|")[0]: told["calls"] for name, told in stats.items()}
    return {name: calls for name, calls in named.items() if name not in LOOKS}


def test_the_plan_of_a_world_that_drifted(desk: Desk) -> None:
    drift(desk)
    assert_golden("plan/lab_drifted.txt", output(desk, *LAB))


def test_what_drifted_is_mended_as_planned(desk: Desk) -> None:
    assert plan(desk, "lab.yml", "-o", "lab.plan").code == 0
    played = desk.run("play", "--plan", "lab.plan")
    assert played.code == 0, played
    assert told_lies(desk, read_plan(str(desk.folder / "lab.plan")).plan) == []


def test_a_plan_is_not_played_in_a_world_that_moved_on(desk: Desk) -> None:
    played = desk.run("play", "--plan", "lab.plan", "--fresh")
    assert played.code == 4, played
    assert "2.5 The instance lets the cluster in (memorydb-lab) is not as it was planned" in played.stdout
    assert 'action: planned "create", now "none"' in played.stdout


# ---------------------------------------------------------------- and its end


def test_the_plan_of_the_teardown(desk: Desk) -> None:
    assert_golden("plan/teardown_finished.txt", output(desk, *TEARDOWN))


def test_another_playbook_than_the_plans_is_refused(desk: Desk) -> None:
    assert plan(desk, *TEARDOWN, "-o", "down.plan").code == 0
    refused = desk.run("play", str(desk.playbook("lab.yml")), "--plan", "down.plan")
    assert refused.code == 1
    assert "another playbook" in refused.stderr
    assert desk.run("play", "--plan", "down.plan", "-l", "other").code == 1
    assert desk.run("play", "--plan", "down.plan", "-e", "final_snapshot=x").code == 1


def test_the_teardown_does_what_its_plan_says(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the plan knows where it belongs
    played = desk.run("play", "--plan", "down.plan", "--output", "json")
    assert played.code == 0, played
    assert told_lies(desk, read_plan(str(desk.folder / "down.plan")).plan) == []
    assert desk.aws("memorydb").describe_clusters()["Clusters"] == []
