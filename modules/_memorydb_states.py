"""What MemoryDB has, as typed values: clusters, subnet groups, access lists, engine versions, and their names."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.errors import Failed
from runbook.values import Unknown

RUN_TAG = "runbook:run"
STEP_TAG = "runbook:step"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a cluster. Which one is primary only the engine knows (`CLUSTER NODES`)."""

    name: str
    shard: str
    status: str = ""
    zone: str = ""
    address: str = ""
    port: int | None = None


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A shard of a cluster and the slots that it serves."""

    name: str
    status: str = ""
    slots: str = ""
    nodes: int = 0


class ClusterState(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster. Fields named as the arguments hold what AWS has for them; None: not told, or not there."""

    name: Annotated[Any, Meta(description="Name, lower-case as AWS keeps it.")]
    status: Annotated[
        Any, Meta(description="creating, available, updating, ...; absent when it is not there.")
    ] = None
    endpoint: Annotated[
        Any, Meta(description="Host of the cluster endpoint; empty until it is available.")
    ] = None
    port: Annotated[Any, Meta(description="Port of the cluster endpoint.")] = None
    engine: Any = None
    engine_version: Any = None
    engine_patch_version: Any = None
    node_type: Any = None
    shards: Annotated[Any, Meta(description="Number of shards.")] = None
    replicas_per_shard: Annotated[Any, Meta(description="Number of replicas in each shard.")] = None
    parameter_group: Any = None
    parameter_group_status: Any = None
    acl: Any = None
    subnet_group: Any = None
    vpc_id: Any = None
    zones: Annotated[Any, Meta(description="Availability Zones of the subnet group.")] = None
    security_groups: Annotated[Any, Meta(description="Each with id, name, tag and status.")] = None
    tls: Any = None
    kms_key: Any = None
    data_tiering: Any = None
    availability_mode: Annotated[Any, Meta(description="singleaz or multiaz.")] = None
    maintenance_window: Any = None
    snapshot_window: Any = None
    snapshot_retention_limit: Any = None
    sns_topic: Annotated[
        Any, Meta(description="ARN of the topic that is notified; empty when it is off.")
    ] = None
    description: Any = None
    auto_minor_version_upgrade: Any = None
    tags: Annotated[Any, Meta(description="Without AWS's and our own; None while they can't be read.")] = None
    shard_details: Annotated[
        Any, Meta(description="Each shard with name, status, slots, number of nodes.")
    ] = None
    nodes: Annotated[Any, Meta(description="Each node with name, shard, status, zone, address, port.")] = None
    arn: Any = None
    ours: Annotated[Any, Meta(description="true when this very run made it.")] = None


class SubnetGroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet group."""

    name: Annotated[Any, Meta(description="Name, lower-case as AWS keeps it.")]
    vpc_id: Any = None
    subnets: Annotated[Any, Meta(description="Each with id, name, zone and zone_id.")] = None
    zones: Annotated[Any, Meta(description="Availability Zones that it spans.")] = None
    description: Any = None
    tags: Annotated[Any, Meta(description="Without AWS's and our own.")] = None
    arn: Any = None
    state: Annotated[Any, Meta(description="present or absent.")] = "present"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A user that an access control list lets in."""

    name: str
    status: str = ""
    access_string: str = ""
    authentication: str = ""
    password_count: int = 0


class AclState(msgspec.Struct, frozen=True, kw_only=True):
    """An access control list, the clusters that use it and the users that it lets in."""

    name: str
    status: str = ""
    clusters: tuple[str, ...] | Unknown = ()
    users: tuple[Access, ...] = ()
    minimum_engine_version: str = ""


class EngineVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version that MemoryDB offers."""

    engine: str
    version: str
    patch_version: str = ""
    parameter_group_family: str = ""


def cluster_resource(name: Any) -> str:
    """How a cluster is named in plans."""
    return f"memorydb:cluster/{str(name).lower()}"


def subnet_group_resource(name: Any) -> str:
    """How a subnet group is named in plans."""
    return f"memorydb:subnet-group/{str(name).lower()}"


def check_name(kind: str, name: str, longest: int) -> str:
    """The name as MemoryDB keeps it: in lower case. Raises Failed for one that it would not take (fact 6)."""
    rules = f"1 to {longest} letters, digits and hyphens, a letter first, no hyphen last, no two in a row"
    if len(name) > longest or not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name):
        raise Failed(f"'{name}' can't be the name of a {kind}: it must have {rules}.")
    return name.lower()
