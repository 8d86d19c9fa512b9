"""`ssm_command`, `valkey_ops` and `sg_rule` in the sandbox: real calls, real processes, a real cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from runbook.errors import Failed, Stopped
from runbook.model import Action
from runbook.modules._aws import Clients
from runbook.modules.sg_rule import SgRule
from runbook.modules.ssm_command import SsmCommand
from runbook.modules.valkey_ops import ValkeyOps

from tests.support.cli import Desk
from tests.support.live import LiveContext, live_context, play

INSTANCE = "LabInstance"
CLIENTS = Clients()


@pytest.fixture
def ctx(desk: Desk) -> Iterator[LiveContext]:
    yield live_context(desk.up(), CLIENTS)
    desk.sandbox("fault", "clear")


def fault(desk: Desk, kind: str, call: str, *more: str) -> None:
    ended = desk.sandbox("fault", "add", "--kind", kind, "--service", "ssm", "--call", call, *more)
    assert ended.code == 0, ended


def run(ctx: LiveContext, script: str, **more: Any) -> Any:
    return play(SsmCommand(), ctx, {"instance": INSTANCE, "script": script, **more})[1]


def test_output_code_and_time_come_back(ctx: LiveContext) -> None:
    result = run(ctx, "echo out; echo err >&2", environment={"A": "it's"}, chdir="/usr")

    assert (result.rc, result.stdout, result.stderr, result.truncated) == (0, "out", "err", False)
    assert result.seconds > 0
    assert result.instances[0].name == INSTANCE


def test_a_script_that_fails_fails_with_all_it_said(ctx: LiveContext) -> None:
    with pytest.raises(Failed, match="exit code 3: no such disk") as failed:
        run(ctx, "echo so far; echo no such disk >&2; exit 3")

    assert failed.value.result["rc"] == 3
    assert failed.value.result["stdout"] == "so far"


def test_a_guard_keeps_a_second_run_from_changing_anything(ctx: LiveContext) -> None:
    asked = {"instance": INSTANCE, "script": "echo made > /root/made", "creates": "/root/made"}

    first, _ = play(SsmCommand(), ctx, asked)
    second, result = play(SsmCommand(), ctx, asked)

    assert (first.action, second.action) == (Action.RUN, Action.NONE)
    assert result.instances[0].skipped == "/root/made is there"


def test_a_lost_answer_does_not_run_it_twice(ctx: LiveContext, desk: Desk) -> None:
    fault(desk, "lose-response", "SendCommand")

    assert run(ctx, "echo x >> /root/lost; wc -l < /root/lost").stdout.strip() == "1"


def test_being_throttled_is_waited_out(ctx: LiveContext, desk: Desk) -> None:
    fault(desk, "throttle", "SendCommand", "--count", "2")

    assert run(ctx, "echo x >> /root/slow; wc -l < /root/slow").stdout.strip() == "1"
    assert "asked to slow down" in ctx.phases


def test_expired_credentials_stop_the_run(ctx: LiveContext, desk: Desk) -> None:
    fault(desk, "expire-credentials", "DescribeInstanceInformation")

    with pytest.raises(Stopped, match="expired"):
        run(ctx, "true")


def test_long_output_is_cut_and_whole_from_a_bucket(ctx: LiveContext, desk: Desk) -> None:
    desk.aws("s3").create_bucket(
        Bucket="lab-output", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )

    cut = run(ctx, "seq 1 9000", read_only=True)
    whole = run(ctx, "seq 1 9000", read_only=True, s3_bucket="lab-output", s3_prefix="lab")

    assert cut.truncated
    assert len(cut.stdout) <= 24_000
    assert not whole.truncated
    assert whole.stdout_lines == [str(n) for n in range(1, 9001)]


def test_a_script_that_runs_too_long(ctx: LiveContext) -> None:
    with pytest.raises(Failed, match="ran longer than its execution time-out"):
        run(ctx, "sleep 30", execution_timeout=5)


# ---------------------------------------------------------------- valkey_ops


@pytest.fixture
def cluster(desk: Desk) -> dict[str, Any]:
    """Endpoint of a cluster with two shards, made by the first test that asks for it."""
    memorydb = desk.aws("memorydb")
    if not any(found["Name"] == "ops" for found in memorydb.describe_clusters()["Clusters"]):
        create_cluster(desk)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        (found,) = memorydb.describe_clusters(ClusterName="ops")["Clusters"]
        if found["Status"] == "available":
            return {"endpoint": found["ClusterEndpoint"]["Address"], "port": found["ClusterEndpoint"]["Port"]}
        time.sleep(0.2)
    raise AssertionError("the cluster did not become available")


def create_cluster(desk: Desk) -> None:
    ec2, memorydb = desk.aws("ec2"), desk.aws("memorydb")
    subnets = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["Private Subnet *"]}])["Subnets"]
    ids = [subnet["SubnetId"] for subnet in subnets]
    memorydb.create_subnet_group(SubnetGroupName="ops", SubnetIds=ids)
    memorydb.create_cluster(
        ClusterName="ops",
        NodeType="db.r6g.large",
        ACLName="open-access",
        Engine="valkey",
        NumShards=2,
        NumReplicasPerShard=0,
        SubnetGroupName="ops",
    )


RECORDED: list[tuple[str, Any]] = [
    ('SET person:3 "Nikhil"', "OK"),
    ("GET person:3", "Nikhil"),
    (r'JSON.SET product:3 $ "{\"id\":2,\"name\":\"Contraption\",\"price\":29.99}"', "OK"),
    ("JSON.GET product:3", '{"id":2,"name":"Contraption","price":29.99}'),
    ("JSON.SET product:3 price 10.99", "OK"),
    ("JSON.GET product:3 price", "10.99"),
    ("JSON.GET product:3 $.price", "[10.99]"),
    ("DEL person:3", 1),
    ("EXISTS person:3", 0),
    ("JSON.DEL product:3", 1),
    ("GET person:3", None),
]


@pytest.mark.parametrize("way", [{"transport": "direct"}, {"transport": "ssm", "instance": INSTANCE}])
def test_both_transports_reach_the_same_data(
    ctx: LiveContext, cluster: dict[str, Any], way: dict[str, Any]
) -> None:
    place = {**cluster, **way}

    _, result = play(ValkeyOps(), ctx, {**place, "commands": [command for command, _ in RECORDED]})
    assert list(result.replies) == [reply for _, reply in RECORDED]

    records = [{"key": f"k:{n}", "string": f"{way['transport']} {n}"} for n in range(4)]
    change, _ = play(ValkeyOps(), ctx, {**place, "records": records})
    again, _ = play(ValkeyOps(), ctx, {**place, "records": records})
    assert (change.action.changes, again.action) == (True, Action.NONE)

    assert play(ValkeyOps(), ctx, {**place, "keys": "k:*"})[1].keys == ["k:0", "k:1", "k:2", "k:3"]


# ---------------------------------------------------------------- sg_rule


def test_a_rule_comes_is_described_and_goes(ctx: LiveContext) -> None:
    rule = {"group": "EC2SecurityGroup", "port": 6379, "peer": {"security_group": "MemoryDBSecurityGroup"}}
    wanted = [
        ({"description": "one"}, Action.CREATE),
        ({}, Action.NONE),
        ({"description": "two"}, Action.UPDATE),
        ({"tags": {"team": "lab"}}, Action.UPDATE),
        ({"description": "two", "tags": {"team": "lab"}}, Action.NONE),
        ({"state": "absent"}, Action.DELETE),
        ({"state": "absent"}, Action.NONE),
    ]

    assert [play(SgRule(), ctx, {**rule, **more})[0].action for more, _ in wanted] == [
        one for _, one in wanted
    ]


def test_an_equal_rule_is_adopted_and_others_stay(ctx: LiveContext, desk: Desk) -> None:
    ec2 = desk.aws("ec2")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["EC2SecurityGroup"]}])[
        "SecurityGroups"
    ]
    blocks = [{"CidrIp": "100.68.0.0/18", "Description": "by hand"}, {"CidrIp": "10.0.0.0/8"}]
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": blocks}],
    )
    asked = {"group": "EC2SecurityGroup", "port": 22, "peer": {"cidr": "100.68.0.18/18"}}

    there, _ = play(SgRule(), ctx, asked)
    gone, _ = play(SgRule(), ctx, {**asked, "state": "absent"})

    assert (there.action, gone.action) == (Action.NONE, Action.DELETE)
    left = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}])
    assert [rule.get("CidrIpv4") for rule in left["SecurityGroupRules"] if not rule["IsEgress"]] == [
        "10.0.0.0/8"
    ]
