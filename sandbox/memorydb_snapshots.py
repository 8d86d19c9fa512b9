"""Snapshots: the shape of a cluster and its data, kept for later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .memorydb_checks import INVALID, find_cluster, need_available, refuse
from .memorydb_state import Snapshot, page, resource_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .memorydb_changes import Changes
    from .memorydb_state import Cluster, Nodes, State


class Snapshots:
    """The operations on snapshots."""

    def __init__(self, state: State, nodes: Nodes, changes: Changes) -> None:
        self._state = state
        self._nodes = nodes
        self._changes = changes

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateSnapshot: the cluster is `snapshotting` meanwhile."""
        cluster = find_cluster(self._state, params["ClusterName"])
        need_available(cluster)
        snapshot = self.begin(cluster, params["SnapshotName"], params)

        def over(_: object, at: float) -> None:
            cluster.status = "available"
            self._state.note("cluster", cluster.name, f"Snapshot {snapshot.name} taken.", at)

        def failed(error: BaseException | None, at: float) -> None:
            cluster.status = "available"
            self._state.note("cluster", cluster.name, f"Snapshot {snapshot.name} failed: {error}.", at)

        self._changes.begin(
            cluster,
            "snapshotting",
            self._state.assumptions.snapshot_seconds,
            finish=over,
            fail=failed,
            job=lambda: self._nodes.dump(cluster.name, snapshot.name),
        )
        if cluster.change and cluster.change.work:
            snapshot.work = self._changes.after(cluster.change.work)
        return {"Snapshot": self._shape(snapshot, details=False)}

    def begin(self, cluster: Cluster, name: str, params: dict[str, Any]) -> Snapshot:
        """Note a new snapshot of a cluster; the caller sees to its data."""
        state = self._state
        name = resource_name(name, "SnapshotName", 255)
        if name in state.snapshots:
            refuse("SnapshotAlreadyExistsFault", f"Snapshot {name} already exists.")
        if len(state.snapshots) >= state.assumptions.snapshots_per_customer:
            refuse("SnapshotQuotaExceededFault", "The quota of snapshots is used up.")
        state.put_tags(state.arn("snapshot", name), params.get("Tags", []))
        snapshot = Snapshot(
            name=name,
            cluster=cluster.name,
            configuration=self._configuration(cluster),
            kms_key=params.get("KmsKeyId"),
            data_tiering=cluster.data_tiering,
            ready=state.clock.monotonic() + state.assumptions.snapshot_seconds,
        )
        state.snapshots[name] = snapshot
        return snapshot

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeSnapshots."""
        details = params.get("ShowDetail", False)
        if name := params.get("SnapshotName"):
            return {"Snapshots": [self._shape(self._find(name), details=details)]}
        snapshots = [self._state.snapshots[name] for name in sorted(self._state.snapshots)]
        if cluster := params.get("ClusterName"):
            snapshots = [item for item in snapshots if item.cluster == cluster.lower()]
        if params.get("Source", "").lower() in {"system", "automated"}:
            snapshots = []
        chunk, token = page(snapshots, params, lambda snapshot: str(snapshot.name))
        return {"Snapshots": [self._shape(item, details=details) for item in chunk], "NextToken": token}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteSnapshot."""
        snapshot = self._find(params["SnapshotName"])
        if snapshot.status not in {"available", "failed"}:
            refuse(
                "InvalidSnapshotStateFault", f"Snapshot {snapshot.name} is not available: {snapshot.status}."
            )
        snapshot.status, snapshot.ready = "deleting", self._state.clock.monotonic() + 30.0
        self._changes.background(lambda: self._nodes.forget(snapshot.name))
        return {"Snapshot": self._shape(snapshot, details=False)}

    def restorable(self, name: str | None, shards: int) -> str | None:
        """The name of an available snapshot to fill a new cluster from."""
        if not name:
            return None
        snapshot = self._state.snapshots.get(name.lower())
        if snapshot is None:
            refuse(INVALID, f"Snapshot {name} not found.")
        if snapshot.status != "available":
            refuse(INVALID, f"Snapshot {name} is not available: {snapshot.status}.")
        if shards < 1:
            refuse(INVALID, "A restored cluster needs a shard.")
        return snapshot.name

    def _find(self, name: str) -> Snapshot:
        snapshot = self._state.snapshots.get(name.lower())
        return snapshot or refuse("SnapshotNotFoundFault", f"Snapshot {name} not found.")

    def _configuration(self, cluster: Cluster) -> dict[str, Any]:
        now = self._state.clock.now()
        shards = [
            {
                "Name": shard.name,
                "Configuration": {"Slots": shard.slots, "ReplicaCount": len(shard.nodes) - 1},
                "SnapshotCreationTime": now,
            }
            for shard in (cluster.view.shards if cluster.view else ())
        ]
        return {
            "Name": cluster.name,
            "Description": cluster.description,
            "NodeType": cluster.node_type,
            "Engine": cluster.engine,
            "EngineVersion": cluster.engine_version,
            "MaintenanceWindow": cluster.maintenance_window,
            "TopicArn": cluster.sns_topic,
            "Port": cluster.port,
            "ParameterGroupName": cluster.parameter_group,
            "SubnetGroupName": cluster.subnet_group,
            "VpcId": self._state.subnet_groups[cluster.subnet_group].subnets[0].vpc_id,
            "SnapshotRetentionLimit": cluster.snapshot_retention,
            "SnapshotWindow": cluster.snapshot_window,
            "NumShards": cluster.shards,
            "Shards": shards,
        }

    def _shape(self, snapshot: Snapshot, *, details: bool) -> dict[str, Any]:
        configuration = dict(snapshot.configuration)
        if not details:
            del configuration["Shards"]
        return {
            "Name": snapshot.name,
            "Status": snapshot.status,
            "Source": "manual",
            "KmsKeyId": snapshot.kms_key,
            "ARN": self._state.arn("snapshot", snapshot.name),
            "ClusterConfiguration": configuration,
            "DataTiering": "true" if snapshot.data_tiering else "false",
        }

    @property
    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """By name."""
        return {
            "CreateSnapshot": self.create,
            "DescribeSnapshots": self.describe,
            "DeleteSnapshot": self.delete,
        }
