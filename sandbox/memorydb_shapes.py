"""Clusters as DescribeClusters shows them, and where their nodes stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .memorydb_state import Placement

if TYPE_CHECKING:
    from datetime import datetime

    from .memorydb_state import Cluster, State
    from .topology import ShardHandle


def place_nodes(cluster: Cluster, zones: list[str], now: datetime) -> None:
    """Give each new node a zone, going round the zones of the subnet group, and forget nodes that are gone.

    No parameter of AWS's places nodes: placement follows the subnets.
    """
    present = {
        node.name: zones[(shard_number + node_number) % len(zones)]
        for shard_number, shard in enumerate(cluster.view.shards if cluster.view else ())
        for node_number, node in enumerate(sorted(shard.nodes, key=lambda node: node.name))
    }
    for name in set(cluster.placements) - set(present):
        del cluster.placements[name]
    for name, zone in present.items():
        cluster.placements.setdefault(name, Placement(zone, now))


def cluster_shape(state: State, cluster: Cluster, *, details: bool) -> dict[str, Any]:
    """The `Cluster` structure of the API; shards only where they were asked for."""
    now = state.clock.monotonic()
    shape: dict[str, Any] = {
        "Name": cluster.name,
        "Description": cluster.description,
        "Status": cluster.status,
        "PendingUpdates": _pending(cluster),
        "NumberOfShards": cluster.shards,
        "AvailabilityMode": _availability(cluster, state.subnet_groups[cluster.subnet_group].zones),
        "ClusterEndpoint": _endpoint(state, cluster),
        "NodeType": cluster.node_type,
        "Engine": cluster.engine,
        "EngineVersion": cluster.engine_version,
        "EnginePatchVersion": cluster.engine_patch,
        "ParameterGroupName": cluster.parameter_group,
        "ParameterGroupStatus": "in-sync" if now >= cluster.parameters_ready else "applying",
        "SecurityGroups": [
            {"SecurityGroupId": group, "Status": "active" if now >= ready else "modifying"}
            for group, ready in cluster.security_groups.items()
        ],
        "SubnetGroupName": cluster.subnet_group,
        "TLSEnabled": cluster.tls,
        "KmsKeyId": cluster.kms_key,
        "ARN": state.arn("cluster", cluster.name),
        "SnsTopicArn": cluster.sns_topic,
        "SnsTopicStatus": ("ACTIVE" if cluster.sns_active else "INACTIVE") if cluster.sns_topic else None,
        "SnapshotRetentionLimit": cluster.snapshot_retention,
        "MaintenanceWindow": cluster.maintenance_window,
        "SnapshotWindow": cluster.snapshot_window,
        "ACLName": cluster.acl,
        "AutoMinorVersionUpgrade": cluster.auto_minor_upgrade,
        "DataTiering": "true" if cluster.data_tiering else "false",
        "NetworkType": cluster.network_type,
        "IpDiscovery": cluster.ip_discovery,
    }
    if details and cluster.view:
        shape["Shards"] = [_shard(cluster, shard) for shard in cluster.view.shards]
    return shape


def _pending(cluster: Cluster) -> dict[str, Any] | None:
    pending: dict[str, Any] = {}
    if cluster.resharding is not None:
        pending["Resharding"] = {"SlotMigration": {"ProgressPercentage": cluster.resharding}}
    if cluster.pending_acl is not None:
        pending["ACLs"] = {"ACLToApply": cluster.pending_acl}
    return pending or None


def _availability(cluster: Cluster, zones: list[str]) -> str:
    """`multiaz` when the nodes of every shard stand in more than one zone."""
    if not cluster.placements or cluster.view is None:
        return "multiaz" if cluster.replicas and len(zones) > 1 else "singleaz"
    spread = all(
        len({cluster.placements[node.name].zone for node in shard.nodes}) > 1 for shard in cluster.view.shards
    )
    return "multiaz" if spread else "singleaz"


def _endpoint(state: State, cluster: Cluster) -> dict[str, Any] | None:
    """Empty until the cluster is available for the first time."""
    if cluster.view is None:
        return {"Port": cluster.port} if state.assumptions.endpoint_port_while_creating else None
    return {"Address": cluster.view.address, "Port": cluster.view.port}


def _shard(cluster: Cluster, shard: ShardHandle) -> dict[str, Any]:
    changing = cluster.change is not None and cluster.change.topology
    status = "deleting" if cluster.status == "deleting" else "modifying" if changing else "available"
    nodes = [
        {
            "Name": node.name,
            "Status": "deleting" if cluster.status == "deleting" else "available",
            "AvailabilityZone": cluster.placements[node.name].zone,
            "CreateTime": cluster.placements[node.name].created,
            "Endpoint": {"Address": node.address, "Port": node.port},
        }
        for node in shard.nodes
    ]
    return {
        "Name": shard.name,
        "Status": status,
        "Slots": shard.slots,
        "Nodes": nodes,
        "NumberOfNodes": len(nodes),
    }
