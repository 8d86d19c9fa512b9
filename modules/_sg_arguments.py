"""The rule that an `sg_rule` asks for: its arguments, and its identity by ids."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Context, Params
from runbook.errors import Failed

from ._aws import pages
from ._network import find_groups, find_vpc
from ._sg_rules import WITH_PORTS, Identity, canonical, protocol_of


class Peer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other end of a rule: exactly one of these."""

    security_group: Annotated[str | None, Meta(description="A security group, by id or name.")] = None
    cidr: Annotated[str | None, Meta(description="A block of IPv4 or IPv6 addresses.")] = None
    prefix_list: Annotated[str | None, Meta(description="A prefix list, by id or name.")] = None


class Arguments(Params, frozen=True, kw_only=True):
    """Which rule of which group."""

    group: Annotated[str, Meta(description="The security group that has the rule, by id or name.")]
    vpc: Annotated[
        str | None, Meta(description="Its VPC, by id or `Name`, where its name is not unique.")
    ] = None
    direction: Annotated[Literal["ingress", "egress"], Meta(description="Into the group, or out of it.")] = (
        "ingress"
    )
    protocol: Annotated[str, Meta(description="tcp, udp, icmp, icmpv6, a number, or -1 for all.")] = "tcp"
    port: Annotated[int | None, Meta(description="The one port.")] = None
    from_port: Annotated[int | None, Meta(description="First port; for icmp the type (-1: all).")] = None
    to_port: Annotated[int | None, Meta(description="Last port; for icmp the code (-1: all).")] = None
    peer: Annotated[Peer, Meta(description="`security_group`, `cidr` or `prefix_list`.")]
    description: Annotated[str | None, Meta(description="Its description; not compared when left out.")] = (
        None
    )
    tags: Annotated[dict[str, str] | None, Meta(description="Tags that it must have; others stay.")] = None
    state: Annotated[Literal["present", "absent"], Meta(description="There, or not.")] = "present"


def traffic(params: Arguments) -> tuple[str, int | None, int | None]:
    """Protocol, first and last port. Raises Failed where they do not fit each other."""
    protocol = protocol_of(params.protocol)
    first = params.port if params.from_port is None else params.from_port
    last = params.port if params.to_port is None else params.to_port
    if params.port is not None and (params.from_port is not None or params.to_port is not None):
        raise Failed(
            "Both `port` and a range of ports are given.", hint="`port`, or `from_port` with `to_port`."
        )
    if protocol not in WITH_PORTS:
        if first is not None or last is not None:
            raise Failed(
                f"Protocol {params.protocol} opens all ports, whatever ports are named.",
                hint="Leave the ports out, or name tcp, udp, icmp or icmpv6.",
            )
        return protocol, None, None
    if protocol.startswith("icmp") and first is None and last is None:
        return protocol, -1, -1
    if first is None or last is None:
        raise Failed(f"A rule for {protocol} needs its ports.", hint="`port`, or `from_port` and `to_port`.")
    if not protocol.startswith("icmp") and not 0 <= first <= last <= 65535:
        raise Failed(f"The ports {first} to {last} are no range.", hint="0 to 65535, the lower one first.")
    return protocol, first, last


def identity_of(ctx: Context, params: Arguments) -> Identity:
    """The rule's identity, by ids."""
    given = [name for name in params.peer.__struct_fields__ if getattr(params.peer, name) is not None]
    if len(given) != 1:
        raise Failed(
            "`peer` must name exactly one other end.", hint="`security_group`, `cidr` or `prefix_list`."
        )
    protocol, first, last = traffic(params)
    vpc = None if params.vpc is None else find_vpc(ctx, params.vpc)
    (group,) = find_groups(ctx, [params.group], vpc)
    kind: Any = given[0]
    return Identity(
        group=group.id,
        egress=params.direction == "egress",
        protocol=protocol,
        from_port=first,
        to_port=last,
        kind=kind,
        peer=_peer(ctx, params.peer, vpc),
    )


def _peer(ctx: Context, peer: Peer, vpc: str | None) -> str:
    if peer.security_group is not None:
        (group,) = find_groups(ctx, [peer.security_group], vpc)
        return str(group.id)
    if peer.cidr is not None:
        return canonical(peer.cidr)
    return _prefix_list(ctx, peer.prefix_list or "")


def _prefix_list(ctx: Context, reference: str) -> str:
    if reference.startswith("pl-"):
        return reference
    named = [{"Name": "prefix-list-name", "Values": [reference]}]
    found = list(pages(ctx.client("ec2"), "describe_managed_prefix_lists", "PrefixLists", Filters=named))
    if len(found) != 1:
        ids = ", ".join(one["PrefixListId"] for one in found)
        told = f"is not unique: {ids}" if found else "is not there"
        raise Failed(f"The prefix list '{reference}' {told}.", hint="Name it by its id.")
    return str(found[0]["PrefixListId"])


def ports_text(first: int | None, last: int | None) -> str:
    if first is None or first == -1:
        return "all"
    return str(first) if first == last else f"{first}-{last}"
