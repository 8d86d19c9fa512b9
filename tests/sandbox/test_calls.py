"""The call log: one JSON line a call, with the outcome, and the name of what it was about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from runbook.sandbox.calls import CallLog, resource_of
from runbook.sandbox.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox_process import Running


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"ClusterName": "lab", "SubnetGroupName": "g"}, "lab"),
        ({"InstanceIds": ["i-1", "i-2"], "DocumentName": "d"}, "i-1,i-2"),
        ({"InstanceId.1": "i-1"}, "i-1"),
        ({"Filters": []}, ""),
    ],
)
def test_a_call_is_named_after_the_most_telling_member(params: dict[str, Any], name: str) -> None:
    assert resource_of(params) == name


def test_lines_are_appended_and_can_be_forgotten(tmp_path: Path) -> None:
    log = CallLog(tmp_path / "calls", Clock())
    log.add("ec2", "DescribeVpcs", "", "ok")
    log.add("memorydb", "UpdateCluster", "läb", "ThrottlingException", "throttle")
    lines = [json.loads(line) for line in log.read().splitlines()]
    assert [(line["action"], line["outcome"]) for line in lines] == [
        ("DescribeVpcs", "ok"),
        ("UpdateCluster", "ThrottlingException"),
    ]
    assert (lines[1]["resource"], lines[1]["fault"], log.count) == ("läb", "throttle", 2)
    assert "fault" not in lines[0]
    log.clear()
    assert (log.read(), log.count) == ("", 0)
    log.close()
    log.add("ec2", "DescribeVpcs", "", "ok")


def test_calls_that_moto_serves_are_logged_with_their_outcome_too(sandbox: Running) -> None:
    ec2, s3, ssm = sandbox.client("ec2"), sandbox.client("s3"), sandbox.client("ssm")
    for refused in (
        lambda: ec2.describe_vpcs(VpcIds=["vpc-00000000000000000"]),
        lambda: s3.get_object(Bucket="no-such-bucket", Key="k"),
        lambda: ssm.get_parameter(Name="/none"),
    ):
        with pytest.raises(Exception, match="An error occurred"):
            refused()
    ssm.put_parameter(Name="/mine", Value="v", Type="String")
    assert ssm.get_parameter(Name="/mine")["Parameter"]["Value"] == "v"
    seen = [(c["service"], c["action"], c["resource"], c["outcome"]) for c in sandbox.calls()[-5:]]
    assert seen == [
        ("ec2", "DescribeVpcs", "vpc-00000000000000000", "InvalidVpcID.NotFound"),
        ("s3", "GetObject", "no-such-bucket/k", "NoSuchBucket"),
        ("ssm", "GetParameter", "/none", "ParameterNotFound"),
        ("ssm", "PutParameter", "/mine", "ok"),
        ("ssm", "GetParameter", "/mine", "ok"),
    ]


def test_a_request_for_another_region_is_refused(sandbox: Running) -> None:
    import boto3

    far = boto3.client(
        "memorydb",
        region_name="us-east-1",
        endpoint_url=sandbox.contact["endpoint_url"],
        aws_access_key_id=sandbox.contact["access_key_id"],
        aws_secret_access_key=sandbox.contact["secret_access_key"],
    )
    with pytest.raises(Exception, match="stands in eu-west-2"):
        far.describe_clusters()
