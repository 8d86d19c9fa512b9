"""Security group rules as EC2 keeps them: their identity, the calls that read and write one of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from runbook.contract import Context
from runbook.errors import Failed, InDoubt, Unreachable

from ._aws import pages, tag_map
from ._aws_errors import DENIED, ServiceError

NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
WITH_PORTS = frozenset({"tcp", "udp", "icmp", "icmpv6"})
"""Any other protocol opens all ports, whatever ports are named (fact 36)."""

DUPLICATE = "InvalidPermission.Duplicate"
GONE = frozenset(
    {"InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"}
)

Kind = Literal["security_group", "cidr", "prefix_list"]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a rule the same rule (fact 31): no description, no tags. `peer` is an id or a canonical CIDR."""

    group: str
    egress: bool
    protocol: str
    from_port: int | None
    to_port: int | None
    kind: Kind
    peer: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it stands."""

    id: str
    identity: Identity
    description: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)


def protocol_of(given: str) -> str:
    """A protocol by the name that EC2 answers with: tcp for 6, -1 for all."""
    lowered = given.lower()
    return NUMBERS.get(lowered, lowered)


def canonical(cidr: str) -> str:
    """A CIDR block as EC2 keeps it: 100.68.0.18/18 is 100.68.0.0/18 (fact 33). Raises Failed for what is none."""
    try:
        return str(ipaddress.ip_network(cidr, strict=False))
    except ValueError as error:
        raise Failed(
            f"'{cidr}' is no CIDR block: {error}", hint="Such as 10.0.0.0/16 or 2001:db8::/32."
        ) from error


def fetch(ctx: Context, group: str) -> tuple[Stored, ...]:
    """All rules of a group, by its id, as they are now."""
    wanted = [{"Name": "group-id", "Values": [group]}]
    found = pages(ctx.client("ec2"), "describe_security_group_rules", "SecurityGroupRules", Filters=wanted)
    return tuple(_stored(raw) for raw in found)


def read_rules(ctx: Context, group: str) -> tuple[Stored, ...]:
    """All rules of a group; read once for all steps of a task."""
    return ctx.observe(f"ec2:security-group-rules/{group}", lambda: fetch(ctx, group))


def find(ctx: Context, identity: Identity) -> Stored | None:
    """The rule with this identity, or None."""
    return next((rule for rule in read_rules(ctx, identity.group) if rule.identity == identity), None)


def _stored(raw: Mapping[str, Any]) -> Stored:
    protocol = protocol_of(raw["IpProtocol"])
    ports = (raw.get("FromPort"), raw.get("ToPort")) if protocol in WITH_PORTS else (None, None)
    kind, peer = _peer(raw)
    identity = Identity(
        group=raw["GroupId"],
        egress=raw["IsEgress"],
        protocol=protocol,
        from_port=ports[0],
        to_port=ports[1],
        kind=kind,
        peer=peer,
    )
    return Stored(
        id=raw["SecurityGroupRuleId"],
        identity=identity,
        description=raw.get("Description", ""),
        tags=tag_map(raw.get("Tags", [])),
    )


def _peer(raw: Mapping[str, Any]) -> tuple[Kind, str]:
    if "CidrIpv4" in raw:
        return "cidr", canonical(raw["CidrIpv4"])
    if "CidrIpv6" in raw:
        return "cidr", canonical(raw["CidrIpv6"])
    if "PrefixListId" in raw:
        return "prefix_list", raw["PrefixListId"]
    return "security_group", raw.get("ReferencedGroupInfo", {}).get("GroupId", "")


# ---------------------------------------------------------------- calls


def permission(identity: Identity, description: str | None) -> dict[str, Any]:
    """A rule as `IpPermissions` wants it: one rule, so that one duplicate spoils nothing else (fact 32)."""
    described = {} if description is None else {"Description": description}
    asked: dict[str, Any] = {"IpProtocol": identity.protocol}
    if identity.from_port is not None:
        asked |= {"FromPort": identity.from_port, "ToPort": identity.to_port}
    if identity.kind == "security_group":
        return asked | {"UserIdGroupPairs": [{"GroupId": identity.peer, **described}]}
    if identity.kind == "prefix_list":
        return asked | {"PrefixListIds": [{"PrefixListId": identity.peer, **described}]}
    if ":" in identity.peer:
        return asked | {"Ipv6Ranges": [{"CidrIpv6": identity.peer, **described}]}
    return asked | {"IpRanges": [{"CidrIp": identity.peer, **described}]}


def authorize(ec2: Any, identity: Identity, **extra: Any) -> None:
    """Add a rule. Raises ServiceError."""
    call = ec2.authorize_security_group_egress if identity.egress else ec2.authorize_security_group_ingress
    call(GroupId=identity.group, **extra)


def revoke(ec2: Any, rule: Stored, **extra: Any) -> None:
    """Remove a rule by its id, which is exact, and tells alike in every VPC when there is none (fact 34)."""
    call = ec2.revoke_security_group_egress if rule.identity.egress else ec2.revoke_security_group_ingress
    call(GroupId=rule.identity.group, SecurityGroupRuleIds=[rule.id], **extra)


def describe(ec2: Any, rule: Stored, description: str, **extra: Any) -> None:
    """Give a rule another description, by the one call that can (fact 31)."""
    call = (
        ec2.update_security_group_rule_descriptions_egress
        if rule.identity.egress
        else ec2.update_security_group_rule_descriptions_ingress
    )
    texts = [{"SecurityGroupRuleId": rule.id, "Description": description}]
    call(GroupId=rule.identity.group, SecurityGroupRuleDescriptions=texts, **extra)


def may(call: Any) -> None:
    """Ask whether a call would be allowed, without carrying it out (fact 37): `call` gets `DryRun`. Raises Failed,
    with the permission that is missing, when it would not."""
    try:
        call(DryRun=True)
    except ServiceError as error:
        if error.code in DENIED:
            raise
    except InDoubt as error:
        raise Unreachable(error.message, hint="`runbook resume` goes on.") from error
