"""MemoryDB's control plane as one service."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .assumptions import Assumptions
from .memorydb_access import Access
from .memorydb_changes import Changes
from .memorydb_checks import COMBINATION, refuse
from .memorydb_clusters import Clusters
from .memorydb_parameters import Parameters
from .memorydb_snapshots import Snapshots
from .memorydb_state import State, page
from .memorydb_subnets import SubnetGroups
from .memorydb_update import Update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .clock import Clock
    from .faults import Faults
    from .memorydb_state import Cluster, Network, Nodes

    Handler = Callable[[dict[str, Any]], dict[str, Any]]

# The kinds in an ARN and the fault where there is no such thing.
_KINDS = {
    "cluster": ("clusters", "ClusterNotFoundFault"),
    "subnetgroup": ("subnet_groups", "SubnetGroupNotFoundFault"),
    "parametergroup": ("parameter_groups", "ParameterGroupNotFoundFault"),
    "snapshot": ("snapshots", "SnapshotNotFoundFault"),
    "acl": ("acls", "ACLNotFoundFault"),
    "user": ("users", "UserNotFoundFault"),
}
_LONGEST_DAYS = 14


class MemoryDb:
    """The service `memorydb` of one account in one Region. Its operations may be called by many threads."""

    name = "memorydb"

    def __init__(
        self,
        *,
        region: str,
        account: str,
        clock: Clock,
        network: Network,
        nodes: Nodes,
        faults: Faults,
        assumptions: Assumptions | None = None,
    ) -> None:
        self._state = State(region, account, clock, network, assumptions or Assumptions())
        self._changes = Changes(self._state, nodes)
        access = Access(self._state, nodes, self._changes)
        subnets = SubnetGroups(self._state)
        snapshots = Snapshots(self._state, nodes, self._changes)
        clusters = Clusters(
            self._state, nodes, self._changes, subnets=subnets, snapshots=snapshots, access=access
        )
        handlers: dict[str, Handler] = {
            **subnets.operations,
            **snapshots.operations,
            **access.operations,
            **Parameters(self._state).operations,
            "CreateCluster": clusters.create,
            "DescribeClusters": clusters.describe,
            "DeleteCluster": clusters.delete,
            "FailoverShard": clusters.fail_over,
            "ListAllowedNodeTypeUpdates": clusters.allowed_node_types,
            "UpdateCluster": Update(self._state, nodes, self._changes, access, faults),
            "DescribeEvents": self._events,
            "ListTags": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }
        self.operations: Mapping[str, Handler] = {name: self._settled(h) for name, h in handlers.items()}

    def close(self) -> None:
        """Begin no further work."""
        self._changes.close()

    def clusters(self) -> dict[str, str]:
        """The clusters and their states, for people."""
        with self._state.lock:
            self._changes.settle()
            return {name: cluster.status for name, cluster in self._state.clusters.items()}

    def security_groups_in_use(self) -> frozenset[str]:
        """The security groups that some cluster has: EC2 refuses to delete them."""
        with self._state.lock:
            self._changes.settle()
            return frozenset(g for cluster in self._state.clusters.values() for g in cluster.security_groups)

    def note(self, cluster: str, message: str) -> None:
        """Add an event to a cluster's."""
        with self._state.lock:
            self._state.note("cluster", cluster, message)

    def _settled(self, handler: Handler) -> Handler:
        @functools.wraps(handler, assigned=())
        def run(params: dict[str, Any]) -> dict[str, Any]:
            with self._state.lock:
                self._changes.settle()
                return handler(params)

        return run

    # Events

    def _events(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeEvents: the last hour unless asked otherwise, at most 14 days back."""
        now = self._state.clock.now()
        if "Duration" in params and ("StartTime" in params or "EndTime" in params):
            refuse(COMBINATION, "Give either Duration or StartTime and EndTime.")
        if params.get("SourceName") and not params.get("SourceType"):
            refuse(COMBINATION, "SourceName needs SourceType.")
        end = params.get("EndTime", now)
        start = params.get("StartTime", end - timedelta(minutes=params.get("Duration", 60)))
        start = max(start, now - timedelta(days=_LONGEST_DAYS))
        rows = [
            (number, event)
            for number, event in enumerate(self._state.events)
            if start <= event.date <= end
            and params.get("SourceType", event.kind) == event.kind
            and params.get("SourceName", event.source).lower() == event.source
        ]
        chunk, token = page(rows, params, lambda row: f"{row[0]:09}")
        shapes = [
            {"SourceName": e.source, "SourceType": e.kind, "Message": e.message, "Date": e.date}
            for _, e in chunk
        ]
        return {"Events": shapes, "NextToken": token}

    # Tags

    def _list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._tags_of(self._taggable(params["ResourceArn"]))

    def _tag(self, params: dict[str, Any]) -> dict[str, Any]:
        arn = self._taggable(params["ResourceArn"])
        self._state.put_tags(arn, params["Tags"])
        return self._tags_of(arn)

    def _untag(self, params: dict[str, Any]) -> dict[str, Any]:
        arn = self._taggable(params["ResourceArn"])
        present = self._state.tags.get(arn, {})
        if missing := [key for key in params["TagKeys"] if key not in present]:
            refuse("TagNotFoundFault", f"There is no tag {', '.join(missing)}.")
        self._state.tags[arn] = {key: v for key, v in present.items() if key not in params["TagKeys"]}
        return self._tags_of(arn)

    def _tags_of(self, arn: str) -> dict[str, Any]:
        tags = self._state.tags.get(arn, {})
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _taggable(self, arn: str) -> str:
        """The ARN in lower case; a cluster's tags answer InvalidClusterStateFault while it changes."""
        head, _, name = arn.lower().rpartition("/")
        kind = head.rpartition(":")[2]
        if kind not in _KINDS or not head.startswith("arn:aws:memorydb:"):
            refuse("InvalidARNFault", f"{arn} is no ARN of a MemoryDB resource.")
        attribute, fault = _KINDS[kind]
        record = getattr(self._state, attribute).get(name)
        if record is None or self._state.arn(kind, name) != arn.lower():
            refuse(fault, f"{arn} not found.")
        if kind == "cluster" and not self._state.assumptions.tags_while_changing:
            self._refuse_tags_of_changing(record)
        return self._state.arn(kind, name)

    def _refuse_tags_of_changing(self, cluster: Cluster) -> None:
        if cluster.status != "available":
            refuse("InvalidClusterStateFault", f"Cluster {cluster.name} is not available: {cluster.status}.")
