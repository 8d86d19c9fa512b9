"""The module `ec2_info`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, Context, Params, Permissions
from runbook.errors import Failed, nearest
from runbook.model import Action, Change

from ._aws import pages, tag_map
from ._network import Subnet, is_id, subnet_of

Wanted: TypeAlias = list[str] | dict[str, str]
"""Names or ids; or tags that all have to be there."""

PREFIXES = {"vpcs": "vpc", "subnets": "subnet", "security_groups": "sg", "instances": "i"}

HERE = ("pending", "running", "stopping", "stopped")
"""States of an instance that is there: a terminated one is described for an hour more."""


class InfoParams(Params, frozen=True, kw_only=True):
    """Arguments of `ec2_info`."""

    vpcs: Annotated[
        Wanted | None, Meta(description="VPCs: names (`Name` tag) or ids, or a mapping of tags.")
    ] = None
    subnets: Annotated[Wanted | None, Meta(description="Subnets, in the same way.")] = None
    security_groups: Annotated[
        Wanted | None, Meta(description="Security groups: group names or ids, or a mapping of tags.")
    ] = None
    instances: Annotated[
        Wanted | None, Meta(description="Instances, in the same way as VPCs; not the terminated ones.")
    ] = None
    vpc: Annotated[
        str | None, Meta(description="Only in the VPC with this name or id; tells equal names apart.")
    ] = None
    required: Annotated[bool, Meta(description="Fail when one that was asked for is not there.")] = False


class Vpc(msgspec.Struct, frozen=True, kw_only=True):
    """A VPC; `name` is its Name tag."""

    id: str
    name: str = ""
    cidr: str = ""
    default: bool = False
    state: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class SubnetFound(Subnet, frozen=True, kw_only=True):
    """A subnet; zones of two accounts are compared by `zone_id`."""

    cidr: str = ""
    free_addresses: int = 0
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A security group; `name` is the group's name."""

    id: str
    name: str = ""
    description: str = ""
    vpc_id: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance; `name` is its Name tag."""

    id: str
    name: str = ""
    state: str = ""
    type: str = ""
    image: str = ""
    private_address: str = ""
    public_address: str = ""
    zone: str = ""
    subnet_id: str = ""
    vpc_id: str = ""
    security_groups: tuple[str, ...] = ()
    """Ids."""
    profile: str = ""
    """ARN of its instance profile; without one it can't reach Systems Manager by a role."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class InfoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `ec2_info` found, in the order asked for."""

    vpcs: Annotated[tuple[Vpc, ...], Meta(description="id, name, cidr, default, state, tags.")] = ()
    subnets: Annotated[
        tuple[SubnetFound, ...],
        Meta(description="id, name, zone, zone_id, vpc_id, cidr, free_addresses, tags."),
    ] = ()
    security_groups: Annotated[
        tuple[Group, ...], Meta(description="id, name, description, vpc_id, tags.")
    ] = ()
    instances: Annotated[
        tuple[Instance, ...],
        Meta(
            description="id, name, state, type, image, private_address, public_address, zone, subnet_id, vpc_id, "
            "security_groups, profile, tags."
        ),
    ] = ()


class Ec2Info:
    """Finds VPCs, subnets, security groups and instances by name, id or tags.

        - name: Find the network and the instance
          ec2_info:
            vpcs: [LabVPC]
            subnets: [Private Subnet 1, Private Subnet 2]
            security_groups: [MemoryDBSecurityGroup]
            instances: {Purpose: lab}
            required: true
          register: found

        - debug:
            msg: "{{ found.subnets | map(attribute='zone') | list }}"

    It only reads, and asks only for the kinds that are named. Names need not be unique: all that have a name are
    found. With `required: true` a name that is not there fails the task, and the message lists the names that are.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[InfoParams]] = InfoParams
    Result: ClassVar[type[InfoResult]] = InfoResult
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "ec2:DescribeVpcs",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeInstances",
        )
    )

    def resource(self, params: InfoParams) -> str | None:
        """None: it makes nothing that a later step could look at."""
        return None

    def observe(self, ctx: Context, params: InfoParams) -> InfoResult:
        """What is there. Raises Failed for what is required and missing."""
        within = _in_vpc(ctx, params.vpc) if params.vpc is not None else ()
        found = {
            kind: tuple(_find(ctx, params, kind, wanted, within))
            for kind in PREFIXES
            if (wanted := getattr(params, kind)) is not None
        }
        return InfoResult(**found)

    def plan(self, params: InfoParams, observed: InfoResult) -> Change:
        return Change(action=Action.NONE, result=observed)

    def apply(self, ctx: Context, params: InfoParams, change: Change) -> InfoResult:
        """Nothing is ever planned, so this is never asked for."""
        found: InfoResult = change.result
        return found


def _in_vpc(ctx: Context, vpc: str) -> Sequence[dict[str, Any]]:
    if is_id(vpc, "vpc"):
        return ({"Name": "vpc-id", "Values": [vpc]},)
    ids = [one.id for one in _all(ctx, "vpcs", ()) if one.name == vpc]
    if not ids:
        raise Failed(f"There is no VPC '{vpc}'{_where(ctx)}.")
    return ({"Name": "vpc-id", "Values": ids},)


def _find(
    ctx: Context, params: InfoParams, kind: str, wanted: Wanted, within: Sequence[dict[str, Any]]
) -> Iterator[Any]:
    there = _all(ctx, kind, within)
    if isinstance(wanted, dict):
        found = [one for one in there if wanted.items() <= one.tags.items()]
        if params.required and not found:
            raise _missing(ctx, kind, ", ".join(f"{k}={v}" for k, v in wanted.items()), there)
        yield from found
        return
    for reference in dict.fromkeys(wanted):
        by_id = is_id(reference, PREFIXES[kind])
        found = [one for one in there if reference == (one.id if by_id else one.name)]
        if params.required and not found:
            raise _missing(ctx, kind, reference, there)
        yield from found


def _all(ctx: Context, kind: str, within: Sequence[dict[str, Any]]) -> Sequence[Any]:
    """All of a kind, read once for a task however many hosts and items it has."""

    def read() -> Sequence[Any]:
        operation, key, made, filters = _KINDS[kind]
        found = pages(ctx.client("ec2"), operation, key, Filters=[*filters, *within])
        return [one for raw in found for one in made(raw)]

    scope = ",".join(value for one in within for value in one["Values"])
    found: Sequence[Any] = ctx.observe(f"ec2:{kind}/{scope}", read)
    return found


def _missing(ctx: Context, kind: str, reference: str, there: Sequence[Any]) -> Failed:
    names = sorted({one.name for one in there if one.name})
    what = kind.replace("_", " ").removesuffix("s").replace("vpc", "VPC")
    told = f"There are: {', '.join(names[:20])}." if names else "There is none with a name."
    return Failed(f"There is no {what} '{reference}'{_where(ctx)}. {told}", hint=nearest(reference, names))


def _where(ctx: Context) -> str:
    return f" in {ctx.target.region}" if ctx.target.region else ""


# ---------------------------------------------------------------- as EC2 describes them


def _tags(raw: Mapping[str, Any]) -> dict[str, str]:
    return tag_map(raw.get("Tags", []))


def _vpc(raw: Mapping[str, Any]) -> Iterator[Vpc]:
    tags = _tags(raw)
    yield Vpc(
        id=raw["VpcId"],
        name=tags.get("Name", ""),
        cidr=raw.get("CidrBlock", ""),
        default=raw.get("IsDefault", False),
        state=raw.get("State", ""),
        tags=tags,
    )


def _subnet(raw: Mapping[str, Any]) -> Iterator[SubnetFound]:
    known = msgspec.structs.asdict(subnet_of(raw))
    yield SubnetFound(
        **known,
        cidr=raw.get("CidrBlock", ""),
        free_addresses=raw.get("AvailableIpAddressCount", 0),
        tags=_tags(raw),
    )


def _group(raw: Mapping[str, Any]) -> Iterator[Group]:
    yield Group(
        id=raw["GroupId"],
        name=raw.get("GroupName", ""),
        description=raw.get("Description", ""),
        vpc_id=raw.get("VpcId", ""),
        tags=_tags(raw),
    )


def _instances(reservation: Mapping[str, Any]) -> Iterator[Instance]:
    for raw in reservation.get("Instances", []):
        tags = _tags(raw)
        yield Instance(
            id=raw["InstanceId"],
            name=tags.get("Name", ""),
            state=raw.get("State", {}).get("Name", ""),
            type=raw.get("InstanceType", ""),
            image=raw.get("ImageId", ""),
            private_address=raw.get("PrivateIpAddress", ""),
            public_address=raw.get("PublicIpAddress", ""),
            zone=raw.get("Placement", {}).get("AvailabilityZone", ""),
            subnet_id=raw.get("SubnetId", ""),
            vpc_id=raw.get("VpcId", ""),
            security_groups=tuple(group["GroupId"] for group in raw.get("SecurityGroups", [])),
            profile=raw.get("IamInstanceProfile", {}).get("Arn", ""),
            tags=tags,
        )


_Maker: TypeAlias = Callable[[Mapping[str, Any]], Iterator[Any]]
_KINDS: Mapping[str, tuple[str, str, _Maker, Sequence[dict[str, Any]]]] = {
    "vpcs": ("describe_vpcs", "Vpcs", _vpc, ()),
    "subnets": ("describe_subnets", "Subnets", _subnet, ()),
    "security_groups": ("describe_security_groups", "SecurityGroups", _group, ()),
    "instances": (
        "describe_instances",
        "Reservations",
        _instances,
        ({"Name": "instance-state-name", "Values": list(HERE)},),
    ),
}
