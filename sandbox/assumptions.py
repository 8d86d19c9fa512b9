"""What is not documented, or was never seen on a live account: one switch each.

A finding on a live account changes one line here. Durations are seconds of AWS time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The sandbox's beliefs about MemoryDB that stand on inference or common knowledge."""

    create_seconds: float = 900.0
    """Creation takes 15 minutes and more (comment of AWS's CloudFormation handlers)."""
    delete_seconds: float = 300.0
    replica_seconds: float = 600.0
    """Adding or removing replicas: 10 minutes and more in the lab."""
    reshard_seconds: float = 900.0
    node_type_seconds: float = 900.0
    engine_seconds: float = 900.0
    metadata_seconds: float = 60.0
    """A change of parameter group, security groups or ACL alone; the cluster is `updating` meanwhile."""
    failover_seconds: float = 120.0
    snapshot_seconds: float = 180.0
    parameter_group_seconds: float = 120.0
    """After creation or a change the parameter group is `applying` before it is `in-sync`."""
    security_group_seconds: float = 30.0
    """After `available`, new security groups stay `modifying` this long."""
    acl_seconds: float = 60.0
    """An ACL or user that was changed is `modifying` this long; a new ACL `creating`."""
    status_lag_seconds: float = 3.0
    """DescribeClusters may still show the state before an accepted update this long."""

    default_engine: str = "redis"
    """The engine when CreateCluster names none."""
    default_replicas: int = 1
    """NumReplicasPerShard when CreateCluster names none (model: default 1)."""
    topology_changes_per_call: int = 1
    """How many of node type, engine version, replica count and shard count one UpdateCluster may change."""
    no_operation_is_error: bool = True
    """An update that changes nothing answers NoOperationFault."""
    delete_while_creating: bool = False
    delete_while_snapshotting: bool = False
    tags_while_changing: bool = False
    """Whether tags can be read and written while a cluster is not `available`."""
    failover_without_replica: str = "InvalidClusterStateFault"
    """The refusal of FailoverShard where there is no replica."""
    failovers_a_day: int = 15
    """FailoverShard calls per shard and rolling day; more answer APICallRateForCustomerExceededFault."""
    endpoint_port_while_creating: bool = True
    """While creating, ClusterEndpoint holds the port but no address."""

    sandbox_nodes: int = 24
    """No belief: each node is a process of this machine, so a rehearsal's cluster stays small."""
    nodes_per_cluster: int = 500
    shards_per_cluster: int = 500
    clusters_per_customer: int = 300
    acls_per_customer: int = 20
    users_per_customer: int = 1000
    subnet_groups_per_customer: int = 150
    snapshots_per_customer: int = 100
    parameter_groups_per_customer: int = 150
    tags_per_resource: int = 50


# MemoryDB's availability zone ids where not all of a Region serve (documentation of subnet groups).
SUPPORTED_ZONE_IDS: dict[str, frozenset[str]] = {
    "us-east-1": frozenset({"use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"}),
    "ap-northeast-1": frozenset({"apne1-az1", "apne1-az2", "apne1-az4"}),
    "ca-central-1": frozenset({"cac1-az1", "cac1-az2", "cac1-az4"}),
}
