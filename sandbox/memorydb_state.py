"""The records of MemoryDB and what all its parts share: names, ARNs, tags, pages, events, time."""

from __future__ import annotations

import base64
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .assumptions import Assumptions
from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from . import access
    from .clock import Clock
    from .topology import ClusterHandle


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """What MemoryDB needs to know of a subnet."""

    subnet_id: str
    vpc_id: str
    zone: str
    zone_id: str


class Network(Protocol):
    """The VPC side of the account."""

    def subnet(self, subnet_id: str) -> SubnetFacts | None:
        """The subnet with that id, if there is one."""

    def security_group_vpc(self, group_id: str) -> str | None:
        """The VPC of a security group, None if there is no such group."""

    def default_subnets(self) -> Sequence[SubnetFacts]:
        """The subnets of the default VPC."""


class Nodes(Protocol):
    """What MemoryDB asks of the data plane. Every call blocks until the effect is there, and may raise."""

    def create_cluster(
        self, name: str, *, port: int, shards: int, replicas: int, tls: bool = True
    ) -> ClusterHandle: ...
    def set_replicas(self, name: str, replicas: int) -> None: ...
    def set_shards(self, name: str, shards: int, on_progress: Callable[[float], None]) -> None:
        """`on_progress` is told the percentage of slots that have moved."""

    def failover(self, name: str, shard: str) -> None: ...
    def delete_cluster(self, name: str) -> None: ...
    def describe(self, name: str) -> ClusterHandle: ...
    def authorize(self, name: str, users: Sequence[access.User] | None) -> None:
        """Let only these users in; None is `open-access`."""

    def dump(self, name: str, snapshot: str) -> None:
        """Keep the data of a cluster under a snapshot's name."""

    def load(self, name: str, snapshot: str) -> None:
        """Fill a new cluster from a snapshot."""

    def forget(self, snapshot: str) -> None:
        """Drop the data kept under a snapshot's name."""


@dataclass(slots=True)
class Change:
    """What a cluster is going through: over when the clock says so and the data plane is done.

    `work` gives the cluster as it then is. `finish` (view, simulated second) puts the new state in place;
    `fail` (error, second) what is true when the work raised it or, with None, when AWS rolls back silently.
    """

    ends: float
    finish: Callable[[ClusterHandle | None, float], None]
    fail: Callable[[BaseException | None, float], None]
    work: Future[ClusterHandle | None] | None = None
    worked_until: float = 0.0
    reverted: bool = False
    topology: bool = False


@dataclass(slots=True)
class Placement:
    """Where and since when a node stands."""

    zone: str
    created: datetime


@dataclass(slots=True)
class SubnetGroup:
    """A subnet group."""

    name: str
    description: str
    subnets: list[SubnetFacts]

    @property
    def zones(self) -> list[str]:
        """Its zones, each once, in the order of its subnets."""
        return list(dict.fromkeys(subnet.zone for subnet in self.subnets))


@dataclass(slots=True)
class ParameterGroup:
    """A parameter group; `values` are those that differ from the engine's."""

    name: str
    family: str
    description: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Acl:
    """An access control list; `until` is when its present change is over."""

    name: str
    users: list[str]
    status: str = "active"
    until: float = 0.0


@dataclass(slots=True)
class User:
    """A user; passwords are kept as digests only."""

    name: str
    access: str
    kind: str
    digests: tuple[str, ...] = ()
    status: str = "active"
    until: float = 0.0


@dataclass(slots=True)
class Snapshot:
    """A snapshot: the shape of its cluster at that time; its data is with the data plane."""

    name: str
    cluster: str
    configuration: dict[str, Any]
    kms_key: str | None
    data_tiering: bool
    ready: float
    status: str = "creating"
    work: Future[None] | None = None


@dataclass(slots=True)
class Cluster:
    """A cluster."""

    name: str
    node_type: str
    engine: str
    engine_version: str
    engine_patch: str
    port: int
    tls: bool
    shards: int
    replicas: int
    parameter_group: str
    subnet_group: str
    acl: str
    description: str = ""
    status: str = "creating"
    kms_key: str | None = None
    sns_topic: str | None = None
    sns_active: bool = True
    snapshot_retention: int = 0
    maintenance_window: str = "sun:23:00-mon:01:30"
    snapshot_window: str = "05:00-06:00"
    auto_minor_upgrade: bool = True
    data_tiering: bool = False
    network_type: str = "ipv4"
    ip_discovery: str = "ipv4"
    security_groups: dict[str, float] = field(default_factory=dict)
    parameters_ready: float = 0.0
    pending_acl: str | None = None
    resharding: float | None = None
    placements: dict[str, Placement] = field(default_factory=dict)
    view: ClusterHandle | None = None
    change: Change | None = None
    failovers: list[tuple[str, float]] = field(default_factory=list)
    lagging: dict[str, Any] | None = None
    lag_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """One row of DescribeEvents."""

    source: str
    kind: str
    message: str
    date: datetime


_NAME = re.compile(r"[a-z]([a-z0-9]|-(?!-))*(?<!-)")


@dataclass(slots=True)
class State:
    """All that one account's MemoryDB knows in one Region. Hold `lock` to read or write it."""

    region: str
    account: str
    clock: Clock
    network: Network
    assumptions: Assumptions = field(default_factory=Assumptions)
    lock: threading.RLock = field(default_factory=threading.RLock)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    subnet_groups: dict[str, SubnetGroup] = field(default_factory=dict)
    parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)
    acls: dict[str, Acl] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource; kinds are `cluster`, `subnetgroup`, `acl`, `user`, `parametergroup`, ..."""
        return f"arn:aws:memorydb:{self.region}:{self.account}:{kind}/{name}"

    def note(self, kind: str, source: str, message: str, at: float | None = None) -> None:
        """Add an event."""
        date = self.clock.now() if at is None else self.clock.at(at)
        self.events.append(Event(source, kind, message, date))

    def put_tags(self, arn: str, tags: Iterable[dict[str, str]]) -> None:
        """Add or overwrite tags, as many as a resource may have."""
        merged = self.tags.get(arn, {}) | {tag["Key"]: tag.get("Value", "") for tag in tags}
        if len(merged) > self.assumptions.tags_per_resource:
            raise AwsError("TagQuotaPerResourceExceeded", "a resource can have at most 50 tags")
        self.tags[arn] = merged


def resource_name(given: str, what: str, limit: int = 40) -> str:
    """A name as the service keeps it, in lower case. Refuses what breaks the rules for names."""
    name = given.lower()
    if len(name) > limit or not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidParameterValueException",
            f"The parameter {what} must begin with a letter, hold only letters, digits and hyphens, "
            f"not end with a hyphen or hold two in a row, and be at most {limit} long: {given!r}",
        )
    return name


def page(
    items: Sequence[Any], params: dict[str, Any], name: Callable[[Any], str]
) -> tuple[list[Any], str | None]:
    """One page of sorted items by MaxResults (default and most: 100) and NextToken, and the next token."""
    size = params.get("MaxResults", 100)
    if not 1 <= size <= 100:
        raise AwsError("InvalidParameterValueException", f"MaxResults must be 1 to 100, not {size}")
    rest = list(items)
    if token := params.get("NextToken"):
        try:
            last = base64.b64decode(token, validate=True).decode()
        except ValueError as error:
            raise AwsError("InvalidParameterValueException", "NextToken is not valid") from error
        rest = [item for item in rest if name(item) > last]
    chunk = rest[:size]
    more = base64.b64encode(name(chunk[-1]).encode()).decode() if len(rest) > size else None
    return chunk, more
