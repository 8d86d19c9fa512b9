"""VPCs, subnets and security groups by what people call them: an id, a Name tag, or a group's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from runbook.contract import Context
from runbook.errors import Failed, RunbookError, nearest
from runbook.values import Unknown, UnknownValue

from ._aws import pages, tag_map
from ._stacks import planned_stack


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet; `name` is its Name tag. In a dry run what must be looked up first is Unknown."""

    id: str
    name: str = ""
    zone: str = ""
    zone_id: str = ""
    vpc_id: str = ""


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A security group; `tag` is its Name tag, `status` how far a cluster is with using it."""

    id: str
    name: str = ""
    tag: str = ""
    status: str = ""


def is_id(reference: str, prefix: str) -> bool:
    """Whether a reference such as `subnet-0123456789abcdef0` is an id."""
    head, _, tail = reference.partition("-")
    return head == prefix and len(tail) >= 8 and all(letter in "0123456789abcdef" for letter in tail)


def literal(value: str) -> str:
    """A value for one of EC2's filters, where `*` and `?` are wildcards: what is named is meant as it is."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def names_subnet(reference: str, subnet: Subnet) -> bool:
    """Whether `reference` means this subnet."""
    return bool(reference == subnet.id) if is_id(reference, "subnet") else bool(reference == subnet.name)


def names_group(reference: str, group: SecurityGroup) -> bool:
    """Whether `reference` means this security group."""
    if is_id(reference, "sg"):
        return bool(reference == group.id)
    return bool(reference == group.name) or bool(reference == group.tag)


def same_members(references: Sequence[str], members: Sequence[Any], names: Any) -> bool:
    """Whether `references` mean exactly `members`, in any order; `names` is one of the two above."""
    left = list(members)
    for reference in dict.fromkeys(references):
        found = next((member for member in left if names(reference, member)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def find_vpc(ctx: Context, reference: str) -> str:
    """The id of a VPC by id or Name tag. Raises Failed when there is none, or more than one."""
    if is_id(reference, "vpc"):
        return reference
    ec2 = ctx.client("ec2")
    wanted = [{"Name": "tag:Name", "Values": [reference]}]
    found = [vpc["VpcId"] for vpc in pages(ec2, "describe_vpcs", "Vpcs", Filters=wanted)]
    if not found:
        others = [_name(vpc) for vpc in pages(ec2, "describe_vpcs", "Vpcs")]
        raise _missing("VPC", reference, others, ctx)
    return _only("VPC", reference, found)


def find_subnets(ctx: Context, references: Iterable[str], vpc: str | None = None) -> tuple[Subnet, ...]:
    """Subnets by id or Name tag, in the order asked for; `vpc` (id) tells equal names apart.

    Raises Failed for one that is not there, or whose name is not unique.
    """
    ec2 = ctx.client("ec2")
    wanted = list(dict.fromkeys(references))
    within = [{"Name": "vpc-id", "Values": [vpc]}] if vpc else []
    all_there = [subnet_of(raw) for raw in pages(ec2, "describe_subnets", "Subnets", Filters=within)]
    return tuple(_pick("subnet", one, all_there, names_subnet, ctx) for one in wanted)


def find_groups(ctx: Context, references: Iterable[str], vpc: str | None = None) -> tuple[SecurityGroup, ...]:
    """Security groups by id, group name or Name tag, in the order asked for; see `find_subnets`."""
    ec2 = ctx.client("ec2")
    wanted = list(dict.fromkeys(references))
    within = [{"Name": "vpc-id", "Values": [vpc]}] if vpc else []
    all_there = [
        group_of(raw) for raw in pages(ec2, "describe_security_groups", "SecurityGroups", Filters=within)
    ]
    return tuple(_pick("security group", one, all_there, names_group, ctx) for one in wanted)


def describe_groups(ctx: Context, ids: Sequence[str]) -> dict[str, SecurityGroup]:
    """Security groups by id; those that are gone meanwhile are left out."""
    if not ids:
        return {}
    wanted = [{"Name": "group-id", "Values": list(ids)}]
    found = pages(ctx.client("ec2"), "describe_security_groups", "SecurityGroups", Filters=wanted)
    return {raw["GroupId"]: group_of(raw) for raw in found}


def describe_subnets(ctx: Context, ids: Sequence[str]) -> dict[str, Subnet]:
    """Subnets by id; those that are gone meanwhile are left out."""
    if not ids:
        return {}
    wanted = [{"Name": "subnet-id", "Values": list(ids)}]
    found = pages(ctx.client("ec2"), "describe_subnets", "Subnets", Filters=wanted)
    return {raw["SubnetId"]: subnet_of(raw) for raw in found}


def subnet_of(raw: Mapping[str, Any]) -> Subnet:
    """A subnet as EC2 describes it. Zones are compared by `zone_id`: names differ between accounts."""
    return Subnet(
        id=raw["SubnetId"],
        name=_name(raw),
        zone=raw.get("AvailabilityZone", ""),
        zone_id=raw.get("AvailabilityZoneId", ""),
        vpc_id=raw.get("VpcId", ""),
    )


def group_of(raw: Mapping[str, Any]) -> SecurityGroup:
    """A security group as EC2 describes it."""
    return SecurityGroup(id=raw["GroupId"], name=raw.get("GroupName", ""), tag=_name(raw))


def _name(raw: Mapping[str, Any]) -> str:
    return tag_map(raw.get("Tags", [])).get("Name", "")


def _pick(kind: str, reference: str, there: Sequence[Any], names: Any, ctx: Context) -> Any:
    found = [one for one in there if names(reference, one)]
    if not found:
        raise _missing(kind, reference, [one.name for one in there], ctx)
    if len(found) > 1:
        _only(kind, reference, [one.id for one in found])
    return found[0]


def _only(kind: str, reference: str, ids: Sequence[str]) -> str:
    if len(ids) > 1:
        raise Failed(
            f"The {kind} '{reference}' is not unique: {', '.join(ids)}.",
            hint="Give its id, or its VPC (`vpc`).",
        )
    return ids[0]


def _missing(kind: str, reference: str, others: Iterable[str], ctx: Context) -> RunbookError:
    """Failed; in a dry run UnknownValue when a stack that is only planned may bring it."""
    if stack := planned_stack(ctx):
        return UnknownValue(Unknown(f"{stack} {kind}"))
    names = sorted({name for name in others if name})
    there = ", ".join(names) or "none with a name"
    region = f" in {ctx.target.region}" if ctx.target.region else ""
    return Failed(
        f"There is no {kind} '{reference}'{region}; there are: {there}.", hint=nearest(reference, names)
    )
