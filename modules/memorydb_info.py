"""The module `memorydb_info`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, Context, Params, Permissions
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from ._memorydb import read_acl, read_cluster, read_engine_versions, read_subnet_group
from ._memorydb_states import (
    AclState,
    ClusterState,
    EngineVersion,
    SubnetGroupState,
    check_name,
    cluster_resource,
    later,
    subnet_group_resource,
)


class InfoParams(Params, frozen=True, kw_only=True):
    """Arguments of `memorydb_info`."""

    name: Annotated[str, Meta(description="Name of the cluster.")]
    required: Annotated[bool, Meta(description="Fail when there is no such cluster.")] = True


class InfoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `memorydb_info` found."""

    cluster: Annotated[ClusterState | None, Meta(description="The cluster; none when it is not there.")] = (
        None
    )
    subnet_group: Annotated[SubnetGroupState | None, Meta(description="Its subnet group.")] = None
    acl: Annotated[AclState | None, Meta(description="Its access control list, with users.")] = None
    engine_versions: Annotated[
        tuple[EngineVersion, ...], Meta(description="Versions of its engine that AWS offers.")
    ] = ()


class MemorydbInfo:
    """Tells all about a MemoryDB cluster: itself, its nodes and their zones, subnet group, access list, versions.

        - name: Look at the cluster
          memorydb_info: {name: lab-cluster}
          register: found

        - name: One node, and where it stands
          assert:
            that: found.cluster.nodes | length == 1

    It only reads. In a dry run it tells what the steps before it plan to make. Which node is primary, AWS does not
    tell: ask the engine (`CLUSTER NODES`).
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Params]] = InfoParams
    Result: ClassVar[type[msgspec.Struct]] = InfoResult
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "memorydb:DescribeClusters",
            "memorydb:DescribeSubnetGroups",
            "memorydb:DescribeACLs",
            "memorydb:DescribeUsers",
            "memorydb:DescribeEngineVersions",
            "memorydb:ListTags",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
        )
    )

    def resource(self, params: InfoParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: InfoParams) -> InfoResult:
        name = check_name("cluster", params.name, 40)
        cluster = ctx.observe(cluster_resource(name), lambda: read_cluster(ctx, name))
        if cluster is None:
            if params.required:
                region = f" in {ctx.target.region}" if ctx.target.region else ""
                raise Failed(
                    f"There is no cluster {name}{region}.",
                    hint="Say `required: false` to go on all the same.",
                )
            return InfoResult()
        return InfoResult(
            cluster=cluster,
            subnet_group=_subnet_group(ctx, cluster),
            acl=_acl(ctx, cluster),
            engine_versions=_versions(ctx, cluster.engine),
        )

    def plan(self, params: InfoParams, observed: InfoResult) -> Change:
        return Change(action=Action.NONE, result=observed)

    def apply(self, ctx: Context, params: InfoParams, change: Change) -> InfoResult:
        result: InfoResult = change.result
        return result


def _versions(ctx: Context, engine: Any) -> tuple[EngineVersion, ...]:
    return () if engine is None or isinstance(engine, Unknown) else read_engine_versions(ctx, engine)


def _subnet_group(ctx: Context, cluster: ClusterState) -> SubnetGroupState | None:
    group: Any = cluster.subnet_group
    if not isinstance(group, str):
        later_or_none: SubnetGroupState | None = group
        return later_or_none
    return ctx.observe(subnet_group_resource(group), lambda: read_subnet_group(ctx, group.lower()))


def _acl(ctx: Context, cluster: ClusterState) -> AclState | None:
    acl: Any = cluster.acl
    if not isinstance(acl, str):
        later_or_none: AclState | None = acl
        return later_or_none
    found = ctx.observe(f"memorydb:acl/{acl.lower()}", lambda: read_acl(ctx, acl))
    if found is not None and isinstance(cluster.arn, Unknown):  # only planned: AWS does not list it there yet
        return msgspec.structs.replace(found, clusters=later(f"memorydb:acl/{acl.lower()} clusters"))
    return found
