"""What MemoryDB has, as typed values: clusters, subnet groups, access lists, engine versions, and their names."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.errors import Failed
from runbook.values import Unknown

from ._network import SecurityGroup, Subnet

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
    """A cluster. Fields named as the arguments hold what AWS has for them; None: not told, or not there.

    In a dry run, what only AWS decides is Unknown, whatever type is written here.
    """

    name: Annotated[str, Meta(description="Name, in lower case as AWS keeps it.")]
    status: Annotated[
        str, Meta(description="creating, available, updating, ...; absent when it is not there.")
    ] = ""
    endpoint: Annotated[
        str | None, Meta(description="Host of the cluster endpoint; empty until available.")
    ] = None
    port: Annotated[int | None, Meta(description="Port of the cluster endpoint.")] = None
    engine: Annotated[str | None, Meta(description="valkey or redis.")] = None
    engine_version: Annotated[str | None, Meta(description="Such as 7.2.")] = None
    engine_patch_version: Annotated[str | None, Meta(description="Such as 7.2.6.")] = None
    node_type: Annotated[str | None, Meta(description="Such as db.r6g.large.")] = None
    shards: Annotated[int | None, Meta(description="Number of shards.")] = None
    replicas_per_shard: Annotated[int | None, Meta(description="Number of replicas in each shard.")] = None
    parameter_group: Annotated[str | None, Meta(description="Its parameter group.")] = None
    parameter_group_status: Annotated[str | None, Meta(description="in-sync when all nodes have it.")] = None
    acl: Annotated[str | None, Meta(description="Its access control list.")] = None
    subnet_group: Annotated[str | None, Meta(description="Its subnet group.")] = None
    vpc_id: Annotated[str | None, Meta(description="VPC of its subnet group.")] = None
    zones: Annotated[tuple[str, ...] | None, Meta(description="Availability Zones of its subnet group.")] = (
        None
    )
    security_groups: Annotated[
        tuple[SecurityGroup, ...], Meta(description="Each with id, name, tag and status.")
    ] = ()
    tls: Annotated[bool | None, Meta(description="Encryption in transit.")] = None
    kms_key: Annotated[str | None, Meta(description="ARN of its key; none when AWS owns the key.")] = None
    data_tiering: Annotated[bool | None, Meta(description="Whether data is kept on disk too.")] = None
    availability_mode: Annotated[str | None, Meta(description="singleaz or multiaz.")] = None
    maintenance_window: Annotated[str | None, Meta(description="In UTC.")] = None
    snapshot_window: Annotated[str | None, Meta(description="In UTC.")] = None
    snapshot_retention_limit: Annotated[
        int | None, Meta(description="Days that automatic snapshots are kept.")
    ] = None
    sns_topic: Annotated[str | None, Meta(description="ARN of the topic that is notified; empty: off.")] = (
        None
    )
    description: Annotated[str | None, Meta(description="Text for people.")] = None
    auto_minor_version_upgrade: Annotated[
        bool | None, Meta(description="Whether AWS upgrades by itself.")
    ] = None
    tags: Annotated[
        dict[str, str] | None, Meta(description="Without AWS's and our own; none while they can't be read.")
    ] = None
    shard_details: Annotated[
        tuple[Shard, ...], Meta(description="Each shard with name, status, slots, number of nodes.")
    ] = ()
    nodes: Annotated[
        tuple[Node, ...], Meta(description="Each node with name, shard, status, zone, address, port.")
    ] = ()
    arn: Annotated[str | None, Meta(description="Its ARN.")] = None
    ours: Annotated[bool | None, Meta(description="true when this very run made it.")] = None


class SubnetGroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet group."""

    name: Annotated[str, Meta(description="Name, in lower case as AWS keeps it.")]
    vpc_id: Annotated[str | None, Meta(description="VPC of its subnets.")] = None
    subnets: Annotated[tuple[Subnet, ...], Meta(description="Each with id, name, zone and zone_id.")] = ()
    zones: Annotated[tuple[str, ...], Meta(description="Availability Zones that it spans.")] = ()
    description: Annotated[str | None, Meta(description="Text for people.")] = None
    tags: Annotated[dict[str, str] | None, Meta(description="Without AWS's and our own.")] = None
    arn: Annotated[str | None, Meta(description="Its ARN.")] = None
    state: Annotated[str, Meta(description="present or absent.")] = "present"


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
    clusters: tuple[str, ...] = ()
    users: tuple[Access, ...] = ()
    minimum_engine_version: str = ""


class EngineVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version that MemoryDB offers."""

    engine: str
    version: str
    patch_version: str = ""
    parameter_group_family: str = ""


def later(origin: str) -> Any:
    """What is known after apply only. In a plan it stands for a value of any type."""
    return Unknown(origin)


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
