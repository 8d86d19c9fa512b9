"""What EC2 has, as typed values: VPCs, subnets, security groups and instances, and how it is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ._aws import tag_map
from ._network import Subnet, subnet_of

HERE = ("pending", "running", "stopping", "stopped")
"""States of an instance that is there: a terminated one is described for an hour more."""


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
    zone_id: str = ""
    subnet_id: str = ""
    vpc_id: str = ""
    security_groups: tuple[str, ...] = ()
    """Ids."""
    profile: str = ""
    """ARN of its instance profile; without one it can't reach Systems Manager by a role."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)


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
            zone_id=raw.get("Placement", {}).get("AvailabilityZoneId", ""),
            subnet_id=raw.get("SubnetId", ""),
            vpc_id=raw.get("VpcId", ""),
            security_groups=tuple(group["GroupId"] for group in raw.get("SecurityGroups", [])),
            profile=raw.get("IamInstanceProfile", {}).get("Arn", ""),
            tags=tags,
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """How EC2 is asked for one kind of thing."""

    word: str
    prefix: str
    operation: str
    key: str
    make: Callable[[Mapping[str, Any]], Iterator[Any]]
    id_filter: str
    name_filter: str = "tag:Name"
    always: Sequence[dict[str, Any]] = ()


KINDS: Mapping[str, Kind] = {
    "vpcs": Kind("VPC", "vpc", "describe_vpcs", "Vpcs", _vpc, "vpc-id"),
    "subnets": Kind("subnet", "subnet", "describe_subnets", "Subnets", _subnet, "subnet-id"),
    "security_groups": Kind(
        "security group", "sg", "describe_security_groups", "SecurityGroups", _group, "group-id", "group-name"
    ),
    "instances": Kind(
        "instance",
        "i",
        "describe_instances",
        "Reservations",
        _instances,
        "instance-id",
        always=({"Name": "instance-state-name", "Values": list(HERE)},),
    ),
}
