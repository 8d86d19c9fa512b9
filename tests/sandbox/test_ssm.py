"""Run Command behaves as AWS_FACTS and the service's own documentation say, and its commands really run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from runbook.sandbox.service import AwsError
from runbook.sandbox.ssm_assumptions import SsmAssumptions

from tests.support.instances import RunCommand, new_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.sandbox.instance_host import ProcessHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

ONE = "i-0000000000000000a"
TWO = "i-0000000000000000b"
THREE = "i-0000000000000000c"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessHost]:
    host = new_host(tmp_path_factory.mktemp("ssm"))
    yield host
    host.close()


@pytest.fixture
def ssm(host: ProcessHost) -> Iterator[RunCommand]:
    """Three instances, all Online."""
    run_command = RunCommand(host)
    for number, name in enumerate((ONE, TWO, THREE)):
        run_command.add(name, name=f"node {number}", tags={"Name": f"node {number}", "Role": "node"})
    run_command.pass_time(200)
    yield run_command
    run_command.service.close()


def start(ssm: RunCommand, *lines: str, **params: Any) -> str:
    """Send, and pass the time that everything needs to be seen and begun."""
    command_id = ssm.send(*lines, **params)
    ssm.pass_time(5)
    return command_id


def refusal(ssm: RunCommand, operation: str = "SendCommand", **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        ssm.send("true", **params) if operation == "SendCommand" else ssm.call(operation, **params)
    return caught.value


# --- what a command comes to


def test_a_command_runs_and_its_outcome_comes_back(ssm: RunCommand) -> None:
    command_id = start(ssm, "echo out", "echo err >&2", InstanceIds=[ONE], Comment="run 1 step 2")
    got = ssm.wait_for(command_id, ONE, "Success")
    assert (got["Status"], got["ResponseCode"]) == ("Success", 0)
    assert (got["StandardOutputContent"], got["StandardErrorContent"]) == ("out\n", "err\n")
    assert got["Comment"] == "run 1 step 2"
    assert got["ExecutionElapsedTime"].startswith("PT")
    command = ssm.command(command_id)
    assert (command["Status"], command["TargetCount"], command["CompletedCount"]) == ("Success", 1, 1)


def test_the_exit_code_is_the_last_lines(ssm: RunCommand) -> None:
    assert ssm.wait_for(start(ssm, "false", "true", InstanceIds=[ONE]), ONE, "Success")["ResponseCode"] == 0
    got = ssm.wait_for(start(ssm, "exit 3", InstanceIds=[ONE]), ONE, "Failed")
    assert (got["Status"], got["ResponseCode"]) == ("Failed", 3)
    assert got["StandardErrorContent"] == "failed to run commands: exit status 3\n"


def test_right_after_sending_nothing_can_be_seen(ssm: RunCommand) -> None:
    command_id = ssm.send("true", InstanceIds=[ONE])
    assert ssm.call("ListCommandInvocations", CommandId=command_id)["CommandInvocations"] == []
    assert ssm.call("ListCommands", CommandId=command_id)["Commands"] == []
    error = refusal(ssm, "GetCommandInvocation", CommandId=command_id, InstanceId=ONE)
    assert error.code == "InvocationDoesNotExist"
    ssm.pass_time(5)
    assert len(ssm.call("ListCommandInvocations", CommandId=command_id)["CommandInvocations"]) == 1


def test_until_the_end_the_code_is_minus_one_and_the_output_empty(ssm: RunCommand, tmp_path: Any) -> None:
    command_id = start(ssm, "echo early", "sleep 1.5", InstanceIds=[ONE])
    got = ssm.wait_for(command_id, ONE, "InProgress")
    time.sleep(0.3)
    got = ssm.invocation(command_id, ONE)
    assert (got["StatusDetails"], got["ResponseCode"], got["StandardOutputContent"]) == ("InProgress", -1, "")
    (row,) = ssm.call("ListCommandInvocations", CommandId=command_id, Details=True)["CommandInvocations"]
    assert (row["CommandPlugins"][0]["ResponseCode"], row["CommandPlugins"][0]["Output"]) == (-1, "")
    assert ssm.wait_for(command_id, ONE, "Success")["StandardOutputContent"] == "early\n"


def test_output_is_cut_as_the_agent_cuts_it(ssm: RunCommand) -> None:
    long = "head -c 30000 /dev/zero | tr '\\0' o; head -c 30000 /dev/zero | tr '\\0' e >&2"
    command_id = start(ssm, long, InstanceIds=[ONE])
    got = ssm.wait_for(command_id, ONE, "Success")
    for stream, length, letter in (
        ("StandardOutputContent", 24000, "o"),
        ("StandardErrorContent", 8000, "e"),
    ):
        assert len(got[stream]) == length
        assert got[stream] == letter * (length - 20) + "--output truncated--"
    (row,) = ssm.call("ListCommandInvocations", CommandId=command_id, Details=True)["CommandInvocations"]
    listed = row["CommandPlugins"][0]["Output"]
    assert len(listed) <= 2500
    assert "---Output truncated---" in listed
    assert "----------ERROR-------" in listed


def test_output_goes_to_the_bucket_whole_and_where_aws_lays_it(ssm: RunCommand) -> None:
    command_id = start(
        ssm,
        "head -c 30000 /dev/zero | tr '\\0' o",
        InstanceIds=[ONE],
        OutputS3BucketName="outputs",
        OutputS3KeyPrefix="lab/runs",
    )
    got = ssm.wait_for(command_id, ONE, "Success")
    key = f"lab/runs/{command_id}/{ONE}/awsrunShellScript/0.awsrunShellScript/stdout"
    assert ssm.bucket == {("outputs", key): b"o" * 30000}, "an empty stream is not stored"
    assert got["StandardOutputUrl"] == f"https://s3.eu-west-2.amazonaws.com/outputs/{key}"


def test_a_bucket_that_is_missing_does_not_change_the_outcome(ssm: RunCommand) -> None:
    command_id = start(ssm, "echo out", InstanceIds=[ONE], OutputS3BucketName="missing")
    assert ssm.wait_for(command_id, ONE, "Success")["StandardOutputContent"] == "out\n"


def test_a_reboot_is_done_and_the_step_runs_again(ssm: RunCommand) -> None:
    line = "mark=$HOME/rebooted; [ -e $mark ] && { echo again; exit 0; }; touch $mark; exit 194"
    got = ssm.wait_for(start(ssm, line, InstanceIds=[THREE]), THREE, "Success", step=10)
    assert got["StandardOutputContent"] == "again\n"


# --- time-outs, offline agents, cancelling


@pytest.mark.parametrize(
    ("asked", "used"), [("4", 3600), ("x", 3600), ("172801", 3600), ("5", 5), ("172800", 172800)]
)
def test_an_execution_timeout_out_of_range_silently_becomes_an_hour(
    ssm: RunCommand, asked: str, used: int
) -> None:
    parameters = {"commands": ["true"], "executionTimeout": [asked]}
    sent = ssm.call(
        "SendCommand",
        DocumentName="AWS-RunShellScript",
        Parameters=parameters,
        InstanceIds=[ONE],
        TimeoutSeconds=60,
    )["Command"]
    assert (sent["ExpiresAfter"] - sent["RequestedDateTime"]).total_seconds() == 60 + used


def test_a_script_that_runs_too_long_is_killed(ssm: RunCommand) -> None:
    command_id = start(
        ssm, "echo begun; sleep 100", InstanceIds=[ONE], Parameters={"executionTimeout": ["5"]}
    )
    ssm.wait_for(command_id, ONE, "InProgress")
    time.sleep(0.3)
    ssm.pass_time(5)
    got = ssm.wait_for(command_id, ONE, "ExecutionTimedOut")
    assert (got["Status"], got["ResponseCode"], got["StandardOutputContent"]) == ("TimedOut", 137, "begun\n")
    assert ssm.command(command_id)["StatusDetails"] == "ExecutionTimedOut"


def test_an_undelivered_command_times_out_after_the_sum_of_both_time_outs(ssm: RunCommand) -> None:
    ssm.service.agent_offline(ONE, seconds=100_000)
    command_id = start(
        ssm, "true", InstanceIds=[ONE], TimeoutSeconds=30, Parameters={"executionTimeout": ["100"]}
    )
    assert ssm.wait_for(command_id, ONE, "Delayed")["Status"] == "Delayed"
    ssm.pass_time(120)
    time.sleep(0.3)
    assert ssm.invocation(command_id, ONE)["StatusDetails"] in {"Delayed", "Pending"}
    ssm.pass_time(10)
    got = ssm.wait_for(command_id, ONE, "DeliveryTimedOut")
    assert (got["Status"], got["ResponseCode"], got["ExecutionStartDateTime"]) == ("TimedOut", -1, "")
    command = ssm.command(command_id)
    assert (command["StatusDetails"], command["DeliveryTimedOutCount"]) == ("DeliveryTimedOut", 1)


def test_an_agent_that_comes_back_gets_its_command(ssm: RunCommand) -> None:
    ssm.service.agent_offline(ONE, seconds=60)
    command_id = start(ssm, "echo late", InstanceIds=[ONE])
    ssm.wait_for(command_id, ONE, "Delayed")
    assert ssm.wait_for(command_id, ONE, "Success", step=10)["StandardOutputContent"] == "late\n"


def test_an_instance_terminated_before_the_delivery_is_undeliverable(ssm: RunCommand) -> None:
    command_id = ssm.send("true", InstanceIds=[ONE])
    ssm.change(ONE, state="terminated")
    ssm.pass_time(5)
    assert ssm.wait_for(command_id, ONE, "Undeliverable")["Status"] == "Failed"
    assert ssm.command(command_id)["StatusDetails"] == "Incomplete", "it does not count against MaxErrors"


def test_an_instance_stopped_under_its_script_is_not_heard_of_until_the_command_expires(
    ssm: RunCommand, host: ProcessHost
) -> None:
    command_id = start(
        ssm, "sleep 100", InstanceIds=[TWO], TimeoutSeconds=30, Parameters={"executionTimeout": ["200"]}
    )
    ssm.wait_for(command_id, TWO, "InProgress")
    time.sleep(0.3)
    ssm.change(TWO, state="stopped")
    host.stop(TWO)
    ssm.pass_time(60)
    time.sleep(0.3)
    assert ssm.invocation(command_id, TWO)["StatusDetails"] == "InProgress"
    ssm.pass_time(200)
    assert ssm.wait_for(command_id, TWO, "DeliveryTimedOut")["Status"] == "TimedOut"


def test_cancelling_kills_what_runs(ssm: RunCommand) -> None:
    command_id = start(ssm, "echo begun; sleep 100", InstanceIds=[ONE])
    ssm.wait_for(command_id, ONE, "InProgress")
    time.sleep(0.3)
    assert ssm.call("CancelCommand", CommandId=command_id) == {}
    got = ssm.wait_for(command_id, ONE, "Cancelled")
    assert (got["Status"], got["ResponseCode"]) == ("Cancelled", 137)
    assert ssm.command(command_id)["Status"] == "Cancelled"
    ssm.call("CancelCommand", CommandId=command_id)
    assert ssm.invocation(command_id, ONE)["Status"] == "Cancelled"


def test_cancelling_before_the_delivery_starts_nothing(ssm: RunCommand) -> None:
    command_id = ssm.send("echo never", InstanceIds=[ONE])
    ssm.call("CancelCommand", CommandId=command_id)
    ssm.pass_time(5)
    got = ssm.wait_for(command_id, ONE, "Cancelled")
    assert (got["ExecutionStartDateTime"], got["StandardOutputContent"]) == ("", "")


# --- several instances


def test_targets_by_tag_reach_all_that_carry_it(ssm: RunCommand) -> None:
    command_id = start(ssm, "echo $AWS_SSM_INSTANCE_ID", Targets=[{"Key": "tag:Role", "Values": ["node"]}])
    for name in (ONE, TWO, THREE):
        assert ssm.wait_for(command_id, name, "Success")["StandardOutputContent"] == f"{name}\n"
    one = start(ssm, "true", Targets=[{"Key": "tag:Name", "Values": ["node 1"]}])
    (row,) = ssm.call("ListCommandInvocations", CommandId=one)["CommandInvocations"]
    assert (row["InstanceId"], row["InstanceName"]) == (TWO, "ip-10-0-0-9.eu-west-2.compute.internal")


def test_targets_that_match_nothing_make_a_command_without_instances(ssm: RunCommand) -> None:
    command = ssm.command(start(ssm, "true", Targets=[{"Key": "tag:Role", "Values": ["none"]}]))
    assert (command["Status"], command["StatusDetails"], command["TargetCount"]) == (
        "Failed",
        "NoInstancesInTag",
        0,
    )


def test_the_first_error_stops_further_instances_unless_max_errors_allows(ssm: RunCommand) -> None:
    everyone: dict[str, Any] = {"Targets": [{"Key": "tag:Role", "Values": ["node"]}], "MaxConcurrency": "1"}
    command_id = start(ssm, "exit 1", **everyone)
    ssm.wait_for(command_id, THREE, "Terminated")
    assert [ssm.invocation(command_id, name)["StatusDetails"] for name in (ONE, TWO)] == [
        "Failed",
        "Terminated",
    ]
    command = ssm.command(command_id)
    assert (command["Status"], command["ErrorCount"], command["CompletedCount"]) == ("Failed", 1, 3)
    tolerant = start(ssm, f"[ $AWS_SSM_INSTANCE_ID != {ONE} ]", MaxErrors="34%", **everyone)
    ssm.wait_for(tolerant, THREE, "Success")
    assert ssm.command(tolerant)["StatusDetails"] == "Incomplete"


def test_max_concurrency_holds_the_others_back(ssm: RunCommand) -> None:
    command_id = start(ssm, "sleep 0.6", InstanceIds=[ONE, TWO, THREE], MaxConcurrency="2")
    ssm.wait_for(command_id, ONE, "InProgress")
    states = [ssm.invocation(command_id, name)["StatusDetails"] for name in (ONE, TWO, THREE)]
    assert states == ["InProgress", "InProgress", "Pending"]
    ssm.wait_for(command_id, THREE, "Success")


def test_a_thousand_idle_instances_cost_nothing(ssm: RunCommand) -> None:
    for number in range(1000):
        ssm.add(f"i-{number:017x}")
    ssm.pass_time(200)
    begun = time.monotonic()
    pages, token = 0, {}
    seen: set[str] = set()
    while True:
        page = ssm.call("DescribeInstanceInformation", MaxResults=50, **token)
        seen |= {row["InstanceId"] for row in page["InstanceInformationList"]}
        pages += 1
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert (len(seen), pages) == (1000, 20)
    assert time.monotonic() - begun < 5
    assert ssm.wait_for(start(ssm, "echo x", InstanceIds=[f"i-{999:017x}"]), f"i-{999:017x}", "Success")


# --- which instances there are


def test_an_instance_is_online_only_after_a_while_with_a_profile_and_running(ssm: RunCommand) -> None:
    new = ssm.add("i-00000000000000new")

    def listed() -> set[str]:
        rows = ssm.call("DescribeInstanceInformation")["InstanceInformationList"]
        return {row["InstanceId"] for row in rows}

    assert listed() == {ONE, TWO, THREE}
    assert refusal(ssm, InstanceIds=[new]).code == "InvalidInstanceId"
    ssm.pass_time(120)
    assert new in listed()
    ssm.change(ONE, has_profile=False)
    ssm.change(TWO, state="stopped")
    assert listed() == {THREE, new}


def test_instance_information_is_filtered_by_id_tag_and_ping(ssm: RunCommand) -> None:
    def ids(key: str, *values: str) -> list[str]:
        filters = [{"Key": key, "Values": list(values)}]
        rows = ssm.call("DescribeInstanceInformation", Filters=filters)["InstanceInformationList"]
        return [row["InstanceId"] for row in rows]

    ssm.service.agent_offline(TWO)
    assert ids("InstanceIds", ONE, "i-99999999") == [ONE]
    assert ids("tag:Name", "node 2") == [THREE]
    assert ids("PingStatus", "Online") == [ONE, THREE]
    assert ids("PingStatus", "ConnectionLost") == [TWO]
    error = refusal(ssm, "DescribeInstanceInformation", Filters=[{"Key": "Colour", "Values": ["red"]}])
    assert error.code == "InvalidFilterKey"
    assert refusal(ssm, "DescribeInstanceInformation", MaxResults=51).code == "ValidationException"
    assert refusal(ssm, "DescribeInstanceInformation", NextToken="nonsense").code == "InvalidNextToken"


# --- what is refused


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"InstanceIds": [f"i-{n:017x}" for n in range(51)]}, "ValidationException"),
        ({"InstanceIds": ["not-an-id"]}, "ValidationException"),
        ({"InstanceIds": ["i-99999999999999999"]}, "InvalidInstanceId"),
        ({"InstanceIds": [ONE, ONE]}, "DuplicateInstanceId"),
        ({}, "ValidationException"),
        ({"InstanceIds": [ONE], "Targets": [{"Key": "tag:Role", "Values": ["x"]}]}, "ValidationException"),
        ({"InstanceIds": [ONE], "Comment": "c" * 101}, "ValidationException"),
        ({"InstanceIds": [ONE], "TimeoutSeconds": 2592001}, "ValidationException"),
        ({"InstanceIds": [ONE], "MaxConcurrency": "0"}, "ValidationException"),
        ({"InstanceIds": [ONE], "MaxErrors": "101%"}, "ValidationException"),
        ({"InstanceIds": [ONE], "DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"InstanceIds": [ONE], "Parameters": {"shell": ["bash"]}}, "InvalidParameters"),
        ({"InstanceIds": [ONE], "Parameters": {"commands": []}}, "InvalidParameters"),
    ],
)
def test_send_command_refuses_what_aws_refuses(ssm: RunCommand, params: dict[str, Any], code: str) -> None:
    assert refusal(ssm, **params).code == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("AWS-RunPowerShellScript", "UnsupportedPlatformType"), ("My-Document", "InvalidDocument")],
)
def test_other_documents_are_refused(ssm: RunCommand, name: str, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        ssm.call("SendCommand", DocumentName=name, InstanceIds=[ONE], Parameters={"commands": ["x"]})
    assert caught.value.code == code


def test_unknown_commands_are_refused(ssm: RunCommand) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    assert refusal(ssm, "ListCommands", CommandId=missing).code == "InvalidCommandId"
    assert refusal(ssm, "CancelCommand", CommandId=missing).code == "InvalidCommandId"
    assert (
        refusal(ssm, "GetCommandInvocation", CommandId=missing, InstanceId=ONE).code
        == "InvocationDoesNotExist"
    )
    command_id = start(ssm, "true", InstanceIds=[ONE])
    error = refusal(ssm, "GetCommandInvocation", CommandId=command_id, InstanceId=TWO)
    assert error.code == "InvocationDoesNotExist"


# --- finding a command again


def test_commands_are_listed_newest_first_by_time_and_status_but_not_by_comment(ssm: RunCommand) -> None:
    first = start(ssm, "true", InstanceIds=[ONE], Comment="one")
    ssm.wait_for(first, ONE, "Success")
    between = ssm.clock.now().isoformat()
    ssm.pass_time(1)
    second = start(ssm, "sleep 5", InstanceIds=[ONE], Comment="two")

    def found(key: str, value: str) -> list[str]:
        rows = ssm.call("ListCommands", Filters=[{"key": key, "value": value}])["Commands"]
        return [row["Comment"] for row in rows]

    ssm.wait_for(second, ONE, "InProgress")
    assert [row["Comment"] for row in ssm.call("ListCommands")["Commands"]] == ["two", "one"]
    assert found("InvokedAfter", between) == ["two"]
    assert found("InvokedBefore", between) == ["one"]
    assert found("Status", "Success") == ["one"]
    assert found("ExecutionStage", "Executing") == ["two"]
    assert found("DocumentName", "AWS-RunShellScript") == ["two", "one"]
    ssm.call("CancelCommand", CommandId=second)
    page = ssm.call("ListCommands", MaxResults=1)
    assert [row["Comment"] for row in page["Commands"]] == ["two"]
    rest = ssm.call("ListCommands", MaxResults=1, NextToken=page["NextToken"])
    assert [row["Comment"] for row in rest["Commands"]] == ["one"]


def test_records_expire_after_thirty_days(ssm: RunCommand) -> None:
    command_id = start(ssm, "true", InstanceIds=[ONE])
    ssm.wait_for(command_id, ONE, "Success")
    ssm.pass_time(30 * 86400)
    assert (
        refusal(ssm, "GetCommandInvocation", CommandId=command_id, InstanceId=ONE).code
        == "InvocationDoesNotExist"
    )


def test_a_belief_is_changed_in_one_place(host: ProcessHost) -> None:
    ssm = RunCommand(
        host, SsmAssumptions(spaces_in_details=True, visible_after_seconds=0, register_seconds=0)
    )
    ssm.add(ONE)
    ssm.service.agent_offline(ONE, 10_000)
    command_id = ssm.send("true", InstanceIds=[ONE], TimeoutSeconds=30)
    ssm.pass_time(4000)
    assert ssm.wait_for(command_id, ONE, "Delivery Timed Out")["Status"] == "TimedOut"
    ssm.service.close()
