"""The module `ec2_info`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, Context, Params, Permissions
from runbook.errors import Failed, nearest
from runbook.model import Action, Change
from runbook.values import Unknown, UnknownValue

from ._aws import pages
from ._ec2 import KINDS, Group, Instance, SubnetFound, Vpc
from ._network import is_id, literal
from ._stacks import planned_stack, stack_resource

Wanted: TypeAlias = list[str] | dict[str, str]
"""Names or ids; or tags that all have to be there."""

STACK_TAG = "aws:cloudformation:stack-name"
"""The tag that CloudFormation puts on what a stack made."""

MOST_VALUES = 200
"""Values that one filter of EC2 takes."""


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
            description="id, name, state, type, image, private_address, public_address, zone, zone_id, subnet_id, "
            "vpc_id, security_groups, profile, tags."
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

    In a dry run, what a stack would still have to make, and what belongs to a stack that would be changed, is known
    after apply.
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
            "sts:GetCallerIdentity",
        )
    )

    def resource(self, params: InfoParams) -> str | None:
        """None: it makes nothing that a later step could look at."""
        return None

    def observe(self, ctx: Context, params: InfoParams) -> InfoResult:
        """What is there. Raises Failed with all that is required and missing."""
        within = _in_vpc(ctx, params.vpc) if params.vpc is not None else ()
        found: dict[str, Any] = {}
        missing: list[str] = []
        hints: list[str] = []
        for kind in KINDS:
            wanted = getattr(params, kind)
            if wanted is None:
                continue
            there = _find(ctx, kind, wanted, within)
            lost = [] if isinstance(there, Unknown) else _lost(wanted, there)
            if lost and (stack := planned_stack(ctx)):
                there = Unknown(f"{stack} {kind}")
            elif lost and params.required:
                told, hint = _others(ctx, kind, lost, within)
                missing.append(told)
                hints += [hint] if hint else []
            found[kind] = there
        if missing:
            account = ctx.client("sts").get_caller_identity()["Account"]
            region = ctx.client("ec2").meta.region_name
            raise Failed(
                f"Not there in {region} of account {account}: {'; '.join(missing)}.",
                hint=" ".join(hints) or None,
            )
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
    found = _find(ctx, "vpcs", [vpc], ())
    if not found:
        if stack := planned_stack(ctx):
            raise UnknownValue(Unknown(f"{stack} vpcs"))
        told, hint = _others(ctx, "vpcs", [vpc], ())
        raise Failed(f"Not there in {ctx.client('ec2').meta.region_name}: {told}.", hint=hint)
    return ({"Name": "vpc-id", "Values": [one.id for one in found]},)


def _find(ctx: Context, kind: str, wanted: Wanted, within: Sequence[dict[str, Any]]) -> Any:
    """All that are wanted, in that order; Unknown when one of them belongs to a stack that would be changed."""
    if isinstance(wanted, dict):
        if stack := planned_stack(ctx):
            return Unknown(f"{stack} {kind}")  # it may bring one more that has the tags
        found = _read(ctx, kind, _tag_filters(wanted), within)
    else:
        found = _by_reference(ctx, kind, list(dict.fromkeys(wanted)), within)
    for one in found:
        owner = stack_resource(one.tags[STACK_TAG]) if STACK_TAG in one.tags else None
        if owner is not None and owner in ctx.planned(owner):
            return Unknown(f"{owner} {kind}")
    return tuple(found)


def _by_reference(
    ctx: Context, kind: str, wanted: Sequence[str], within: Sequence[dict[str, Any]]
) -> list[Any]:
    told = KINDS[kind]
    ids = [reference for reference in wanted if is_id(reference, told.prefix)]
    names = [reference for reference in wanted if not is_id(reference, told.prefix)]
    found: list[Any] = []
    for name, values in ((told.id_filter, ids), (told.name_filter, [literal(one) for one in names])):
        for start in range(0, len(values), MOST_VALUES):
            asked = [{"Name": name, "Values": values[start : start + MOST_VALUES]}]
            found += _read(ctx, kind, asked, within)
    place = {reference: number for number, reference in enumerate(wanted)}
    once = {one.id: one for one in found}.values()
    return sorted(once, key=lambda one: place.get(one.id, place.get(one.name, 0)))


def _tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [literal(value)]} for key, value in tags.items()]


def _read(
    ctx: Context, kind: str, filters: Sequence[dict[str, Any]], within: Sequence[dict[str, Any]]
) -> Sequence[Any]:
    """What fits the filters, read once for a task however many hosts and items it has."""
    told = KINDS[kind]
    asked = [*told.always, *filters, *within]

    def read() -> Sequence[Any]:
        found = pages(ctx.client("ec2"), told.operation, told.key, Filters=asked)
        return [one for raw in found for one in told.make(raw)]

    found: Sequence[Any] = ctx.observe(f"ec2:{kind}?{asked}", read)
    return found


def _lost(wanted: Wanted, found: Iterable[Any]) -> list[str]:
    """What was asked for and is not among what was found."""
    if isinstance(wanted, dict):
        return [] if list(found) else [", ".join(f"{key}={value}" for key, value in wanted.items())]
    there = {known for one in found for known in (one.id, one.name)}
    return [reference for reference in dict.fromkeys(wanted) if reference not in there]


def _others(
    ctx: Context, kind: str, lost: Sequence[str], within: Sequence[dict[str, Any]]
) -> tuple[str, str | None]:
    """What is missing beside the names that there are, and what was probably meant."""
    names = sorted({one.name for one in _read(ctx, kind, (), within) if one.name})
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    quoted = " and ".join(f"'{reference}'" for reference in lost)
    one = KINDS[kind].word
    return f"{one} {quoted} (there: {listed or 'none with a name'})", nearest(lost[0], names)
