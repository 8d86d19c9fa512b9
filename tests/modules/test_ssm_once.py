"""Commands through Systems Manager run once, whatever becomes of the sending, of its answer or of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from runbook.errors import Stopped

from tests.support.killable import Life, before_the_answer
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
)

INSTANCE = "LabInstance"
BOTH = {"names": [INSTANCE, "Second"]}
BUCKET = "once-output"
SOME: tuple[Trouble, ...] = (lost_response, lost_request, lost_and_killed)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = Account.up(tmp_path_factory.mktemp("ssm-once") / "sandbox", 100)
    add_instance(made)
    where = {"LocationConstraint": "eu-west-2"}
    made.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    yield made
    made.sandbox.down()


@pytest.fixture(autouse=True)
def _no_faults_left(account: Account) -> Iterator[None]:
    yield
    account.clear()


def add_instance(account: Account) -> None:
    """A second one beside the lab's own."""
    ec2 = account.client("ec2")
    named = [{"Name": "tag:Name", "Values": [INSTANCE]}]
    (there,) = ec2.describe_instances(Filters=named)["Reservations"][0]["Instances"]
    ec2.run_instances(
        ImageId=there["ImageId"],
        MinCount=1,
        MaxCount=1,
        SubnetId=there["SubnetId"],
        IamInstanceProfile={"Arn": there["IamInstanceProfile"]["Arn"]},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "Second"}]}],
    )


def run(account: Account, script: str, **more: Any) -> Any:
    """What a command that only reads says."""
    told = {"instance": INSTANCE, "script": script, "read_only": True, **more}
    return account.play("ssm_command", **told).result


def command(name: str, troubles: tuple[Trouble, ...] | None = SOME, **args: Any) -> Effect:
    """A script that leaves a line each time it runs, and then is slow."""
    script = f"echo x >> /root/{name}; wc -l < /root/{name}; sleep 0.3"
    place = {"instances": BOTH} if "instances" in args else {"instance": INSTANCE}

    def fresh(account: Account) -> None:
        run(account, f"rm -f /root/{name}", **{"instance": None, **place})

    def ran_once(account: Account, _made: Any) -> None:
        assert run(account, f"cat /root/{name}")["stdout"] == "x"

    return Effect(
        name=name,
        module="ssm_command",
        args={"script": script, **args, **place},
        call="ssm.SendCommand",
        before=fresh,
        check=ran_once,
        count=sent,
        troubles=troubles,
    )


def sent(account: Account) -> int:
    """Commands that are there and were not sent only to read."""
    listed = account.client("ssm").get_paginator("list_commands").paginate()
    every = [one["Comment"] for page in listed for one in page["Commands"]]
    return sum(not comment.startswith("runbook reads") for comment in every)


COMMANDS = [
    command("plain", None),
    command("guarded", creates="/root/guarded"),
    command("unless", (lost_response, killed_after_it), unless="test -e /root/unless"),
    command("several", instances=True),
    command("several_guarded", instances=True, creates="/root/several_guarded"),
    command("whole", (lost_and_killed,), s3_bucket=BUCKET, s3_prefix="once"),
]


@pytest.mark.parametrize(("effect", "trouble"), matrix(COMMANDS))
def test_commands(account: Account, effect: Effect, trouble: Trouble) -> None:
    happens_once(account, effect, trouble)


def test_a_command_that_was_held_back_on_one_instance_is_told_so_after_a_kill(account: Account) -> None:
    run(account, "rm -f /root/half", instance=None, instances=BOTH)
    run(account, "touch /root/half")
    script = "echo x >> /root/half; cat /root/half"
    life = account.life("ssm_command", script=script, instances=BOTH, creates="/root/half")
    made = life.resumed(before_the_answer())
    assert made.changed
    told = {one["name"]: (one["stdout"], bool(one["skipped"])) for one in made.result["instances"]}
    assert told == {INSTANCE: ("", True), "Second": ("x", False)}


def test_a_script_that_failed_is_not_run_again_by_the_resume(account: Account) -> None:
    run(account, "rm -f /root/broken")
    script = "echo x >> /root/broken; wc -l < /root/broken; exit 3"
    made = account.life("ssm_command", script=script, instance=INSTANCE).resumed(before_the_answer())
    assert made.failed
    assert (made.result["rc"], made.result["stdout"]) == (3, "1")


def host(account: Account, module: str, **args: Any) -> Life:
    """A step on the instance as a host with `connection: ssm`."""
    life = account.life(module, **args)
    life.connection, life.variables = "ssm", {"ansible_host": INSTANCE}
    return life


@pytest.mark.parametrize("module", ["shell", "command"])
def test_command_and_shell_on_a_host_are_found_again(account: Account, module: str) -> None:
    run(account, "rm -f /root/host")
    script = "echo x >> /root/host; wc -l < /root/host"
    args = {"cmd": script} if module == "shell" else {"argv": ["sh", "-c", script]}
    life = host(account, module, **args, creates="/root/host")
    life.when_it_begins(1, lambda: account.fault("lose-response", "ssm", "SendCommand"))
    made = life.resumed(before_the_answer())
    assert (made.changed, made.result["stdout"], made.result["rc"]) == (True, "1", 0)


def test_records_through_an_instance_are_written_by_one_sending(account: Account) -> None:
    endpoint = cluster(account)
    args = {"endpoint": endpoint, "transport": "ssm", "instance": INSTANCE}
    records = [{"key": f"once:{n}", "string": "x"} for n in range(3)]
    life = account.life("valkey_ops", **args, records=records)
    before = sent(account)
    life.when_it_begins(1, lambda: account.fault("lose-response", "ssm", "SendCommand"))
    made = life.resumed(before_the_answer())
    assert made.changed
    assert [one["changed"] for one in made.result["records"]] == [True] * 3
    assert sent(account) == before + 1


@pytest.mark.parametrize("trouble", SOME)
def test_what_adds_to_the_data_travels_once(account: Account, trouble: Trouble) -> None:
    endpoint = cluster(account)
    args = {"endpoint": endpoint, "transport": "ssm", "instance": INSTANCE}
    account.play("valkey_ops", **args, commands=["DEL n"])
    effect = Effect(
        name="commands", module="valkey_ops", args={**args, "commands": ["INCR n"]}, call="ssm.SendCommand"
    )
    made = trouble(account, effect, account.life("valkey_ops", **effect.args))
    assert (made.changed, made.result["reply"]) == (True, 1)


def cluster(account: Account) -> str:
    """Endpoint of a cluster, made by the first test that asks for it."""
    zones = ["Private Subnet 1", "Private Subnet 2"]
    account.play("memorydb_subnet_group", name="ops", vpc="LabVPC", subnets=zones)
    made = account.play(
        "memorydb_cluster",
        name="ops",
        node_type="db.r6g.large",
        acl="open-access",
        subnet_group="ops",
        security_groups=["MemoryDBSecurityGroup"],
        replicas_per_shard=0,
        timeout=10**6,
    )
    endpoint: str = made.result["endpoint"]
    return endpoint


def test_a_question_is_open_where_systems_manager_has_forgotten(account: Account) -> None:
    """Records of commands are kept for thirty days: later nothing can tell."""
    life = account.life("ssm_command", script="true", instance=INSTANCE)
    life.killed(before_the_answer())
    old = b"2020-01-01T00:00:00"
    life.disk.lines = [
        line.replace(line.partition(b'"started":"')[2][:19], old) for line in life.disk.lines[:1]
    ]
    with pytest.raises(Stopped, match="keeps its records for 30 days"):
        life.play()
