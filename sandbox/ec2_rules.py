"""Security group rules: their identity, and the two ways in which requests and moto write them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
_WITH_PORTS = {"tcp", "udp", "icmp", "icmpv6"}
_PEERS = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("UserIdGroupPairs", "GroupId"),
    ("PrefixListIds", "PrefixListId"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a rule the same rule: protocol, ports and one peer. The description is no part of it.

    `kind` is the member that names the peer: CidrIp, CidrIpv6, GroupId or PrefixListId.
    """

    protocol: str
    from_port: int | None
    to_port: int | None
    kind: str
    peer: str

    def __str__(self) -> str:
        ports = (
            f"from port: {self.from_port}, to port: {self.to_port}, " if self.from_port is not None else ""
        )
        protocol = "ALL" if self.protocol == "-1" else self.protocol.upper()
        return f"peer: {self.peer}, {protocol}, {ports}ALLOW"


def protocol_name(given: str) -> str:
    """A protocol as EC2 writes it: tcp for 6, -1 for all; unknown numbers stay."""
    lowered = given.lower()
    return _PROTOCOLS.get(lowered, lowered)


def canonical_cidr(given: str, kind: str) -> str:
    """A CIDR block as EC2 keeps it: 100.68.0.18/18 is 100.68.0.0/18."""
    try:
        if kind == "CidrIp":
            return str(ipaddress.IPv4Network(given, strict=False))
        return str(ipaddress.IPv6Network(given, strict=False))
    except ValueError:
        raise AwsError("InvalidParameterValue", f"CIDR block {given} is malformed") from None


def make_rule(protocol: str, from_port: int | None, to_port: int | None, kind: str, peer: str) -> Rule:
    """Build a rule as EC2 keeps it; refuses missing and impossible ports.

    Protocols other than tcp, udp, icmp and icmpv6 open all ports, whatever ports are given.
    """
    name = protocol_name(protocol)
    if kind in {"CidrIp", "CidrIpv6"}:
        peer = canonical_cidr(peer, kind)
    if name not in _WITH_PORTS:
        return Rule(name, None, None, kind, peer)
    if from_port is None or to_port is None:
        raise AwsError("MissingParameter", f"FromPort and ToPort are needed for protocol {name}")
    lowest = -1 if name.startswith("icmp") else 0
    if not (lowest <= from_port <= 65_535 and lowest <= to_port <= 65_535):
        raise AwsError("InvalidParameterValue", f"Invalid port range: {from_port} to {to_port}")
    if from_port > to_port and not name.startswith("icmp"):
        raise AwsError("InvalidParameterValue", f"Invalid port range: {from_port} is above {to_port}")
    return Rule(name, from_port, to_port, kind, peer)


def requested(params: dict[str, Any]) -> Iterator[tuple[Rule, dict[str, Any]]]:
    """The rules of a request, each with the member that names its peer (and its description).

    Requests have either IpPermissions or one rule spelled in top-level members.
    """
    permissions = params.get("IpPermissions") or [_single(params)]
    for permission in permissions:
        if "IpProtocol" not in permission:
            raise AwsError("MissingParameter", "The request must contain the parameter IpProtocol")
        peers = [(kind, peer) for member, kind in _PEERS for peer in permission.get(member, [])]
        if not peers:
            raise AwsError("MissingParameter", "A rule needs a CIDR block, a security group or a prefix list")
        for kind, peer in peers:
            if kind not in peer:
                raise AwsError("MissingParameter", f"The request must contain the parameter {kind}")
            ports = permission.get("FromPort"), permission.get("ToPort")
            yield make_rule(permission["IpProtocol"], *ports, kind, peer[kind]), peer


def _single(params: dict[str, Any]) -> dict[str, Any]:
    names = ("IpProtocol", "FromPort", "ToPort")
    permission = {name: params[name] for name in names if name in params}
    if "CidrIp" in params:
        permission["IpRanges"] = [{"CidrIp": params["CidrIp"]}]
    return permission


def kept_rule(record: Any) -> Rule:
    """The identity of a rule in moto's books."""
    if record.prefix_list_id:
        kind, peer = "PrefixListId", record.prefix_list_id
    elif record.source_group:
        kind, peer = "GroupId", record.source_group.get("GroupId", "")
    else:
        kind = "CidrIp" if record.ip_range.get("CidrIp") else "CidrIpv6"
        peer = canonical_cidr(record.ip_range[kind], kind)
    protocol = protocol_name(str(record.ip_protocol))
    if protocol not in _WITH_PORTS:
        return Rule(protocol, None, None, kind, peer)
    return Rule(protocol, record.from_port, record.to_port, kind, peer)


def moto_members(rule: Rule, description: str | None, account: str) -> dict[str, Any]:
    """A rule's peer in the arguments of moto's SecurityGroupRule."""
    described = {"Description": description} if description else {}
    members: dict[str, Any] = {"ip_range": {}, "source_group": None, "prefix_list_id": None}
    if rule.kind == "GroupId":
        members["source_group"] = {"GroupId": rule.peer, "OwnerId": account, "UserId": account, **described}
    elif rule.kind == "PrefixListId":
        members["prefix_list_id"] = {"PrefixListId": rule.peer}
        # Moto has no place for the description of a prefix list's rule; the range's is read nowhere else.
        members["ip_range"] = described
    else:
        members["ip_range"] = {rule.kind: rule.peer, **described}
    return members


def description_of(record: Any) -> str | None:
    """The description of a rule in moto's books."""
    holder = record.source_group or record.ip_range
    text: str | None = holder.get("Description")
    return text


def describe(record: Any, description: str | None) -> None:
    """Set or, with None or an empty text, remove the description of a rule in moto's books."""
    holder = record.source_group or record.ip_range
    if description:
        holder["Description"] = description
    else:
        holder.pop("Description", None)


def rule_shape(record: Any, account: str) -> dict[str, Any]:
    """A rule as the structure `SecurityGroupRule` of the API."""
    rule = kept_rule(record)
    shape: dict[str, Any] = {
        "SecurityGroupRuleId": record.id,
        "GroupId": record.group_id,
        "GroupOwnerId": account,
        "IsEgress": record.is_egress,
        "IpProtocol": rule.protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "Description": description_of(record),
        "SecurityGroupRuleArn": f"{_arn_head(record, account)}:security-group-rule/{record.id}",
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in record.get_tags()],
    }
    if rule.kind == "GroupId":
        shape["ReferencedGroupInfo"] = {"GroupId": rule.peer, "UserId": account}
    else:
        member = {"CidrIp": "CidrIpv4", "CidrIpv6": "CidrIpv6", "PrefixListId": "PrefixListId"}[rule.kind]
        shape[member] = rule.peer
    return shape


def _arn_head(record: Any, account: str) -> str:
    return f"arn:aws:ec2:{record.ec2_backend.region_name}:{account}"
