"""UpdateCluster: what differs, what may be combined, and how it comes true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import memorydb_catalogue as catalogue
from .faults import FaultKind
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .access import User
    from .faults import Faults
    from .memorydb_access import Access
    from .memorydb_changes import Changes
    from .memorydb_state import Cluster, Nodes, State
    from .topology import ClusterHandle

_REVERT = frozenset({FaultKind.REVERT})
# Members that take effect at once: member of the call -> attribute of the cluster.
_AT_ONCE = {
    "Description": "description",
    "MaintenanceWindow": "maintenance_window",
    "SnapshotWindow": "snapshot_window",
    "SnapshotRetentionLimit": "snapshot_retention",
    "SnsTopicArn": "sns_topic",
    "IpDiscovery": "ip_discovery",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an update changes; None where it leaves things as they are."""

    node_type: str | None = None
    version: catalogue.EngineVersion | None = None
    replicas: int | None = None
    shards: int | None = None
    parameter_group: str | None = None
    security_groups: tuple[str, ...] | None = None
    acl: str | None = None

    @property
    def topology(self) -> list[str]:
        """The changes of topology in it, in words."""
        named = {
            "node type": self.node_type,
            "engine version": self.version,
            "replica count": self.replicas,
            "shard count": self.shards,
        }
        return [name for name, value in named.items() if value is not None]

    @property
    def slow(self) -> bool:
        """Whether it takes the cluster out of `available`."""
        return self != Wanted()


class Update:
    """The operation UpdateCluster."""

    def __init__(self, state: State, nodes: Nodes, changes: Changes, access: Access, faults: Faults) -> None:
        self._state = state
        self._nodes = nodes
        self._changes = changes
        self._access = access
        self._faults = faults

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        """Accept or refuse an update."""
        cluster = find_cluster(self._state, params["ClusterName"])
        need_available(cluster)
        if len(params) == 1:
            refuse(COMBINATION, "No modifications were requested.")
        wanted = self._wanted(cluster, params)
        at_once = {
            attribute: params[member]
            for member, attribute in _AT_ONCE.items()
            if member in params and params[member] != getattr(cluster, attribute)
        }
        if "SnsTopicStatus" in params:
            active = _sns_active(params["SnsTopicStatus"])
            if active != cluster.sns_active:
                at_once["sns_active"] = active
        if not wanted.slow and not at_once and self._state.assumptions.no_operation_is_error:
            refuse("NoOperationFault", f"Cluster {cluster.name} is as asked already.")
        self._check_combination(cluster, wanted)
        before = cluster_shape(self._state, cluster, details=True)
        for attribute, value in at_once.items():
            setattr(cluster, attribute, value)
        if wanted.slow:
            self._begin(cluster, wanted)
            cluster.lagging = before
            cluster.lag_until = self._state.clock.monotonic() + self._state.assumptions.status_lag_seconds
        return {"Cluster": cluster_shape(self._state, cluster, details=False)}

    def _wanted(self, cluster: Cluster, params: dict[str, Any]) -> Wanted:
        """What differs from the cluster as it is; refuses what no cluster can become."""
        state, wanted = self._state, self._wanted_topology(cluster, params)
        family = _family(cluster, wanted.version)
        if "ParameterGroupName" in params:
            group = known_parameter_group(state, params["ParameterGroupName"], family)
            if group.name != cluster.parameter_group:
                wanted = replace(wanted, parameter_group=group.name)
        elif state.parameter_groups[cluster.parameter_group].family != family:
            wanted = replace(wanted, parameter_group=catalogue.default_parameter_group(family))
        # None and [] both mean "no change": all security groups can't be removed.
        if params.get("SecurityGroupIds"):
            subnets = state.subnet_groups[cluster.subnet_group]
            groups = usable_security_groups(state, params["SecurityGroupIds"], subnets)
            if set(groups) != set(cluster.security_groups):
                wanted = replace(wanted, security_groups=tuple(groups))
        if "ACLName" in params:
            acl = usable_acl(state, params["ACLName"], tls=cluster.tls)
            wanted = replace(wanted, acl=acl if acl != cluster.acl else None)
        return wanted

    def _wanted_topology(self, cluster: Cluster, params: dict[str, Any]) -> Wanted:
        node_type = params.get("NodeType", cluster.node_type)
        replicas = params.get("ReplicaConfiguration", {}).get("ReplicaCount", cluster.replicas)
        shards = params.get("ShardConfiguration", {}).get("ShardCount", cluster.shards)
        check_size(self._state, shards, replicas)
        return Wanted(
            node_type=known_node_type(node_type) if node_type != cluster.node_type else None,
            version=self._version(cluster, params),
            replicas=replicas if replicas != cluster.replicas else None,
            shards=shards if shards != cluster.shards else None,
        )

    def _version(self, cluster: Cluster, params: dict[str, Any]) -> catalogue.EngineVersion | None:
        if "Engine" not in params and "EngineVersion" not in params:
            return None
        engine = params.get("Engine", cluster.engine)
        if engine == "redis" and cluster.engine == "valkey":
            refuse(COMBINATION, "A cluster of Valkey can't be turned back into Redis OSS.")
        unchanged = cluster.engine_version if engine == cluster.engine else None
        offered = known_version(engine, params.get("EngineVersion", unchanged))
        if (offered.engine, offered.version) == (cluster.engine, cluster.engine_version):
            return None
        if _numbers(offered.version) < _numbers(cluster.engine_version):
            refuse(
                COMBINATION, f"Engine version {cluster.engine_version} can't go down to {offered.version}."
            )
        return offered

    def _check_combination(self, cluster: Cluster, wanted: Wanted) -> None:
        if wanted.node_type:
            up, down = catalogue.node_type_updates(cluster.node_type)
            if wanted.node_type not in {*up, *down}:
                refuse(INVALID, f"{cluster.node_type} can't become {wanted.node_type}.")
        if len(wanted.topology) > self._state.assumptions.topology_changes_per_call:
            refuse(COMBINATION, f"One update can't change {' and '.join(wanted.topology)} together.")

    def _begin(self, cluster: Cluster, wanted: Wanted) -> None:
        reverted = bool(wanted.topology) and self._take_revert(cluster)
        if wanted.acl:
            cluster.pending_acl = wanted.acl
        if wanted.shards:
            cluster.resharding = 0.0
        self._state.note("cluster", cluster.name, "Modification of the cluster started.")
        rules = self._access.rules(wanted.acl) if wanted.acl else None
        self._changes.begin(
            cluster,
            "updating",
            self._seconds(wanted),
            job=lambda: self._perform(cluster, wanted, rules),
            finish=lambda view, at: self._finish(cluster, wanted, view, at),
            fail=lambda error, at: self._roll_back(cluster, error, at),
            reverted=reverted,
            topology=bool(wanted.topology),
        )

    def _take_revert(self, cluster: Cluster) -> bool:
        return self._faults.take(_REVERT, "memorydb", "UpdateCluster", cluster.name) is not None

    def _seconds(self, wanted: Wanted) -> float:
        beliefs = self._state.assumptions
        return max(
            beliefs.node_type_seconds if wanted.node_type else 0.0,
            beliefs.engine_seconds if wanted.version else 0.0,
            beliefs.replica_seconds if wanted.replicas is not None else 0.0,
            beliefs.reshard_seconds if wanted.shards else 0.0,
            beliefs.metadata_seconds,
        )

    def _perform(self, cluster: Cluster, wanted: Wanted, rules: Sequence[User] | None) -> None:
        """The part that the data plane has in it. Node types and versions change nothing there."""
        if wanted.replicas is not None:
            self._nodes.set_replicas(cluster.name, wanted.replicas)
        if wanted.shards:

            def note(percentage: float) -> None:
                cluster.resharding = percentage

            self._nodes.set_shards(cluster.name, wanted.shards, note)
        if wanted.acl:
            self._nodes.authorize(cluster.name, rules)

    def _finish(self, cluster: Cluster, wanted: Wanted, view: ClusterHandle | None, at: float) -> None:
        state, beliefs = self._state, self._state.assumptions
        cluster.node_type = wanted.node_type or cluster.node_type
        if wanted.version:
            cluster.engine = wanted.version.engine
            cluster.engine_version, cluster.engine_patch = wanted.version.version, wanted.version.patch
        cluster.replicas = cluster.replicas if wanted.replicas is None else wanted.replicas
        cluster.shards = wanted.shards or cluster.shards
        if wanted.parameter_group:
            cluster.parameter_group = wanted.parameter_group
            cluster.parameters_ready = at + beliefs.parameter_group_seconds
        if wanted.security_groups:
            ready = at + beliefs.security_group_seconds
            kept = cluster.security_groups
            cluster.security_groups = {group: kept.get(group, ready) for group in wanted.security_groups}
        cluster.acl = wanted.acl or cluster.acl
        cluster.view = view
        place_nodes(cluster, state.subnet_groups[cluster.subnet_group].zones, state.clock.at(at))
        self._end(cluster)
        state.note("cluster", cluster.name, "Modification of the cluster completed.", at)

    def _roll_back(self, cluster: Cluster, error: BaseException | None, at: float) -> None:
        """Back to `available` as it was before: only an event tells why."""
        self._end(cluster)
        reason = str(error) if error else "insufficient capacity for the requested configuration"
        message = f"Unable to modify the cluster: {reason}. The previous configuration was restored."
        self._state.note("cluster", cluster.name, message, at)

    def _end(self, cluster: Cluster) -> None:
        cluster.status = "available"
        cluster.resharding = None
        cluster.pending_acl = None


def _family(cluster: Cluster, version: catalogue.EngineVersion | None) -> str:
    if version:
        return version.family
    present = catalogue.engine_version(cluster.engine, cluster.engine_version)
    if present is None:
        raise LookupError(f"cluster {cluster.name} has a version that is not in the catalogue")
    return present.family


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _sns_active(status: str) -> bool:
    if status.upper() not in {"ACTIVE", "INACTIVE"}:
        refuse(INVALID, f"SnsTopicStatus must be ACTIVE or INACTIVE, not {status}.")
    return status.upper() == "ACTIVE"
