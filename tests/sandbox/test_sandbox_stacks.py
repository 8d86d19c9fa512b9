"""CloudFormation stacks: they take time, say how far they are, and can go as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from tests.support.sandbox_process import TEMPLATE, running_sandbox, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sandbox_process import Running

ClientError = botocore.exceptions.ClientError
NAME = "copy"
CAPABILITIES = ["CAPABILITY_IAM"]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An empty account in which a stack's four minutes are 1.2 s."""
    folder = tmp_path_factory.mktemp("stacks") / "world"
    with running_sandbox(folder, "--empty", "--speed", "200") as running:
        yield running


def status(cloudformation: Any, name: str = NAME) -> str:
    """The state of a stack, GONE if it is not there."""
    try:
        found: str = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        assert "does not exist" in str(error)  # noqa: PT017 - any other error fails the test
        return "GONE"
    return found


def done(cloudformation: Any) -> set[str]:
    """The resources that the events tell to be complete."""
    events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
    return {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_COMPLETE"}


def test_the_labs_stack_comes_and_goes(slow: Running) -> None:
    cloudformation, ec2 = slow.client("cloudformation"), slow.client("ec2")
    cloudformation.create_stack(StackName=NAME, TemplateBody=TEMPLATE.read_text(), Capabilities=CAPABILITIES)
    assert status(cloudformation) == "CREATE_IN_PROGRESS"
    until(lambda: done(cloudformation), lambda seen: 0 < len(seen) < 22)
    until(lambda: status(cloudformation), lambda seen: seen == "CREATE_COMPLETE")
    outputs = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]["Outputs"]
    values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    assert ec2.describe_vpcs(VpcIds=[values["VpcId"]])["Vpcs"]
    assert {"LabVPC", "LabInstance", "MemoryDBFromInstance", NAME} <= done(cloudformation)

    same = {"StackName": NAME, "TemplateBody": TEMPLATE.read_text(), "Capabilities": CAPABILITIES}
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(**same)

    inbound = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    pair = [{**inbound, "UserIdGroupPairs": [{"GroupId": values["MemoryDBSecurityGroupId"]}]}]
    extra = ec2.create_security_group(GroupName="extra", Description="by hand", VpcId=values["VpcId"])[
        "GroupId"
    ]
    ec2.authorize_security_group_ingress(GroupId=extra, IpPermissions=pair)
    cloudformation.delete_stack(StackName=NAME)
    until(lambda: status(cloudformation), lambda seen: seen == "DELETE_FAILED")
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
    ]
    assert any("dependent object" in reason or "dependencies" in reason for reason in reasons)

    ec2.delete_security_group(GroupId=extra)
    cloudformation.delete_stack(StackName=NAME)
    assert status(cloudformation) == "DELETE_IN_PROGRESS"
    until(lambda: status(cloudformation), lambda seen: seen == "GONE")
    with pytest.raises(ClientError) as caught:
        ec2.describe_vpcs(VpcIds=[values["VpcId"]])
    assert caught.value.response["Error"]["Code"] == "InvalidVpcID.NotFound"
    assert values["CommandOutputBucket"] in str(slow.client("s3").list_buckets()["Buckets"])


def test_what_is_gone_already_counts_as_deleted(slow: Running) -> None:
    cloudformation, ec2 = slow.client("cloudformation"), slow.client("ec2")
    template = """
        Resources:
          Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
          Gateway: {Type: AWS::EC2::InternetGateway}
          Attached: {Type: AWS::EC2::VPCGatewayAttachment,
                     Properties: {VpcId: !Ref Net, InternetGatewayId: !Ref Gateway}}
          Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Net}}
          Out: {Type: AWS::EC2::Route, DependsOn: Attached, Properties: {RouteTableId: !Ref Table,
                DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
    """
    cloudformation.create_stack(StackName="routes", TemplateBody=template)
    until(lambda: status(cloudformation, "routes"), lambda seen: seen == "CREATE_COMPLETE")
    resources = cloudformation.describe_stack_resources(StackName="routes")["StackResources"]
    names = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in resources}
    ec2.delete_route_table(RouteTableId=names["Table"])
    cloudformation.delete_stack(StackName="routes")
    assert status(cloudformation, "routes") == "DELETE_IN_PROGRESS"
    until(lambda: status(cloudformation, "routes"), lambda seen: seen == "GONE")


def test_an_update_takes_time_too(slow: Running) -> None:
    cloudformation = slow.client("cloudformation")
    template = "Resources: {Bucket: {Type: 'AWS::S3::Bucket'}}"
    cloudformation.create_stack(StackName="small", TemplateBody=template)
    until(lambda: status(cloudformation, "small"), lambda seen: seen == "CREATE_COMPLETE")
    more = "Resources: {Bucket: {Type: 'AWS::S3::Bucket'}, More: {Type: 'AWS::S3::Bucket'}}"
    cloudformation.update_stack(StackName="small", TemplateBody=more)
    assert status(cloudformation, "small") == "UPDATE_IN_PROGRESS"
    until(lambda: status(cloudformation, "small"), lambda seen: seen == "UPDATE_COMPLETE")


def test_zones_can_be_named(slow: Running) -> None:
    cloudformation, ec2 = slow.client("cloudformation"), slow.client("ec2")
    zones = [
        {"ParameterKey": "FirstZone", "ParameterValue": "eu-west-2c"},
        {"ParameterKey": "SecondZone", "ParameterValue": "eu-west-2a"},
    ]
    body = TEMPLATE.read_text()
    cloudformation.create_stack(
        StackName="zones", TemplateBody=body, Parameters=zones, Capabilities=CAPABILITIES
    )
    until(lambda: status(cloudformation, "zones"), lambda seen: seen == "CREATE_COMPLETE")
    names = [{"Name": "tag:Name", "Values": ["Private Subnet 1", "Private Subnet 2"]}]
    shown = ec2.describe_subnets(Filters=names)["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in shown} == {"eu-west-2c", "eu-west-2a"}
