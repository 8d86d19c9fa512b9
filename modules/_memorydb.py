"""Reading MemoryDB: clusters, subnet groups, access lists and engine versions, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from runbook.contract import Context

from ._aws import ServiceError, pages, tag_map
from ._memorydb_states import (
    RUN_TAG,
    Access,
    AclState,
    ClusterState,
    EngineVersion,
    Node,
    Shard,
    SubnetGroupState,
)
from ._network import SecurityGroup, Subnet, describe_groups, describe_subnets

SETTLE = 60.0
"""Seconds after which a call of ours would show in what MemoryDB describes (inferred; no source)."""


def describe_cluster(ctx: Context, name: str) -> Mapping[str, Any] | None:
    """A cluster as AWS describes it, shards included (they alone tell the replicas: fact 4); None: not there."""
    try:
        answer = ctx.client("memorydb").describe_clusters(ClusterName=name, ShowShardDetails=True)
    except ServiceError as error:
        if error.code == "ClusterNotFoundFault":
            return None
        raise
    found: list[Mapping[str, Any]] = answer.get("Clusters", [])
    return found[0] if found else None


def read_cluster(ctx: Context, name: str) -> ClusterState | None:
    """All that is known of a cluster, with the names of its security groups, its zones and its tags."""
    raw = describe_cluster(ctx, name)
    if raw is None:
        return None
    tags = read_tags(ctx, raw.get("ARN", ""))
    group = read_subnet_group(ctx, raw["SubnetGroupName"]) if raw.get("SubnetGroupName") else None
    ids = [member["SecurityGroupId"] for member in raw.get("SecurityGroups", [])]
    found = describe_groups(ctx, ids)
    return msgspec.structs.replace(
        cluster_state(raw, found),
        vpc_id=group.vpc_id if group else None,
        zones=group.zones if group else None,
        tags=None if tags is None else _own_words(tags),
        ours=True if tags is not None and tags.get(RUN_TAG) == ctx.run else None,
    )


def cluster_state(raw: Mapping[str, Any], groups: Mapping[str, SecurityGroup]) -> ClusterState:
    """A cluster as `describe_cluster` answers it, in our words; `groups` tells the security groups' names."""
    endpoint = raw.get("ClusterEndpoint") or {}
    shards = raw.get("Shards", [])
    return ClusterState(
        name=raw["Name"],
        status=raw.get("Status", ""),
        endpoint=endpoint.get("Address", ""),
        port=endpoint.get("Port"),
        engine=raw.get("Engine"),
        engine_version=raw.get("EngineVersion"),
        engine_patch_version=raw.get("EnginePatchVersion"),
        node_type=raw.get("NodeType"),
        shards=raw.get("NumberOfShards"),
        replicas_per_shard=_replicas(shards),
        parameter_group=raw.get("ParameterGroupName"),
        parameter_group_status=raw.get("ParameterGroupStatus"),
        acl=raw.get("ACLName"),
        subnet_group=raw.get("SubnetGroupName"),
        security_groups=tuple(_attached(one, groups) for one in raw.get("SecurityGroups", [])),
        tls=raw.get("TLSEnabled"),
        kms_key=raw.get("KmsKeyId"),
        data_tiering=str(raw.get("DataTiering", "false")).lower() == "true",  # comes back as text: fact 7
        availability_mode=(raw.get("AvailabilityMode") or "").lower() or None,
        maintenance_window=raw.get("MaintenanceWindow"),
        snapshot_window=raw.get("SnapshotWindow"),
        snapshot_retention_limit=raw.get("SnapshotRetentionLimit"),
        sns_topic=_topic(raw),
        description=raw.get("Description", ""),
        auto_minor_version_upgrade=raw.get("AutoMinorVersionUpgrade"),
        shard_details=tuple(_shard(one) for one in shards),
        nodes=tuple(_node(shard["Name"], node) for shard in shards for node in shard.get("Nodes", [])),
        arn=raw.get("ARN"),
    )


def _replicas(shards: list[Mapping[str, Any]]) -> int | None:
    """The count is never told: the largest number of nodes of an available shard, less its primary (fact 4)."""
    counts = [shard.get("NumberOfNodes", 0) for shard in shards if shard.get("Status") == "available"]
    return max(counts) - 1 if counts else None


def _topic(raw: Mapping[str, Any]) -> str:
    active = str(raw.get("SnsTopicStatus", "")).upper() == "ACTIVE"
    return str(raw.get("SnsTopicArn", "")) if active else ""


def _attached(member: Mapping[str, Any], groups: Mapping[str, SecurityGroup]) -> SecurityGroup:
    group = groups.get(member["SecurityGroupId"], SecurityGroup(id=member["SecurityGroupId"]))
    return msgspec.structs.replace(group, status=member.get("Status", ""))


def _shard(raw: Mapping[str, Any]) -> Shard:
    return Shard(
        name=raw["Name"],
        status=raw.get("Status", ""),
        slots=raw.get("Slots", ""),
        nodes=raw.get("NumberOfNodes", len(raw.get("Nodes", []))),
    )


def _node(shard: str, raw: Mapping[str, Any]) -> Node:
    endpoint = raw.get("Endpoint") or {}
    return Node(
        name=raw["Name"],
        shard=shard,
        status=raw.get("Status", ""),
        zone=raw.get("AvailabilityZone", ""),
        address=endpoint.get("Address", ""),
        port=endpoint.get("Port"),
    )


def read_tags(ctx: Context, arn: str) -> dict[str, str] | None:
    """All tags of a MemoryDB resource; None while its state keeps them from being read (fact 11)."""
    try:
        answer = ctx.client("memorydb").list_tags(ResourceArn=arn)
    except ServiceError as error:
        if error.code == "InvalidClusterStateFault":
            return None
        raise
    return tag_map(answer.get("TagList", []))


def _own_words(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith(("aws:", "runbook:"))}


def read_subnet_group(ctx: Context, name: str, *, with_tags: bool = False) -> SubnetGroupState | None:
    """A subnet group with the names and zones of its subnets; None: not there."""
    try:
        answer = ctx.client("memorydb").describe_subnet_groups(SubnetGroupName=name)
    except ServiceError as error:
        if error.code == "SubnetGroupNotFoundFault":
            return None
        raise
    if not answer.get("SubnetGroups"):
        return None
    raw = answer["SubnetGroups"][0]
    known = describe_subnets(ctx, [one["Identifier"] for one in raw.get("Subnets", [])])
    subnets = tuple(_member(one, known) for one in raw.get("Subnets", []))
    tags = read_tags(ctx, raw["ARN"]) if with_tags and raw.get("ARN") else None
    return SubnetGroupState(
        name=raw["Name"],
        vpc_id=raw.get("VpcId"),
        subnets=subnets,
        zones=tuple(sorted({one.zone for one in subnets if one.zone})),
        description=raw.get("Description", ""),
        tags=None if tags is None else _own_words(tags),
        arn=raw.get("ARN"),
    )


def _member(raw: Mapping[str, Any], known: Mapping[str, Subnet]) -> Subnet:
    zone = (raw.get("AvailabilityZone") or {}).get("Name", "")
    return known.get(raw["Identifier"], Subnet(id=raw["Identifier"], zone=zone))


def snapshot_is_there(ctx: Context, name: str) -> bool:
    """Whether a snapshot has that name; one that is being made counts."""
    try:
        answer = ctx.client("memorydb").describe_snapshots(SnapshotName=name)
    except ServiceError as error:
        if error.code == "SnapshotNotFoundFault":
            return False
        raise
    return bool(answer.get("Snapshots"))


def read_acl(ctx: Context, name: str) -> AclState | None:
    """An access control list with its users; None: not there."""
    memorydb = ctx.client("memorydb")
    try:
        answer = memorydb.describe_acls(ACLName=name)
    except ServiceError as error:
        if error.code == "ACLNotFoundFault":
            return None
        raise
    if not answer.get("ACLs"):
        return None
    raw = answer["ACLs"][0]
    names = set(raw.get("UserNames", []))
    users = (
        [one for one in pages(memorydb, "describe_users", "Users") if one["Name"] in names] if names else []
    )
    return AclState(
        name=raw["Name"],
        status=raw.get("Status", ""),
        clusters=tuple(sorted(raw.get("Clusters", []))),
        users=tuple(_user(one) for one in users),
        minimum_engine_version=raw.get("MinimumEngineVersion", ""),
    )


def _user(raw: Mapping[str, Any]) -> Access:
    authentication = raw.get("Authentication") or {}
    return Access(
        name=raw["Name"],
        status=raw.get("Status", ""),
        access_string=raw.get("AccessString", ""),
        authentication=authentication.get("Type", ""),
        password_count=authentication.get("PasswordCount", 0),
    )


def read_engine_versions(ctx: Context, engine: str) -> tuple[EngineVersion, ...]:
    """The versions of `engine` that MemoryDB offers in this Region."""
    found = pages(ctx.client("memorydb"), "describe_engine_versions", "EngineVersions", Engine=engine)
    return tuple(
        EngineVersion(
            engine=raw.get("Engine", engine),
            version=raw["EngineVersion"],
            patch_version=raw.get("EnginePatchVersion", ""),
            parameter_group_family=raw.get("ParameterGroupFamily", ""),
        )
        for raw in found
    )


def recent_events(ctx: Context, name: str, minutes: int = 60) -> str:
    """What AWS reported of a cluster lately, newest last, in one line; empty when nothing."""
    found = pages(
        ctx.client("memorydb"),
        "describe_events",
        "Events",
        SourceName=name,
        SourceType="cluster",
        Duration=minutes,
    )
    epoch = datetime.fromtimestamp(0, UTC)
    latest = sorted(found, key=lambda event: event.get("Date", epoch))[-3:]
    return " | ".join(event.get("Message", "") for event in latest)
