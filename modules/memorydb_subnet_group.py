"""The module `memorydb_subnet_group`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import (
    CONTRACT_VERSION,
    Context,
    Finding,
    Intent,
    Landed,
    Params,
    Permissions,
    Ready,
    UndoAnswer,
    Waiting,
)
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from ._aws import ServiceError, tag_list
from ._effects import once, shows
from ._memorydb import SETTLE, read_subnet_group, read_tags
from ._memorydb_states import RUN_TAG, STEP_TAG, SubnetGroupState, check_name, later, subnet_group_resource
from ._memorydb_undo import GROUP_PASSING, undo_of_group
from ._network import Subnet, find_subnets, find_vpc, is_id, names_subnet, same_members

HINTS = {
    "SubnetNotAllowedFault": "MemoryDB is not offered in every Availability Zone: choose subnets in others.",
    "SubnetInUse": "A cluster has nodes in a subnet that would go: keep it, or move the cluster first.",
    "SubnetGroupQuotaExceededFault": "Ask for a higher quota in Service Quotas, or delete what is not needed.",
}


class SubnetGroupParams(Params, frozen=True, kw_only=True):
    """Arguments of `memorydb_subnet_group`."""

    name: Annotated[str, Meta(description="Name of the group; AWS keeps it in lower case.")]
    state: Annotated[Literal["present", "absent"], Meta(description="Whether it is to be there.")] = "present"
    subnets: Annotated[list[str] | None, Meta(description="All of its subnets, by Name tag or id.")] = None
    vpc: Annotated[
        str | None, Meta(description="Name tag or id of their VPC, where names are not unique without it.")
    ] = None
    description: Annotated[str | None, Meta(description="Text for people.")] = None
    tags: Annotated[dict[str, str] | None, Meta(description="Tags to have; others that are there stay.")] = (
        None
    )
    timeout: Annotated[
        int, Meta(ge=1, description="Seconds to wait, when deleting, until no cluster uses it any more.")
    ] = 7200


class MemorydbSubnetGroup:
    """A subnet group: the subnets that a MemoryDB cluster's nodes may be placed in.

        - name: Subnets for the cluster
          memorydb_subnet_group:
            name: lab-subnets
            vpc: LabVPC
            subnets: [Private Subnet 1, Private Subnet 2]

    AWS's rules: the zones of its subnets decide where nodes land, so a highly available cluster needs two zones
    here. Not every zone is allowed. While a cluster uses the group it can't be deleted; deleting waits for that.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Params]] = SubnetGroupParams
    Result: ClassVar[type[msgspec.Struct]] = SubnetGroupState
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "memorydb:DescribeSubnetGroups",
            "memorydb:ListTags",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        write=(
            "memorydb:CreateSubnetGroup",
            "memorydb:UpdateSubnetGroup",
            "memorydb:DeleteSubnetGroup",
            "memorydb:TagResource",
        ),
    )

    passing: ClassVar[frozenset[str]] = GROUP_PASSING

    def resource(self, params: SubnetGroupParams) -> str | None:
        return subnet_group_resource(params.name)

    def observe(self, ctx: Context, params: SubnetGroupParams) -> SubnetGroupState | None:
        name = check_name("subnet group", params.name, 255)
        return read_subnet_group(ctx, name, with_tags=params.tags is not None)

    def plan(self, params: SubnetGroupParams, observed: SubnetGroupState | None) -> Change:
        resource = self.resource(params)
        if params.state == "absent":
            gone = SubnetGroupState(name=params.name.lower(), state="absent")
            action = Action.NONE if observed is None else Action.DELETE
            return Change(
                action=action, resource=resource, before=observed, result=gone, reason="it is to be absent"
            )
        if observed is None:
            return self._plan_creation(params)
        changed = _differences(params, observed)
        after = _updated(params, observed, changed)
        return Change(
            action=Action.UPDATE if changed else Action.NONE,
            resource=resource,
            before=observed,
            after=after,
            result=after,
            reason=f"other {' and '.join(changed)} asked for" if changed else "",
        )

    def _plan_creation(self, params: SubnetGroupParams) -> Change:
        if params.subnets is None or (isinstance(params.subnets, list) and not params.subnets):
            raise Failed(f"To create subnet group {params.name}, `subnets` must be given.")
        resource = self.resource(params)
        after = SubnetGroupState(
            name=params.name.lower(),
            vpc_id=later(f"{resource} vpc_id"),
            subnets=_planned(params),
            zones=later(f"{resource} zones"),
            description="" if params.description is None else params.description,
            tags={} if params.tags is None else params.tags,
            arn=later(f"{resource} arn"),
        )
        return Change(
            action=Action.CREATE,
            resource=resource,
            after=after,
            result=after,
            reason="there is no such subnet group",
        )

    def apply(self, ctx: Context, params: SubnetGroupParams, change: Change) -> SubnetGroupState:
        name = params.name.lower()
        if change.action is Action.DELETE:
            self._delete(ctx, name, params.timeout)
            return SubnetGroupState(name=name, state="absent")
        if change.action is Action.CREATE:
            self._create(ctx, name, params)
        else:
            self._update(ctx, name, params, change.before)
        state = read_subnet_group(ctx, name, with_tags=params.tags is not None)
        left = ["existence"] if state is None else _differences(params, state)
        if state is None or left:
            raise Failed(
                f"Subnet group {name} was changed, and yet its {' and '.join(left)} is not as asked."
            )
        return state

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        """Delete what was created, create what was deleted, set back what was changed."""
        return undo_of_group(arguments, change)

    def _create(self, ctx: Context, name: str, params: SubnetGroupParams) -> None:
        args: dict[str, Any] = {"SubnetIds": _subnet_ids(ctx, params)}
        if params.description is not None:
            args["Description"] = params.description

        def call(intent: Intent) -> None:
            tags = {**(params.tags or {}), RUN_TAG: ctx.run, STEP_TAG: intent.token}
            made = {"SubnetGroupName": name, "Tags": tag_list(tags), **args}
            try:
                once(ctx, "memorydb", lambda memorydb: memorydb.create_subnet_group(**made))
            except ServiceError as error:
                if error.code != "SubnetGroupAlreadyExistsFault" or not _made_by(ctx, name):
                    raise _advised(error) from error

        def find(intent: Intent) -> Finding[None]:
            if read_subnet_group(ctx, name) is None:
                return shows(False, ctx, intent, SETTLE)
            if _made_by(ctx, name):
                return Landed(None)
            raise Failed(
                f"Somebody else made a subnet group {name} meanwhile.", hint="Run it again to take that one."
            )

        ctx.effect("create", call, find=find)

    def _update(self, ctx: Context, name: str, params: SubnetGroupParams, before: SubnetGroupState) -> None:
        changed = _differences(params, before)
        args: dict[str, Any] = {}
        if "subnets" in changed:
            args["SubnetIds"] = _subnet_ids(ctx, params)
        if "description" in changed:
            args["Description"] = params.description

        def update(_: Intent) -> None:
            asked = {"SubnetGroupName": name, **args}
            try:
                once(ctx, "memorydb", lambda memorydb: memorydb.update_subnet_group(**asked))
            except ServiceError as error:
                raise _advised(error) from error

        def tag(_: Intent) -> None:
            asked = {"ResourceArn": before.arn, "Tags": tag_list(params.tags or {})}
            once(ctx, "memorydb", lambda memorydb: memorydb.tag_resource(**asked))

        def find(intent: Intent) -> Finding[None]:
            state = read_subnet_group(ctx, name, with_tags=intent.key.endswith("tag"))
            left = set(changed) if state is None else set(_differences(params, state))
            about = {"tags"} if intent.key.endswith("tag") else {"subnets", "description"}
            return shows(not left & about, ctx, intent, SETTLE)

        if args:
            ctx.effect("update", update, find=find)
        if "tags" in changed:
            ctx.effect("tag", tag, find=find)

    def _delete(self, ctx: Context, name: str, timeout: float) -> None:
        def call(_: Intent) -> None:
            once(ctx, "memorydb", lambda memorydb: memorydb.delete_subnet_group(SubnetGroupName=name))

        def find(intent: Intent) -> Finding[None]:
            return shows(read_subnet_group(ctx, name) is None, ctx, intent, SETTLE)

        def attempt() -> Waiting | Ready[None]:
            try:
                ctx.effect("delete", call, find=find)
            except ServiceError as error:
                if error.code == "SubnetGroupInUseFault":  # until the cluster is really gone (fact 24)
                    return Waiting("in use by a cluster")
                if error.code != "SubnetGroupNotFoundFault":
                    raise
            return Ready(None)

        ctx.poll(f"subnet group {name}", attempt, timeout=timeout, interval=15.0)


def _differences(params: SubnetGroupParams, state: SubnetGroupState) -> list[str]:
    """Which arguments ask for something else than is there."""
    changed = []
    if params.subnets is not None and not same_members(params.subnets, state.subnets, names_subnet):
        changed.append("subnets")
    if params.description is not None and params.description != state.description:
        changed.append("description")
    tags = state.tags or {}
    if params.tags is not None and any(tags.get(key) != value for key, value in params.tags.items()):
        changed.append("tags")
    return changed


def _updated(params: SubnetGroupParams, state: SubnetGroupState, changed: list[str]) -> SubnetGroupState:
    values: dict[str, Any] = {}
    if "subnets" in changed:
        values["subnets"] = _planned(params, state.subnets)
        zones = {subnet.zone for subnet in values["subnets"] if not isinstance(subnet.zone, Unknown)}
        all_there = all(not isinstance(subnet.zone, Unknown) for subnet in values["subnets"])
        values["zones"] = tuple(sorted(zones)) if all_there else Unknown(f"subnet group {state.name} zones")
    if "description" in changed:
        values["description"] = params.description
    if "tags" in changed:
        values["tags"] = {**(state.tags or {}), **(params.tags or {})}
    return msgspec.structs.replace(state, **values)


def _planned(params: SubnetGroupParams, there: tuple[Subnet, ...] = ()) -> Any:
    """The subnets as they will be; which ids the names have is looked up when it is applied."""
    if isinstance(params.subnets, Unknown):
        return params.subnets
    return tuple(
        next((subnet for subnet in there if names_subnet(reference, subnet)), None) or _named(reference)
        for reference in params.subnets or ()
    )


def _named(reference: Any) -> Subnet:
    if isinstance(reference, Unknown):
        same: Any = reference
        return Subnet(id=same, name=same, zone=same, zone_id=same, vpc_id=same)
    unknown = later(f"subnet {reference}")
    named = (
        {"id": reference, "name": unknown}
        if is_id(reference, "subnet")
        else {"id": unknown, "name": reference}
    )
    return Subnet(**named, zone=unknown.zone, zone_id=unknown.zone_id, vpc_id=unknown.vpc_id)


def _subnet_ids(ctx: Context, params: SubnetGroupParams) -> list[str]:
    wanted = params.subnets or []
    if all(is_id(reference, "subnet") for reference in wanted):
        return list(wanted)
    vpc = find_vpc(ctx, params.vpc) if params.vpc else None
    return [subnet.id for subnet in find_subnets(ctx, wanted, vpc)]


def _made_by(ctx: Context, name: str) -> bool:
    """Whether this run made the group: a first try may have got through though its answer was lost."""
    state = read_subnet_group(ctx, name)
    tags = read_tags(ctx, state.arn or "") if state else None
    return tags is not None and tags.get(RUN_TAG) == ctx.run


def _advised(error: ServiceError) -> ServiceError:
    if error.code not in HINTS:
        return error
    return ServiceError(error.service, error.operation, error.code, error.text, hint=HINTS[error.code])
