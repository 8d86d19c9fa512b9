"""Clusters: create, describe, delete, fail over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import memorydb_catalogue as catalogue
from .memorydb_checks import (
    COMBINATION,
    INVALID,
    check_size,
    find_cluster,
    known_node_type,
    known_parameter_group,
    known_version,
    need_available,
    refuse,
    usable_acl,
    usable_security_groups,
)
from .memorydb_shapes import cluster_shape, place_nodes
from .memorydb_state import Cluster, page, resource_name

if TYPE_CHECKING:
    from .memorydb_access import Access
    from .memorydb_changes import Changes
    from .memorydb_snapshots import Snapshots
    from .memorydb_state import Nodes, State
    from .memorydb_subnets import SubnetGroups
    from .topology import ClusterHandle

_DAY = 86_400.0


class Clusters:
    """The operations on whole clusters; UpdateCluster has a room of its own."""

    def __init__(
        self,
        state: State,
        nodes: Nodes,
        changes: Changes,
        *,
        subnets: SubnetGroups,
        snapshots: Snapshots,
        access: Access,
    ) -> None:
        self._state = state
        self._nodes = nodes
        self._changes = changes
        self._subnets = subnets
        self._snapshots = snapshots
        self._access = access

    # Create

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateCluster."""
        state = self._state
        name = resource_name(params["ClusterName"], "ClusterName")
        if name in state.clusters:
            refuse("ClusterAlreadyExistsFault", f"Cluster {name} already exists.")
        if len(state.clusters) >= state.assumptions.clusters_per_customer:
            refuse("ClusterQuotaForCustomerExceededFault", "The quota of clusters is used up.")
        cluster = self._checked(name, params)
        if params.get("SnapshotArns"):
            refuse(INVALID, "SnapshotArns: the sandbox does not import RDB files from S3; use SnapshotName.")
        restore = self._snapshots.restorable(params.get("SnapshotName"), cluster.shards)
        state.put_tags(state.arn("cluster", name), params.get("Tags", []))
        state.clusters[name] = cluster
        users = self._access.rules(cluster.acl)

        def job() -> None:
            self._nodes.create_cluster(
                name, port=cluster.port, shards=cluster.shards, replicas=cluster.replicas, tls=cluster.tls
            )
            if users is not None:
                self._nodes.authorize(name, users)
            if restore:
                self._nodes.load(name, restore)

        self._changes.begin(
            cluster,
            "creating",
            state.assumptions.create_seconds,
            job=job,
            finish=lambda view, at: self._created(cluster, view, at),
            fail=lambda error, at: self._create_failed(cluster, error, at),
        )
        return {"Cluster": cluster_shape(state, cluster, details=False)}

    def _checked(self, name: str, params: dict[str, Any]) -> Cluster:
        state, given = self._state, params.get
        if given("MultiRegionClusterName"):
            refuse("MultiRegionClusterNotFoundFault", "The sandbox has no multi-Region clusters.")
        node_type = known_node_type(params["NodeType"])
        version = known_version(given("Engine", state.assumptions.default_engine), given("EngineVersion"))
        tls = given("TLSEnabled", True)
        subnet_group = self._subnets.for_cluster(given("SubnetGroupName"))
        group_name = given("ParameterGroupName") or catalogue.default_parameter_group(version.family)
        shards = given("NumShards", 1)
        replicas = given("NumReplicasPerShard", state.assumptions.default_replicas)
        check_size(state, shards, replicas)
        tiering = given("DataTiering", False)
        if tiering != (".r6gd." in node_type):
            refuse(COMBINATION, "Data tiering and node types of the r6gd family go together only.")
        port = given("Port", 6379)
        if not 1024 <= port <= 65_535:
            refuse(INVALID, f"The port must be 1024 to 65535, not {port}.")
        groups = usable_security_groups(state, given("SecurityGroupIds", []), subnet_group)
        cluster = Cluster(
            name=name,
            node_type=node_type,
            engine=version.engine,
            engine_version=version.version,
            engine_patch=version.patch,
            port=port,
            tls=tls,
            shards=shards,
            replicas=replicas,
            parameter_group=known_parameter_group(state, group_name, version.family).name,
            subnet_group=subnet_group.name,
            acl=usable_acl(state, params["ACLName"], tls=tls),
            security_groups=dict.fromkeys(groups, 0.0),
            data_tiering=tiering,
            parameters_ready=float("inf"),
        )
        self._describe_further(cluster, params)
        return cluster

    def _describe_further(self, cluster: Cluster, params: dict[str, Any]) -> None:
        given = params.get
        key = given("KmsKeyId")
        if key and not key.startswith("arn:"):
            key = f"arn:aws:kms:{self._state.region}:{self._state.account}:key/{key}"
        cluster.kms_key = key
        cluster.description = given("Description", "")
        cluster.sns_topic = given("SnsTopicArn")
        cluster.snapshot_retention = given("SnapshotRetentionLimit", 0)
        cluster.maintenance_window = given("MaintenanceWindow", cluster.maintenance_window)
        cluster.snapshot_window = given("SnapshotWindow", cluster.snapshot_window)
        cluster.auto_minor_upgrade = given("AutoMinorVersionUpgrade", True)
        cluster.network_type = given("NetworkType", "ipv4")
        cluster.ip_discovery = given("IpDiscovery", "ipv4")

    def _created(self, cluster: Cluster, view: ClusterHandle | None, at: float) -> None:
        state = self._state
        cluster.view = view
        place_nodes(cluster, state.subnet_groups[cluster.subnet_group].zones, state.clock.at(at))
        cluster.status = "available"
        cluster.parameters_ready = at + state.assumptions.parameter_group_seconds
        for group in cluster.security_groups:
            cluster.security_groups[group] = at + state.assumptions.security_group_seconds
        state.note("cluster", cluster.name, "Cluster created.", at)

    def _create_failed(self, cluster: Cluster, error: BaseException | None, at: float) -> None:
        cluster.status = "create-failed"
        self._state.note(
            "cluster", cluster.name, f"Failed to create the cluster: {error or 'no capacity'}.", at
        )

    # Describe

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeClusters."""
        details = params.get("ShowShardDetails", False)
        if name := params.get("ClusterName"):
            return {"Clusters": [self._seen(find_cluster(self._state, name), details=details)]}
        everything = [self._state.clusters[name] for name in sorted(self._state.clusters)]
        chunk, token = page(everything, params, lambda cluster: str(cluster.name))
        return {"Clusters": [self._seen(item, details=details) for item in chunk], "NextToken": token}

    def _seen(self, cluster: Cluster, *, details: bool) -> dict[str, Any]:
        """What a reader sees: for a short time after an accepted update still the state before it."""
        if cluster.lagging is not None and self._state.clock.monotonic() < cluster.lag_until:
            shape = cluster.lagging
            return shape if details else {key: value for key, value in shape.items() if key != "Shards"}
        return cluster_shape(self._state, cluster, details=details)

    def allowed_node_types(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListAllowedNodeTypeUpdates."""
        up, down = catalogue.node_type_updates(find_cluster(self._state, params["ClusterName"]).node_type)
        return {"ScaleUpNodeTypes": up, "ScaleDownNodeTypes": down}

    # Delete

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteCluster."""
        state = self._state
        cluster = find_cluster(state, params["ClusterName"])
        if cluster.status not in self._deletable():
            need_available(cluster)
        snapshot = params.get("FinalSnapshotName")
        if snapshot and cluster.status != "available":
            need_available(cluster)
        kept = self._snapshots.begin(cluster, snapshot, params) if snapshot else None

        def job() -> None:
            if kept:
                self._nodes.dump(cluster.name, kept.name)
            self._nodes.delete_cluster(cluster.name)

        stands = cluster.status != "create-failed"
        self._changes.begin(
            cluster,
            "deleting",
            state.assumptions.delete_seconds,
            job=job if stands else None,
            finish=lambda _, at: self._deleted(cluster, None, at),
            fail=lambda error, at: self._deleted(cluster, error, at),
        )
        if kept and cluster.change and cluster.change.work:
            kept.work = self._changes.after(cluster.change.work)
        return {"Cluster": cluster_shape(state, cluster, details=False)}

    def _deletable(self) -> set[str]:
        states = {"available", "create-failed"}
        if self._state.assumptions.delete_while_creating:
            states.add("creating")
        if self._state.assumptions.delete_while_snapshotting:
            states.add("snapshotting")
        return states

    def _deleted(self, cluster: Cluster, error: BaseException | None, at: float) -> None:
        state = self._state
        del state.clusters[cluster.name]
        state.tags.pop(state.arn("cluster", cluster.name), None)
        state.note("cluster", cluster.name, "Cluster deleted." if error is None else f"Deleted: {error}.", at)

    # Failover

    def fail_over(self, params: dict[str, Any]) -> dict[str, Any]:
        """FailoverShard."""
        state = self._state
        cluster, shard = find_cluster(state, params["ClusterName"]), params["ShardName"]
        need_available(cluster)
        if cluster.view is None or shard not in {view.name for view in cluster.view.shards}:
            refuse("ShardNotFoundFault", f"Shard {shard} not found in cluster {cluster.name}.")
        if cluster.replicas < 1:
            refuse(
                state.assumptions.failover_without_replica, f"Shard {shard} has no replica to fail over to."
            )
        now = state.clock.monotonic()
        cluster.failovers = [(name, at) for name, at in cluster.failovers if now - at < _DAY]
        if sum(name == shard for name, _ in cluster.failovers) >= state.assumptions.failovers_a_day:
            refuse(
                "APICallRateForCustomerExceededFault", f"Shard {shard} failed over too often within a day."
            )
        cluster.failovers.append((shard, now))
        state.note("cluster", cluster.name, f"Test Failover API called for shard {shard}.")
        self._changes.begin(
            cluster,
            "updating",
            state.assumptions.failover_seconds,
            job=lambda: self._nodes.failover(cluster.name, shard),
            finish=lambda view, at: self._failed_over(cluster, shard, view, at),
            fail=lambda error, at: self._failover_failed(cluster, shard, error, at),
            topology=True,
        )
        return {"Cluster": cluster_shape(state, cluster, details=False)}

    def _failed_over(self, cluster: Cluster, shard: str, view: ClusterHandle | None, at: float) -> None:
        cluster.view, cluster.status = view, "available"
        self._state.note("cluster", cluster.name, f"Failover to replica node completed in shard {shard}.", at)

    def _failover_failed(self, cluster: Cluster, shard: str, error: BaseException | None, at: float) -> None:
        cluster.status = "available"
        self._state.note("cluster", cluster.name, f"Failover of shard {shard} failed: {error}.", at)
