"""The module `memorydb_cluster`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, Context, Params, Permissions, UndoAnswer
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import contains_unknown

from . import _memorydb_change as change_of
from ._memorydb import read_cluster, read_subnet_group
from ._memorydb_refusals import refuse_impossible
from ._memorydb_settings import (
    CREATE_ONLY,
    FIELDS,
    Port,
    Settings,
    created,
    declared,
    differences,
    reason,
    updated,
)
from ._memorydb_states import ClusterState, check_name, cluster_resource, subnet_group_resource
from ._memorydb_undo import PASSING, undo_of
from ._memorydb_wait import under_way, wait, wait_gone


class ClusterParams(Settings, frozen=True, kw_only=True):
    """Arguments of `memorydb_cluster`."""

    name: Annotated[str, Meta(description="Name of the cluster, 40 characters at most.")]
    state: Annotated[Literal["present", "absent"], Meta(description="Whether it is to be there.")] = "present"
    at_creation: Annotated[
        Settings | None, Meta(description="Settings that hold when it is created, and are left alone later.")
    ] = None
    subnet_group: Annotated[str | None, Meta(description="Fixed at creation.")] = None
    port: Annotated[Port | None, Meta(description="Fixed at creation (AWS: 6379).")] = None
    tls: Annotated[bool | None, Meta(description="Encryption in transit; fixed at creation (AWS: true).")] = (
        None
    )
    kms_key: Annotated[
        str | None, Meta(description="Key id or ARN; fixed at creation. Without it, a key that AWS owns.")
    ] = None
    data_tiering: Annotated[bool | None, Meta(description="For r6gd nodes; fixed at creation.")] = None
    auto_minor_version_upgrade: Annotated[bool | None, Meta(description="Fixed at creation.")] = None
    final_snapshot: Annotated[
        str | None, Meta(description="With `state: absent`: name of a last snapshot, or `none` for none.")
    ] = None
    wait: Annotated[bool, Meta(description="Wait until the last change is done.")] = True
    timeout: Annotated[int, Meta(ge=1, description="Seconds that each change may take.")] = 7200


ALL = (*FIELDS, *CREATE_ONLY)


class MemorydbCluster:
    """A MemoryDB cluster: creates it, changes it, deletes it, and waits until AWS has done so.

        - name: A cluster with one node
          memorydb_cluster:
            name: lab-cluster
            node_type: db.r6g.large
            engine_version: "7.2"
            acl: open-access
            subnet_group: lab-subnets
            security_groups: [MemoryDBSecurityGroup]
            at_creation: {replicas_per_shard: 0}
          register: cluster

    Only what is given is compared, and one thing is changed after the other: node type, engine, parameter
    group, security groups, shards, replicas, access list; each is waited for and read back. What AWS accepts
    and takes back later is a failure here, with AWS's reason. A run that was killed goes on waiting for the
    creation, change or deletion that it began.

    AWS's rules: a new cluster has one replica unless `replicas_per_shard: 0` says otherwise, and takes a
    quarter of an hour. Port, TLS, key, subnet group, data tiering and automatic minor upgrades are fixed at
    creation. Versions go up only. Security groups can be exchanged, not removed. Nodes land in the zones of
    the subnet group: for high availability it takes a replica *and* a subnet group that spans two zones.
    Deleting asks for `final_snapshot`.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Params]] = ClusterParams
    Result: ClassVar[type[msgspec.Struct]] = ClusterState
    passing: ClassVar[frozenset[str]] = PASSING
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "memorydb:DescribeClusters",
            "memorydb:DescribeSnapshots",
            "memorydb:DescribeSubnetGroups",
            "memorydb:DescribeEvents",
            "memorydb:ListAllowedNodeTypeUpdates",
            "memorydb:ListTags",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
        ),
        write=(
            "memorydb:CreateCluster",
            "memorydb:UpdateCluster",
            "memorydb:DeleteCluster",
            "memorydb:CreateSnapshot",
            "memorydb:TagResource",
            "iam:CreateServiceLinkedRole",
        ),
    )

    def resource(self, params: ClusterParams) -> str | None:
        return cluster_resource(params.name)

    def observe(self, ctx: Context, params: ClusterParams) -> ClusterState | None:
        name = check_name("cluster", params.name, 40)
        state = read_cluster(ctx, name)
        if params.state == "absent":
            return state
        if state is None:
            _warn_of_one_zone(ctx, params)
        elif params.node_type not in (None, state.node_type) and state.status == "available":
            change_of.allowed_node_types(ctx, name, str(params.node_type))
        return state

    def plan(self, params: ClusterParams, observed: ClusterState | None) -> Change:
        if params.state == "absent":
            return self._plan_absent(params, observed)
        if observed is None:
            return self._plan_creation(params)
        if observed.status in ("create-failed", "deleting"):
            return self._plan_doomed(params, observed)
        refuse_impossible(params, observed)
        changed = differences(params, observed)
        resource = self.resource(params)
        if changed:
            after = updated(observed, changed)
            return Change(
                action=Action.UPDATE,
                resource=resource,
                before=observed,
                after=after,
                result=after,
                reason=reason(changed, observed),
                warnings=_one_zone(after, changed.get("replicas_per_shard")),
            )
        busy = under_way(observed)
        if busy and params.wait:
            return Change(
                action=Action.READ,
                resource=resource,
                before=observed,
                after=observed,
                result=observed,
                reason=f"it is {busy}: wait until it is {'settled' if ',' in busy else 'available'}",
            )
        return Change(action=Action.NONE, resource=resource, before=observed, after=observed, result=observed)

    def _plan_creation(self, params: ClusterParams) -> Change:
        refuse_impossible(params, None)
        after = created(params.name.lower(), _wanted(params))
        open_to_all = (
            "open-access lets in, without a password, whoever reaches the port: for development only",
        )
        return Change(
            action=Action.CREATE,
            resource=self.resource(params),
            after=after,
            result=after,
            reason="there is no such cluster",
            warnings=open_to_all if not contains_unknown(after.acl) and after.acl == "open-access" else (),
        )

    def _plan_doomed(self, params: ClusterParams, observed: ClusterState) -> Change:
        if observed.status == "create-failed":
            raise Failed(
                f"The creation of cluster {observed.name} failed, and AWS can only delete it now.",
                hint="Delete it first (`state: absent`, `final_snapshot: none`).",
            )
        refuse_impossible(params, None)
        after = created(observed.name, _wanted(params))
        return Change(
            action=Action.REPLACE,
            resource=self.resource(params),
            before=observed,
            after=after,
            result=after,
            reason="the one that is there is being deleted: wait until it is gone, then create it",
        )

    def _plan_absent(self, params: ClusterParams, observed: ClusterState | None) -> Change:
        resource = self.resource(params)
        gone = ClusterState(name=params.name.lower(), status="absent")
        if observed is None:
            return Change(action=Action.NONE, resource=resource, result=gone)
        if observed.status == "deleting":
            return Change(
                action=Action.READ,
                resource=resource,
                before=observed,
                result=gone,
                reason="it is being deleted: wait",
            )
        if params.final_snapshot is None:
            raise Failed(
                f"Deleting cluster {observed.name} deletes its data: say what becomes of it.",
                hint="`final_snapshot: NAME` keeps a last snapshot, `final_snapshot: none` keeps nothing.",
            )
        kept = (
            "without a snapshot"
            if _snapshot(params) is None
            else f"with final snapshot {params.final_snapshot}"
        )
        return Change(
            action=Action.DELETE,
            resource=resource,
            before=observed,
            result=gone,
            reason=f"it is to be absent, {kept}",
        )

    def apply(self, ctx: Context, params: ClusterParams, change: Change) -> ClusterState:
        name = params.name.lower()
        if params.state == "absent":
            change_of.delete(ctx, name, _snapshot(params), params.timeout)
            if params.wait:
                wait_gone(ctx, name, params.timeout)
            return change_of.read_back(ctx, name)
        if change.action is Action.UPDATE:
            changed = differences(params, change.before)
            change_of.update(ctx, change.before, changed, params.timeout, wait_last=params.wait)
        elif change.action is Action.READ:
            wait(ctx, name, params.timeout)
        else:
            self._create(ctx, name, params, change)
        asked = _wanted(params) if change.action in (Action.CREATE, Action.REPLACE) else declared(params, ALL)
        return change_of.read_back(ctx, name, asked if params.wait else {})

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return undo_of(arguments, change)

    def _create(self, ctx: Context, name: str, params: ClusterParams, change: Change) -> None:
        if change.action is Action.REPLACE:
            wait_gone(ctx, name, params.timeout)
        change_of.create(ctx, name, _wanted(params))
        if params.wait:
            wait(ctx, name, params.timeout)


def _wanted(params: ClusterParams) -> dict[str, Any]:
    """Everything that is asked for when the cluster is created."""
    special = declared(params.at_creation, FIELDS) if params.at_creation else {}
    return {**declared(params, ALL), **special}


def _snapshot(params: ClusterParams) -> str | None:
    return None if params.final_snapshot == "none" else params.final_snapshot


def _warn_of_one_zone(ctx: Context, params: ClusterParams) -> None:
    """Before a creation: replicas in a subnet group of one zone are no high availability (fact 22)."""
    group = params.subnet_group
    wanted = _wanted(params)
    if group is None or contains_unknown([group, wanted.get("replicas_per_shard")]):
        return
    name = group.lower()
    state = ctx.observe(subnet_group_resource(name), lambda: read_subnet_group(ctx, name))
    after = ClusterState(name=params.name, zones=state.zones if state else None)
    for warning in _one_zone(after, wanted.get("replicas_per_shard", 1)):
        ctx.warn(warning)


def _one_zone(state: ClusterState, replicas: Any) -> tuple[str, ...]:
    if (
        contains_unknown([state.zones, replicas])
        or not replicas
        or state.zones is None
        or len(state.zones) != 1
    ):
        return ()
    return (
        f"the subnet group lies in one zone, {state.zones[0]}: replicas there do not survive the loss of the zone",
    )
