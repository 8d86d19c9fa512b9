"""What CreateCluster and UpdateCluster refuse alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from . import memorydb_catalogue as catalogue
from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .memorydb_catalogue import EngineVersion
    from .memorydb_state import Cluster, ParameterGroup, State, SubnetGroup

INVALID = "InvalidParameterValueException"
COMBINATION = "InvalidParameterCombinationException"


def refuse(code: str, message: str) -> NoReturn:
    """Raise an AwsError."""
    raise AwsError(code, message)


def find_cluster(state: State, name: str) -> Cluster:
    """The cluster of that name, in any spelling of case."""
    cluster = state.clusters.get(name.lower())
    return cluster or refuse("ClusterNotFoundFault", f"Cluster {name.lower()} not found.")


def need_available(cluster: Cluster) -> None:
    """Refuse what an `available` cluster alone allows."""
    if cluster.status != "available":
        refuse(
            "InvalidClusterStateFault", f"Cluster {cluster.name} is not in available state: {cluster.status}."
        )


def known_node_type(node_type: str) -> str:
    """Refuse a node type that MemoryDB does not offer."""
    if node_type not in catalogue.NODE_TYPES:
        refuse(INVALID, f"Invalid node type: {node_type}. There are {', '.join(catalogue.NODE_TYPES)}.")
    return node_type


def known_version(engine: str, version: str | None) -> EngineVersion:
    """The version asked for; refuses one that MemoryDB does not offer, and engines too."""
    if engine not in catalogue.DEFAULT_VERSIONS:
        refuse(INVALID, f"Invalid engine: {engine}. There are redis and valkey.")
    offered = catalogue.engine_version(engine, version)
    if offered is None:
        versions = [v.version for v in catalogue.ENGINE_VERSIONS if v.engine == engine]
        refuse(INVALID, f"Invalid engine version {version} of {engine}. There are {', '.join(versions)}.")
    if offered.version == "7.3":
        refuse(INVALID, "Engine version 7.3 is for multi-Region clusters only.")
    return offered


def known_parameter_group(state: State, name: str, family: str) -> ParameterGroup:
    """The parameter group; refuses one of another engine's family."""
    group = state.parameter_groups.get(name.lower())
    if group is None:
        refuse("ParameterGroupNotFoundFault", f"Parameter group {name} not found.")
    if group.family != family:
        refuse(COMBINATION, f"Parameter group {name} is of family {group.family}; the engine needs {family}.")
    return group


def usable_acl(state: State, name: str, *, tls: bool) -> str:
    """The ACL's name; without TLS only `open-access` is allowed."""
    acl = state.acls.get(name.lower())
    if acl is None:
        refuse("ACLNotFoundFault", f"ACL {name} not found.")
    if acl.status == "deleting":
        refuse("InvalidACLStateFault", f"ACL {name} is being deleted.")
    if not tls and acl.name != "open-access":
        refuse(COMBINATION, "A cluster without TLS can have the ACL open-access only.")
    return acl.name


def usable_security_groups(state: State, groups: Iterable[str], subnets: SubnetGroup) -> list[str]:
    """The security groups, each once; refuses unknown ones and those of another VPC."""
    chosen = list(dict.fromkeys(groups))
    vpc = subnets.subnets[0].vpc_id
    for group in chosen:
        home = state.network.security_group_vpc(group)
        if home is None:
            refuse(INVALID, f"The security group {group} does not exist.")
        if home != vpc:
            refuse(INVALID, f"The security group {group} is in {home}, the subnet group in {vpc}.")
    return chosen


def check_size(state: State, shards: int, replicas: int) -> None:
    """Refuse a topology that no cluster can have."""
    limits = state.assumptions
    if not 0 <= replicas <= 5:
        refuse(INVALID, f"The number of replicas per shard must be 0 to 5, not {replicas}.")
    if shards < 1:
        refuse(INVALID, f"The number of shards must be 1 or more, not {shards}.")
    if shards > limits.shards_per_cluster:
        refuse(
            "ShardsPerClusterQuotaExceededFault",
            f"{shards} shards are more than {limits.shards_per_cluster}.",
        )
    nodes = shards * (replicas + 1)
    if nodes > limits.nodes_per_cluster:
        refuse("NodeQuotaForClusterExceededFault", f"{nodes} nodes are more than {limits.nodes_per_cluster}.")
    if nodes > limits.sandbox_nodes:
        refuse(
            "InsufficientClusterCapacityFault",
            f"{nodes} nodes: the sandbox runs a process of this machine for each, "
            f"at most {limits.sandbox_nodes} a cluster.",
        )
