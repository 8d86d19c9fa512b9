"""Each call of the MemoryDB, security group and stack modules that changes something happens once, whatever goes
wrong on its way, and the step tells so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from runbook.attempt import Attempt
from runbook.errors import Stopped

from tests.modules.test_undo import kept, undo
from tests.support.lives import (
    Account,
    Effect,
    Trouble,
    happens_once,
    killed_after_it,
    lost_and_killed,
    lost_request,
    lost_response,
    matrix,
    struck,
)

SPEED = 1000
"""A creation of a quarter of an hour takes a second."""

PATIENCE = {"timeout": 10**6}
"""Seconds of the service's time: on a busy machine a node starts slower than the clock goes."""

SOME: tuple[Trouble, ...] = (lost_response, lost_request, lost_and_killed)
FEW: tuple[Trouble, ...] = (lost_and_killed,)
"""A cluster takes its time. RUNBOOK_TROUBLES=all plays all of it."""


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = Account.up(tmp_path_factory.mktemp("once") / "sandbox", SPEED)
    yield made
    made.sandbox.down()


@pytest.fixture(autouse=True)
def _no_faults_left(account: Account) -> Iterator[None]:
    yield
    account.clear()


def after(module: str, **args: Any) -> Callable[[Account], None]:
    """The world once this was played."""
    return lambda account: account.play(module, **args) and None


def each(*steps: Callable[[Account], None]) -> Callable[[Account], None]:
    def make(account: Account) -> None:
        for step in steps:
            step(account)

    return make


# ---------------------------------------------------------------- subnet groups

GROUP: dict[str, Any] = {"name": "once", "vpc": "LabVPC"}
BOTH = ["Private Subnet 1", "Private Subnet 2"]
A_GROUP = after("memorydb_subnet_group", **GROUP, subnets=BOTH[:1], description="one", tags={"a": "old"})
NO_GROUP = after("memorydb_subnet_group", name="once", state="absent")


def group(call: str, **args: Any) -> Effect:
    told = {"name": "once", "state": "absent"} if args.get("state") == "absent" else {**GROUP, **args}
    before = NO_GROUP if call == "CreateSubnetGroup" else A_GROUP
    return Effect(
        name=f"subnet group {call} {' '.join(args)}",
        module="memorydb_subnet_group",
        args=told,
        call=f"memorydb.{call}",
        before=before,
        troubles=None if call == "CreateSubnetGroup" else SOME,
    )


SUBNET_GROUPS = [
    group("CreateSubnetGroup", subnets=BOTH),
    group("UpdateSubnetGroup", subnets=BOTH),
    group("UpdateSubnetGroup", description="two"),
    group("TagResource", tags={"a": "new"}),
    group("DeleteSubnetGroup", state="absent"),
]


@pytest.mark.parametrize(("effect", "trouble"), matrix(SUBNET_GROUPS))
def test_subnet_groups(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)


# ---------------------------------------------------------------- clusters

CLUSTER: dict[str, Any] = {
    "name": "once",
    "node_type": "db.r6g.large",
    "acl": "open-access",
    "subnet_group": "pair",
    "security_groups": ["MemoryDBSecurityGroup"],
    "shards": 1,
    "replicas_per_shard": 0,
    "parameter_group": "default.memorydb-valkey7",
    "description": "old",
    "tags": {"a": "old"},
    **PATIENCE,
}
A_CLUSTER = each(
    after("memorydb_subnet_group", name="pair", vpc="LabVPC", subnets=BOTH),
    after("memorydb_cluster", **CLUSTER),
)
NO_CLUSTER = each(
    A_CLUSTER, after("memorydb_cluster", name="once", state="absent", final_snapshot="none", **PATIENCE)
)


def no_snapshot(account: Account) -> None:
    memorydb = account.client("memorydb")
    for snapshot in memorydb.describe_snapshots()["Snapshots"]:
        if snapshot["Name"] == "last":
            memorydb.delete_snapshot(SnapshotName="last")


def has_last_snapshot(account: Account, _made: Attempt) -> None:
    found = account.client("memorydb").describe_snapshots(SnapshotName="last")["Snapshots"]
    assert [one["Status"] for one in found] == ["available"]


def changed(field: str, value: Any) -> Effect:
    call = "TagResource" if field == "tags" else "UpdateCluster"
    return Effect(
        name=f"cluster {field}",
        module="memorydb_cluster",
        args={"name": "once", field: value, **PATIENCE},
        call=f"memorydb.{call}",
        before=A_CLUSTER,
        troubles=SOME if field in ("replicas_per_shard", "tags") else FEW,
    )


CLUSTERS = [
    Effect(
        name="cluster create",
        module="memorydb_cluster",
        args=CLUSTER,
        call="memorydb.CreateCluster",
        before=NO_CLUSTER,
        troubles=(lost_response, killed_after_it),
    ),
    changed("description", "new"),
    changed("node_type", "db.r6g.xlarge"),
    changed("security_groups", ["MemoryDBSecurityGroup", "EC2SecurityGroup"]),
    changed("shards", 2),
    changed("replicas_per_shard", 1),
    changed("tags", {"a": "new"}),
    Effect(
        name="cluster delete",
        module="memorydb_cluster",
        args={"name": "once", "state": "absent", "final_snapshot": "none", **PATIENCE},
        call="memorydb.DeleteCluster",
        before=A_CLUSTER,
        troubles=FEW,
    ),
    Effect(
        name="cluster delete with a last snapshot",
        module="memorydb_cluster",
        args={"name": "once", "state": "absent", "final_snapshot": "last", **PATIENCE},
        call="memorydb.DeleteCluster",
        before=each(A_CLUSTER, no_snapshot),
        troubles=(lost_response, killed_after_it),
        check=has_last_snapshot,
    ),
]


@pytest.mark.parametrize(("effect", "trouble"), matrix(CLUSTERS))
def test_clusters(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)


FAILOVER = Effect(
    name="failover",
    module="memorydb_failover",
    args={"cluster": "pairs", "shard": "0001", **PATIENCE},
    call="memorydb.FailoverShard",
    before=each(
        after("memorydb_subnet_group", name="pair", vpc="LabVPC", subnets=BOTH),
        after("memorydb_cluster", **{**CLUSTER, "name": "pairs", "replicas_per_shard": 1}),
    ),
    troubles=(lost_request, killed_after_it),
)


@pytest.mark.parametrize(("effect", "trouble"), matrix([FAILOVER]))
def test_failovers(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)


# ---------------------------------------------------------------- security group rules

RULE: dict[str, Any] = {
    "group": "EC2SecurityGroup",
    "port": 6379,
    "peer": {"security_group": "MemoryDBSecurityGroup"},
}
OLD = {"description": "old", "tags": {"a": "old"}}


def rule(direction: str, call: str, **args: Any) -> Effect:
    told = {**RULE, "direction": direction}
    there = after("sg_rule", **told, **OLD)
    return Effect(
        name=f"rule {direction} {call}",
        module="sg_rule",
        args={**told, **args},
        call=f"ec2.{call}",
        before=after("sg_rule", **told, state="absent") if call.startswith("Authorize") else there,
        troubles=None if call == "AuthorizeSecurityGroupIngress" else SOME,
    )


RULES = [
    rule("ingress", "AuthorizeSecurityGroupIngress", **OLD),
    rule("egress", "AuthorizeSecurityGroupEgress", **OLD),
    rule("ingress", "UpdateSecurityGroupRuleDescriptionsIngress", description="new"),
    rule("egress", "UpdateSecurityGroupRuleDescriptionsEgress", description="new"),
    rule("ingress", "CreateTags", tags={"a": "new"}),
    rule("ingress", "RevokeSecurityGroupIngress", state="absent"),
    rule("egress", "RevokeSecurityGroupEgress", state="absent"),
]


@pytest.mark.parametrize(("effect", "trouble"), matrix(RULES))
def test_rules(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)
    assert made_by_us(account, effect)


def made_by_us(account: Account, effect: Effect) -> bool:
    """No rule of the step counts as one of somebody else."""
    return effect.args.get("state") == "absent" or not account.play("sg_rule", **effect.args).changed


# ---------------------------------------------------------------- stacks


def template(description: str) -> dict[str, str]:
    text = (
        "Resources:\n  Group:\n    Type: AWS::EC2::SecurityGroup\n    Properties:\n"
        f"      GroupDescription: once\n      Tags: [{{Key: told, Value: {description}}}]\n"
        "Outputs:\n  Told: {Value: !GetAtt Group.GroupId}\n"
    )
    return {"path": "once.yml", "text": text}


STACK: dict[str, Any] = {"name": "once", "template": template("old"), "termination_protection": False}
A_STACK = after("cloudformation_stack", **STACK)
NO_STACK = after("cloudformation_stack", name="once", state="absent", termination_protection=False)


def stack(call: str, before: Callable[[Account], None] = A_STACK, **args: Any) -> Effect:
    return Effect(
        name=f"stack {call}",
        module="cloudformation_stack",
        args=args,
        call=f"cloudformation.{call}",
        before=before,
        troubles=None if call == "CreateStack" else SOME,
    )


STACKS = [
    stack("CreateStack", NO_STACK, **STACK),
    stack("UpdateStack", **{**STACK, "template": template("new")}),
    stack("UpdateTerminationProtection", **{**STACK, "termination_protection": True}),
    stack("DeleteStack", name="once", state="absent"),
]


@pytest.mark.parametrize(("effect", "trouble"), matrix(STACKS))
def test_stacks(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)


# ---------------------------------------------------------------- long waits

WAITS = [
    (CLUSTERS[0], "creating"),
    (CLUSTERS[5], "updating"),
    (CLUSTERS[-2], "deleting"),
    (CLUSTERS[-1], "deleting"),
    (FAILOVER, "updating"),
    (STACKS[0], "create in progress"),
    (STACKS[3], "delete in progress"),
]


@pytest.mark.parametrize(("effect", "phase"), WAITS, ids=lambda value: str(value))
def test_a_killed_wait_goes_on_waiting_for_the_same(account: Account, effect: Effect, phase: str) -> None:
    effect.before(account)
    before = account.done(effect.action)
    life = account.life(effect.module, **effect.args)
    life.killed_while(phase)
    made = life.play()
    assert made.changed, made.result
    assert life.intents == list(dict.fromkeys(life.intents)), "it began it once"
    assert account.done(effect.action) == before + 1


def test_a_group_in_use_is_waited_for_by_the_next_run_too(account: Account) -> None:
    A_CLUSTER(account)
    life = account.life("memorydb_subnet_group", name="pair", state="absent")
    life.killed_while("in use")
    account.play("memorydb_cluster", name="once", state="absent", final_snapshot="none", **PATIENCE)
    if account.client("memorydb").describe_clusters()["Clusters"]:
        account.play("memorydb_cluster", name="pairs", state="absent", final_snapshot="none", **PATIENCE)
    assert life.play().changed


# ---------------------------------------------------------------- undo


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("cloudformation_stack", STACK, {**STACK, "template": template("new"), "tags": {"a": "b"}}),
        (
            "memorydb_subnet_group",
            {**GROUP, "subnets": BOTH[:1], "description": "one", "tags": {"a": "old"}},
            {**GROUP, "subnets": BOTH, "description": "two", "tags": {"a": "new"}},
        ),
    ],
    ids=["stack", "subnet group"],
)
def test_what_was_changed_is_as_it_was_once_it_is_taken_back(
    account: Account, module: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    account.play(module, **before)
    (change,) = account.play(module, **after).changes
    answer = undo(module, after, kept(change.before, change.after, str(change.resource), change.action))
    assert account.play(module, **answer.arguments).changed
    assert not account.play(module, **before).changed


# ---------------------------------------------------------------- pauses


@pytest.mark.parametrize("kind", ["throttle", "expire-credentials"])
@pytest.mark.parametrize("effect", [SUBNET_GROUPS[0], RULES[0], STACKS[0]], ids=str)
def test_what_keeps_an_effect_back_is_a_pause(account: Account, effect: Effect, kind: str) -> None:
    effect.before(account)
    before = account.done(effect.action)
    life = account.life(effect.module, **effect.args)
    struck(account, effect, life, kind, count=0)
    with pytest.raises(Stopped, match="called too often" if kind == "throttle" else "have expired"):
        life.play()
    account.clear()
    assert life.play().changed
    assert account.done(effect.action) == before + 1
    assert len(life.intents) == 2, "the refusal proved that the first one came to nothing"
