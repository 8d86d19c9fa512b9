"""Security group rules as AWS has them, where moto has them otherwise; boto3 over real HTTP."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.sandbox_process import Running

ClientError = botocore.exceptions.ClientError
_numbers = itertools.count(1)


@pytest.fixture
def ec2(sandbox: Running) -> Any:
    return sandbox.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    found: str = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return found


@pytest.fixture
def group(ec2: Any, vpc: str) -> str:
    return new_group(ec2, vpc)


def new_group(ec2: Any, vpc: str) -> str:
    name = f"group-{next(_numbers)}"
    made: str = ec2.create_security_group(GroupName=name, Description="test", VpcId=vpc)["GroupId"]
    return made


def tcp(port: int = 6379, *, last: int | None = None, **peers: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": last or port, **peers}


def cidr(block: str, text: str | None = None) -> dict[str, Any]:
    return tcp(IpRanges=[{"CidrIp": block, **({"Description": text} if text else {})}])


def refused(call: Callable[..., object], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    code: str = caught.value.response["Error"]["Code"]
    return code


def inbound(ec2: Any, group: str) -> list[dict[str, Any]]:
    condition = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=condition)["SecurityGroupRules"]
    return [rule for rule in rules if not rule["IsEgress"]]


def test_authorize_answers_with_every_rule_it_made(ec2: Any, vpc: str, group: str) -> None:
    other = new_group(ec2, vpc)
    permissions = [
        cidr("10.0.0.0/16", "office"),
        tcp(Ipv6Ranges=[{"CidrIpv6": "2001:DB8::1/32"}]),
        tcp(UserIdGroupPairs=[{"GroupId": other, "Description": "friends"}]),
    ]
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "run", "Value": "1"}]}]
    made = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=permissions, TagSpecifications=tags
    )["SecurityGroupRules"]
    assert [rule.get("Description") for rule in made] == ["office", None, "friends"]
    assert made[1]["CidrIpv6"] == "2001:db8::/32"
    assert made[2]["ReferencedGroupInfo"]["GroupId"] == other
    assert {rule["SecurityGroupRuleId"] for rule in made} == {
        rule["SecurityGroupRuleId"] for rule in inbound(ec2, group)
    }
    tagged = [{"Name": "tag:run", "Values": ["1"]}, {"Name": "group-id", "Values": [group]}]
    assert len(ec2.describe_security_group_rules(Filters=tagged)["SecurityGroupRules"]) == 3


@pytest.mark.parametrize(
    "again", [cidr("10.1.0.0/18"), cidr("10.1.0.18/18"), cidr("10.1.0.0/18", "other text")]
)
def test_the_same_rule_is_a_duplicate_in_any_spelling(ec2: Any, group: str, again: dict[str, Any]) -> None:
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[cidr("10.1.0.18/18", "text")])
    assert inbound(ec2, group)[0]["CidrIpv4"] == "10.1.0.0/18"
    call = ec2.authorize_security_group_ingress
    assert refused(call, GroupId=group, IpPermissions=[again]) == "InvalidPermission.Duplicate"


def test_one_duplicate_fails_the_whole_call(ec2: Any, group: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[cidr("10.1.0.0/16")])
    both = [cidr("10.2.0.0/16"), cidr("10.1.0.0/16")]
    call = ec2.authorize_security_group_ingress
    assert refused(call, GroupId=group, IpPermissions=both) == "InvalidPermission.Duplicate"
    assert [rule["CidrIpv4"] for rule in inbound(ec2, group)] == ["10.1.0.0/16"]
    twice = [cidr("10.3.0.0/16"), cidr("10.3.0.7/16")]
    assert refused(call, GroupId=group, IpPermissions=twice) == "InvalidPermission.Duplicate"


def test_other_ports_or_directions_are_other_rules(ec2: Any, group: str) -> None:
    for permission in (cidr("10.1.0.0/16"), tcp(6380, IpRanges=[{"CidrIp": "10.1.0.0/16"}])):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[cidr("10.1.0.0/16")])
    assert len(inbound(ec2, group)) == 2


def test_protocols_without_ports_open_all_of_them(ec2: Any, group: str) -> None:
    permission = {"IpProtocol": "50", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert (made["SecurityGroupRules"][0]["FromPort"], made["SecurityGroupRules"][0]["ToPort"]) == (-1, -1)
    six = {"IpProtocol": "6", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[six])
    assert made["SecurityGroupRules"][0]["IpProtocol"] == "tcp"


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        (cidr("10.0.0/16"), "InvalidParameterValue"),
        (tcp(80, last=79, IpRanges=[{"CidrIp": "10.0.0.0/8"}]), "InvalidParameterValue"),
        (tcp(70_000, IpRanges=[{"CidrIp": "10.0.0.0/8"}]), "InvalidParameterValue"),
        ({"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "MissingParameter"),
        (tcp(), "MissingParameter"),
        (tcp(UserIdGroupPairs=[{"GroupId": "sg-00000000000000000"}]), "InvalidGroup.NotFound"),
        (tcp(PrefixListIds=[{"PrefixListId": "pl-00000000000000000"}]), "InvalidPrefixListID.NotFound"),
    ],
)
def test_impossible_rules_are_refused(ec2: Any, group: str, permission: dict[str, Any], code: str) -> None:
    call = ec2.authorize_security_group_ingress
    assert refused(call, GroupId=group, IpPermissions=[permission]) == code
    assert inbound(ec2, group) == []


def test_a_group_holds_sixty_rules_a_direction(ec2: Any, group: str) -> None:
    ranges = [{"CidrIp": f"10.{number}.0.0/16"} for number in range(60)]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(IpRanges=ranges)])
    call = ec2.authorize_security_group_ingress
    one_more = [cidr("10.60.0.0/16")]
    assert refused(call, GroupId=group, IpPermissions=one_more) == "RulesPerSecurityGroupLimitExceeded"


def test_a_dry_run_tells_and_does_nothing(ec2: Any, group: str) -> None:
    call = ec2.authorize_security_group_ingress
    dry = {"GroupId": group, "IpPermissions": [cidr("10.0.0.0/8")], "DryRun": True}
    assert refused(call, **dry) == "DryRunOperation"
    assert inbound(ec2, group) == []


def test_revoke_needs_no_description_and_knows_ids(ec2: Any, group: str) -> None:
    made = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[cidr("10.1.0.0/16", "text"), cidr("10.2.0.0/16")]
    )["SecurityGroupRules"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[cidr("10.1.3.0/16")])
    gone = made[1]["SecurityGroupRuleId"]
    answer = ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[gone])
    assert answer["RevokedSecurityGroupRules"][0]["SecurityGroupRuleId"] == gone
    assert inbound(ec2, group) == []
    again = {"GroupId": group, "SecurityGroupRuleIds": [gone]}
    assert refused(ec2.revoke_security_group_ingress, **again) == "InvalidSecurityGroupRuleId.NotFound"


def test_revoking_what_is_not_there_fails_except_in_the_default_vpc(ec2: Any, group: str) -> None:
    missing = {"IpPermissions": [cidr("10.1.0.0/16")]}
    call = ec2.revoke_security_group_ingress
    assert refused(call, GroupId=group, **missing) == "InvalidPermission.NotFound"
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    answer = call(GroupId=new_group(ec2, default), **missing)
    assert answer["UnknownIpPermissions"][0]["IpRanges"][0]["CidrIp"] == "10.1.0.0/16"


def test_a_description_is_changed_without_touching_the_rule(ec2: Any, vpc: str, group: str) -> None:
    other = new_group(ec2, vpc)
    pair = tcp(UserIdGroupPairs=[{"GroupId": other}])
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])["SecurityGroupRules"][0]
    named = tcp(UserIdGroupPairs=[{"GroupId": other, "Description": "new"}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[named])
    assert inbound(ec2, group)[0]["Description"] == "new"
    by_id = [{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "newer"}]
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=by_id)
    assert inbound(ec2, group)[0]["Description"] == "newer"
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"][0]
    assert shown["UserIdGroupPairs"][0]["Description"] == "newer"


def test_a_rule_is_modified_in_place(ec2: Any, group: str) -> None:
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[cidr("10.1.0.0/16")])
    rule_id = rule["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    new = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIpv4": "10.2.0.1/16", "Description": "d"}
    ec2.modify_security_group_rules(
        GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": new}]
    )
    seen = inbound(ec2, group)[0]
    assert (seen["SecurityGroupRuleId"], seen["FromPort"], seen["CidrIpv4"]) == (rule_id, 1, "10.2.0.0/16")


def test_prefix_lists_are_peers(ec2: Any, group: str) -> None:
    made = ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=1, AddressFamily="IPv4")
    list_id = made["PrefixList"]["PrefixListId"]
    permission = tcp(PrefixListIds=[{"PrefixListId": list_id, "Description": "listed"}])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    seen = inbound(ec2, group)[0]
    assert (seen["PrefixListId"], seen["Description"]) == (list_id, "listed")


def test_a_group_that_is_referenced_or_used_can_not_be_deleted(ec2: Any, vpc: str, group: str) -> None:
    other = new_group(ec2, vpc)
    pair = tcp(UserIdGroupPairs=[{"GroupId": group}])
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[pair])
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=[pair])
    ec2.delete_security_group(GroupId=group)
    assert refused(ec2.delete_security_group, GroupId=group) == "InvalidGroup.NotFound"
    labs = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["EC2SecurityGroup"]}])
    used = labs["SecurityGroups"][0]["GroupId"]
    assert refused(ec2.delete_security_group, GroupId=used) == "DependencyViolation"
