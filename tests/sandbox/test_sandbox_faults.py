"""Faults, each seen as boto3 sees it, by service, call and count."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from botocore import xform_name
from runbook.sandbox.faults import Fault, FaultKind, Faults, parse_fault

from tests.support.sandbox_process import Running, until

if TYPE_CHECKING:
    from collections.abc import Callable

ClientError = botocore.exceptions.ClientError
DOOR = frozenset({FaultKind.THROTTLE, FaultKind.REFUSE})


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    found: str = caught.value.response["Error"]["Code"]
    return found


# What strikes


def test_a_fault_strikes_the_calls_it_names_as_often_as_it_says() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.THROTTLE, "memorydb", "UpdateCluster", count=2))
    assert faults.take(DOOR, "memorydb", "DescribeClusters") is None
    assert faults.take(DOOR, "ssm", "UpdateCluster") is None
    assert faults.take(DOOR, "memorydb", "UpdateCluster")
    assert faults.take(DOOR, "memorydb", "UpdateCluster")
    assert faults.take(DOOR, "memorydb", "UpdateCluster") is None
    assert faults.in_force() == ()


def test_a_fault_without_count_strikes_until_it_is_cleared() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.THROTTLE, count=0))
    assert all(faults.take(DOOR, "ec2", "DescribeVpcs") for _ in range(5))
    faults.clear()
    assert faults.take(DOOR, "ec2", "DescribeVpcs") is None


def test_a_fault_can_be_about_one_resource() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.REFUSE, resource="lab", code="X"))
    assert faults.take(DOOR, "memorydb", "DescribeClusters", "other") is None
    assert faults.take(DOOR, "memorydb", "DescribeClusters", "lab")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"kind": "explode"}, "there are throttle"),
        ({"kind": "refuse"}, "needs a code"),
        ({"kind": "throttle", "count": -1}, "count must be 0"),
        ({"kind": "delay", "seconds": "long"}, "seconds must be"),
        ({"kind": "throttle", "serivce": "ec2"}, "has no serivce"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(order: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_fault(order)


# As boto3 sees them

CALLS: dict[str, Callable[[Running], object]] = {
    "memorydb": lambda s: s.client("memorydb").describe_clusters(),
    "ssm": lambda s: s.client("ssm").list_commands(),
    "ec2": lambda s: s.client("ec2").describe_vpcs(),
    "sts": lambda s: s.client("sts").get_caller_identity(),
    "cloudformation": lambda s: s.client("cloudformation").list_stacks(),
    "iam": lambda s: s.client("iam").list_roles(),
    "s3": lambda s: s.client("s3").list_buckets(),
}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("memorydb", "ThrottlingException"),
        ("ssm", "ThrottlingException"),
        ("ec2", "RequestLimitExceeded"),
        ("sts", "Throttling"),
        ("cloudformation", "Throttling"),
        ("iam", "Throttling"),
        ("s3", "SlowDown"),
    ],
)
def test_throttling_is_spelled_as_the_service_spells_it(
    sandbox: Running, service: str, expected: str
) -> None:
    sandbox.fault("throttle", service=service)
    assert refused(lambda: CALLS[service](sandbox)) == expected
    CALLS[service](sandbox)
    logged = sandbox.calls()[-2:]
    assert [call["outcome"] for call in logged] == [expected, "ok"]
    assert logged[0]["fault"] == "throttle"


def test_boto3_retries_a_throttled_call(sandbox: Running) -> None:
    sandbox.fault("throttle", service="memorydb")
    assert sandbox.client("memorydb", attempts=3).describe_clusters()["Clusters"] == []


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("memorydb", "ExpiredTokenException"),
        ("ec2", "RequestExpired"),
        ("sts", "ExpiredToken"),
        ("s3", "ExpiredToken"),
    ],
)
def test_expired_credentials_are_spelled_as_the_service_spells_them(
    sandbox: Running, service: str, expected: str
) -> None:
    sandbox.fault("expire-credentials", count=0)
    assert refused(lambda: CALLS[service](sandbox)) == expected


@pytest.mark.parametrize("service", CALLS)
def test_a_refusal_comes_under_the_code_that_was_ordered(sandbox: Running, service: str) -> None:
    sandbox.fault("refuse", service=service, code="SomeFault", message="no <capacity> & more")
    with pytest.raises(ClientError) as caught:
        CALLS[service](sandbox)
    assert caught.value.response["Error"]["Code"] == "SomeFault"
    assert caught.value.response["Error"]["Message"] == "no <capacity> & more"


def test_a_lost_response_acts_and_then_drops_the_connection(sandbox: Running) -> None:
    memorydb = sandbox.client("memorydb")
    sandbox.fault("lose-response", service="memorydb", call="CreateParameterGroup")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        memorydb.create_parameter_group(ParameterGroupName="lost", Family="memorydb_valkey7")
    assert memorydb.describe_parameter_groups(ParameterGroupName="lost")["ParameterGroups"]
    lost = [call for call in sandbox.calls() if call["action"] == "CreateParameterGroup"][-1]
    assert (lost["outcome"], lost["fault"]) == ("ok", "lose-response")


@pytest.mark.parametrize(
    ("service", "call", "given"),
    [
        ("memorydb", "CreateParameterGroup", {"ParameterGroupName": "never", "Family": "memorydb_valkey7"}),
        ("ec2", "CreateTags", {"Resources": ["i-1"], "Tags": [{"Key": "a", "Value": "b"}]}),
    ],
)
def test_a_lost_request_does_nothing(
    sandbox: Running, service: str, call: str, given: dict[str, Any]
) -> None:
    client = sandbox.client(service)
    sandbox.fault("lose-request", service=service, call=call)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        getattr(client, xform_name(call))(**given)
    lost = [told for told in sandbox.calls() if told["action"] == call][-1]
    assert (lost["outcome"], lost["fault"]) == ("lost", "lose-request")
    if service == "memorydb":
        assert refused(lambda: client.describe_parameter_groups(ParameterGroupName="never"))


def test_a_lost_response_of_moto_acts_too(sandbox: Running) -> None:
    s3 = sandbox.client("s3")
    sandbox.fault("lose-response", service="s3", call="CreateBucket")
    where = {"LocationConstraint": "eu-west-2"}
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        s3.create_bucket(Bucket="lost", CreateBucketConfiguration=where)
    assert "lost" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_a_delay_lasts(sandbox: Running) -> None:
    sandbox.fault("delay", service="sts", seconds=0.5)
    started = time.monotonic()
    sandbox.client("sts").get_caller_identity()
    assert time.monotonic() - started >= 0.5


def test_an_agent_is_offline_at_once(sandbox: Running) -> None:
    ssm = sandbox.client("ssm")
    until(lambda: ssm.describe_instance_information()["InstanceInformationList"], bool)
    assert sandbox.fault("agent-offline")["struck"]
    assert ssm.describe_instance_information()["InstanceInformationList"][0]["PingStatus"] == "ConnectionLost"


def test_faults_are_listed_and_cleared(sandbox: Running) -> None:
    sandbox.fault("throttle", service="ec2", count=3)
    assert '"service": "ec2"' in sandbox.do("fault", "list")
    sandbox.do("fault", "clear")
    assert sandbox.do("fault", "list") == ""
