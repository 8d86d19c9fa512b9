"""A cluster of nodes: forming it, replicas, slots and their migration, loss of a node and failover."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from . import slots
from .node import DataPlaneError, Node, Role, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .access import User

_SETTLE_TIMEOUT = 1.0  # seconds that a dying primary is given to hand its last writes to a replica


@dataclass(frozen=True)
class NodeHandle:
    """A node as the control plane sees it: `lab-cluster-0001-001`, where clients reach it, and its role."""

    name: str
    address: str
    port: int
    role: Role
    alive: bool = True


@dataclass(frozen=True)
class ShardHandle:
    """A shard: `0001`, its slots (`0-8191` or `0-5460,10923-12000`), and its nodes in order of their names."""

    name: str
    slots: str
    nodes: tuple[NodeHandle, ...]


@dataclass(frozen=True)
class ClusterHandle:
    """A cluster: the endpoint that clients are given, and its shards."""

    name: str
    address: str
    port: int
    tls: bool
    shards: tuple[ShardHandle, ...]


@dataclass
class _Shard:
    name: str
    nodes: list[Node]
    primary: Node
    slots: str = ""

    @property
    def replicas(self) -> list[Node]:
        return [node for node in self.nodes if node is not self.primary]


@dataclass
class Topology:
    """The nodes of one cluster and what they are to each other.

    `make` builds a node of that name; `opened` is told when clients may reach a node, `closed` when they no
    longer may, `removed` when it is gone for good. Changes come one at a time; what `shards` gives can be
    read meanwhile.
    """

    name: str
    make: Callable[[str], Node]
    opened: Callable[[Node], None]
    closed: Callable[[Node], None]
    removed: Callable[[Node], None]
    users: tuple[User, ...]
    _shards: list[_Shard] = field(default_factory=list)
    _secret: str = field(default_factory=new_secret)
    _change: threading.RLock = field(default_factory=threading.RLock)

    # ---- what there is

    def shards(self) -> tuple[ShardHandle, ...]:
        """The shards as they are now."""
        return tuple(
            ShardHandle(
                shard.name, shard.slots, tuple(self._node_handle(shard, node) for node in shard.nodes)
            )
            for shard in list(self._shards)
        )

    def first_reachable(self) -> Node | None:
        """The node that the cluster endpoint leads to: the first primary that lives, else any node."""
        shards = list(self._shards)
        candidates = [shard.primary for shard in shards] + [node for shard in shards for node in shard.nodes]
        return next((node for node in candidates if node.alive), None)

    def primaries(self) -> list[tuple[ShardHandle, Node]]:
        """Each shard with its primary."""
        return list(zip(self.shards(), [shard.primary for shard in self._shards], strict=True))

    def _node_handle(self, shard: _Shard, node: Node) -> NodeHandle:
        role: Role = "primary" if node is shard.primary else "replica"
        return NodeHandle(node.name, node.place.address, node.place.port, role, node.alive)

    def _living(self) -> list[Node]:
        return [node for shard in self._shards for node in shard.nodes if node.alive]

    def _shard(self, name: str) -> _Shard:
        for shard in self._shards:
            if shard.name == name:
                return shard
        raise DataPlaneError(f"cluster {self.name} has no shard {name}")

    def _find(self, name: str) -> tuple[_Shard, Node]:
        for shard in self._shards:
            for node in shard.nodes:
                if node.name == name:
                    return shard, node
        raise DataPlaneError(f"cluster {self.name} has no node {name}")

    # ---- changes

    def form(self, shard_count: int, replicas: int) -> None:
        """Start everything: the slots spread evenly, `replicas` beside each primary."""
        with self._change:
            self._add_shards(shard_count)
            for shard, (first, last) in zip(self._shards, slots.even_ranges(shard_count), strict=True):
                shard.primary.call("CLUSTER", "ADDSLOTSRANGE", first, last)
                shard.slots = slots.write([(first, last)])
            self._wait_agreed()
            for shard in self._shards:
                self.opened(shard.primary)
            self.set_replicas(replicas)

    def set_replicas(self, count: int) -> None:
        """Have `count` replicas in each shard; blocks until they hold the data and clients are told of them."""
        with self._change:
            for shard in self._shards:
                surplus = shard.replicas[count:]
                for node in surplus:
                    self._remove(shard, node)
            fresh = [
                (shard, self._name(shard.name, number))
                for shard in self._shards
                for number in self._free_numbers(shard, count - len(shard.replicas))
            ]
            self._start_replicas([(shard, self.make(name)) for shard, name in fresh])

    def set_shards(self, count: int, on_progress: Callable[[float], None]) -> None:
        """Have `count` shards: slots move with their data while clients work; shards are added or removed at
        the end of the list. `on_progress` is told the percentage of slots that have moved, from 0 to 100."""
        with self._change:
            replicas = max((len(shard.replicas) for shard in self._shards), default=0)
            if count > len(self._shards):
                added = self._add_shards(count - len(self._shards))
                self._wait_agreed()
                for shard in added:
                    self.opened(shard.primary)
                self.set_replicas(replicas)
            self._move_slots(count, on_progress)
            for shard in self._shards[count:]:
                for node in [*shard.replicas, shard.primary]:
                    self._remove(shard, node)
            del self._shards[count:]
            self._wait_agreed()

    def failover(self, shard_name: str) -> None:
        """Lose the primary of a shard; a replica takes over, and the lost node comes back as a replica.

        Raises DataPlaneError if the shard has no replica.
        """
        with self._change:
            shard = self._shard(shard_name)
            if not any(node.alive for node in shard.replicas):
                raise DataPlaneError(f"shard {shard_name} of {self.name} has no replica that could take over")
            lost = shard.primary
            self._lose(shard, lost)
            self._bring_back(shard, lost)

    def kill_node(self, name: str) -> None:
        """End a node as power loss does. If it was a primary with a living replica, that one takes over."""
        with self._change:
            shard, node = self._find(name)
            if node.alive:
                self._lose(shard, node)

    def revive_node(self, name: str) -> None:
        """Bring a killed node back: as a replica if its shard has another primary, else with its own data."""
        with self._change:
            shard, node = self._find(name)
            if not node.alive:
                self._bring_back(shard, node)

    def authorize(self, users: Sequence[User]) -> None:
        """Let exactly these users in, at every node; connections of others are closed."""
        with self._change:
            self.users = tuple(users)
            for node in self._living():
                node.authorize(self.users)

    def stop(self) -> None:
        """End all nodes and forget their data."""
        with self._change:
            for shard in self._shards:
                for node in shard.nodes:
                    self.closed(node)
                    node.erase()
                    self.removed(node)
            self._shards.clear()

    # ---- how

    def _name(self, shard: str, number: int) -> str:
        return f"{self.name}-{shard}-{number:03}"

    def _free_numbers(self, shard: _Shard, count: int) -> list[int]:
        used = {node.name for node in shard.nodes}
        numbers = (number for number in range(1, 1000) if self._name(shard.name, number) not in used)
        return [next(numbers) for _ in range(max(count, 0))]

    def _start(self, nodes: Sequence[Node]) -> None:
        """Start processes side by side, and introduce each to the cluster."""
        if not nodes:
            return
        with ThreadPoolExecutor(max_workers=min(len(nodes), 8)) as pool:
            list(pool.map(lambda node: node.start(secret=self._secret, users=self.users), nodes))

    def _meet(self, nodes: Sequence[Node]) -> None:
        known = next((node for node in self._living() if node not in nodes), nodes[0])
        for node in nodes:
            if node is not known:
                known.call(
                    "CLUSTER", "MEET", node.place.address, node.place.internal_port, node.place.bus_port
                )
        self._wait_agreed(nodes)

    def _add_shards(self, count: int) -> list[_Shard]:
        first = len(self._shards) + 1
        names = [f"{number:04}" for number in range(first, first + count)]
        nodes = [self.make(self._name(name, 1)) for name in names]
        self._start(nodes)
        for epoch, node in enumerate(nodes, first):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        added = [_Shard(name, [node], node) for name, node in zip(names, nodes, strict=True)]
        self._shards.extend(added)
        self._meet(nodes)
        return added

    def _start_replicas(self, fresh: Sequence[tuple[_Shard, Node]]) -> None:
        if not fresh:
            return
        nodes = [node for _, node in fresh]
        self._start(nodes)
        for shard, node in fresh:
            shard.nodes.append(node)
            shard.nodes.sort(key=lambda each: each.name)
        self._meet(nodes)
        for shard, node in fresh:
            self._follow(node, shard.primary)
        for shard, node in fresh:
            node.wait(partial(_replicates, shard.primary, node), "copy its primary's data")
        self._wait_agreed()
        for node in nodes:
            self.opened(node)

    def _follow(self, node: Node, primary: Node) -> None:
        primary.wait(lambda: True, "give its data to a replica")  # one that ended would be called unknown
        node.call("CLUSTER", "REPLICATE", primary.id)

    def _remove(self, shard: _Shard, node: Node) -> None:
        self.closed(node)
        shard.nodes.remove(node)
        node.erase()
        self._forget(node.id)
        self.removed(node)

    def _forget(self, node_id: str) -> None:
        for node in self._living():
            if any(fields[0] == node_id for fields in node.cluster_nodes()):
                node.call("CLUSTER", "FORGET", node_id)

    def _lose(self, shard: _Shard, node: Node) -> None:
        heir = next((each for each in shard.replicas if each.alive), None) if node is shard.primary else None
        if heir is not None:
            _hand_over(node, heir)
        self.closed(node)
        node.kill()
        if heir is None:
            return
        heir.call("CLUSTER", "FAILOVER", "TAKEOVER")
        heir.wait(lambda: heir.role == "primary", "take over")
        shard.primary = heir
        self._wait_agreed()

    def _bring_back(self, shard: _Shard, node: Node) -> None:
        if node is shard.primary:
            node.start(secret=self._secret, users=self.users)
            self._wait_agreed()
            self.opened(node)
            return
        # As AWS replaces a node: the name stays, the machine and its identity are new.
        old_id = node.id
        node.erase()
        self._forget(old_id)
        shard.nodes.remove(node)
        self._start_replicas([(shard, node)])

    def _move_slots(self, count: int, on_progress: Callable[[float], None]) -> None:
        owned = [slots.read(shard.slots) for shard in self._shards]
        moves = slots.balance(owned, count)
        total = sum(move.size for move in moves)
        moved = 0
        on_progress(0.0)
        for move in moves:
            source, target = self._shards[move.source], self._shards[move.target]
            slots.migrate(source.primary, target.primary, move)
            owned = slots.apply(owned, move)
            for shard, ranges in zip(self._shards, owned, strict=True):
                shard.slots = slots.write(ranges)
            moved += move.size
            on_progress(100.0 * moved / total)

    def _wait_agreed(self, newcomers: Sequence[Node] = ()) -> None:
        """Wait until all living nodes, and `newcomers`, know the same members, primaries and slots."""
        living = list({id(node): node for node in [*self._living(), *newcomers]}.values())
        expected = {node.id for node in living}
        owners = {shard.primary.id: shard.slots for shard in self._shards if shard.primary.alive}
        # With a primary lost, or before anybody has slots, the servers rightly say that the cluster is down.
        serving = any(owners.values()) and len(owners) == len(self._shards)
        for node in living:
            node.wait(partial(_agrees, node, expected, owners, serving), "agree with its cluster")


def _agrees(node: Node, members: set[str], owners: dict[str, str], serving: bool) -> bool:
    if serving and b"cluster_state:ok" not in node.call("CLUSTER", "INFO"):
        return False
    seen: dict[str, str] = {}
    for fields in node.cluster_nodes():
        flags = fields[2].split(",")
        linked = fields[7] == "connected" or "myself" in flags or fields[0] not in members
        if "handshake" in flags or not linked:
            return False
        seen[fields[0]] = slots.write(slots.read(",".join(each for each in fields[8:] if each[0] != "[")))
    return members <= seen.keys() and all(
        seen[node_id] == ranges for node_id, ranges in owners.items() if node_id in members
    )


def _replicates(primary: Node, replica: Node) -> bool:
    if replica.info("replication").get("master_link_status") != "up":
        return False
    told = primary.call("CLUSTER", "SLOTS")
    shown = {member[2].decode() for entry in told for member in entry[2:]}
    # A shard that owns no slot yet is in no CLUSTER SLOTS: then the link is all there is to see.
    return replica.id in shown or primary.id not in shown


def _hand_over(primary: Node, heir: Node) -> None:
    """Let `heir` have all that `primary` has acknowledged: MemoryDB loses no acknowledged write, Valkey's
    replication alone could."""
    primary.call("CLIENT", "PAUSE", int(_SETTLE_TIMEOUT * 2000), "WRITE")
    written = int(primary.info("replication")["master_repl_offset"])
    heir.wait(
        lambda: int(heir.info("replication")["slave_repl_offset"]) >= written,
        "copy the last writes of its primary",
        _SETTLE_TIMEOUT,
    )
