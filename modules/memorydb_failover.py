"""The module `memorydb_failover`."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import (
    CONTRACT_VERSION,
    Absent,
    Context,
    Finding,
    Intent,
    Landed,
    Params,
    Permissions,
    Ready,
    Unsure,
    Waiting,
)
from runbook.errors import Failed
from runbook.model import Action, Change

from ._aws import ServiceError, Throttled, pages
from ._effects import once, settled
from ._memorydb import SETTLE, describe_cluster, read_cluster
from ._memorydb_states import ClusterState, check_name, cluster_resource

CALLED = re.compile(r"failover ?(?:shard)? api called", re.IGNORECASE)
OVER = re.compile(r"failover\b.*\bcompleted", re.IGNORECASE)
BROKEN = re.compile(r"failover\b.*\bfailed", re.IGNORECASE)
SHARD = re.compile(r"\bshard (\S*?\w)\b", re.IGNORECASE)
"""How DescribeEvents words it (the documentation's steps of a failover test; the exact texts are not promised).
An event that names another shard is not ours."""

QUIET = 180.0
"""Seconds (of the service's time) without an event after which an available cluster counts as failed over."""

WINDOW = 24 * 60
"""Minutes of events that are looked at; AWS keeps fourteen days."""

TOO_MANY = "APICallRateForCustomerExceededFault"

HINTS = {
    "TestFailoverNotAvailableFault": "AWS does not offer the test failover for this cluster now.",
    "ShardNotFoundFault": "Shards are named 0001, 0002, ...: `memorydb_info` lists them.",
}


class FailoverParams(Params, frozen=True, kw_only=True):
    """Arguments of `memorydb_failover`."""

    cluster: Annotated[str, Meta(description="Name of the cluster.")]
    shard: Annotated[str, Meta(description="Name of the shard.")] = "0001"
    timeout: Annotated[int, Meta(ge=1, description="Seconds that it may take.")] = 1800


class FailoverResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    cluster: Annotated[str, Meta(description="Name of the cluster.")]
    shard: Annotated[str, Meta(description="Name of the shard.")]
    events: Annotated[tuple[str, ...], Meta(description="What AWS reported meanwhile.")] = ()


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a failover needs to know before."""

    status: Any = None
    replicas_per_shard: Any = None
    shards: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    """Where the shard's nodes are."""


class MemorydbFailover:
    """Makes a shard lose its primary, for a test: a replica takes over, and the lost node comes back as a replica.

        - name: Lose the primary
          memorydb_failover: {cluster: lab-cluster, shard: "0001"}

    Clients keep the one cluster endpoint. AWS does not tell which node is primary: ask the engine before and after
    (`CLUSTER NODES`). The shard needs a replica. A cluster that is busy is waited for first. It is a test of AWS's:
    not for production, and limited in a day. A run that was killed finds by AWS's events whether the failover was
    begun, and goes on waiting for its end.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[FailoverParams]] = FailoverParams
    Result: ClassVar[type[FailoverResult]] = FailoverResult
    permissions: ClassVar[Permissions] = Permissions(
        read=("memorydb:DescribeClusters", "memorydb:DescribeEvents"), write=("memorydb:FailoverShard",)
    )

    def resource(self, params: FailoverParams) -> str | None:
        """None: who is primary is nothing that AWS shows."""
        return None

    def observe(self, ctx: Context, params: FailoverParams) -> Seen:
        """Whether there is a replica that can take over. Raises Failed when there is no such cluster."""
        name = check_name("cluster", params.cluster, 40)
        state: ClusterState | None = ctx.observe(cluster_resource(name), lambda: read_cluster(ctx, name))
        if state is None:
            region = f" in {ctx.target.region}" if ctx.target.region else ""
            raise Failed(f"There is no cluster {name}{region}.")
        shards = state.shard_details if isinstance(state.shard_details, Sequence) else ()
        nodes = state.nodes if isinstance(state.nodes, Sequence) else ()
        return Seen(
            status=state.status,
            replicas_per_shard=state.replicas_per_shard,
            shards=tuple(shard.name for shard in shards),
            zones=tuple(sorted({node.zone for node in nodes if node.shard == params.shard and node.zone})),
        )

    def plan(self, params: FailoverParams, observed: Seen) -> Change:
        if observed.shards and params.shard not in observed.shards:
            raise Failed(
                f"Cluster {params.cluster} has no shard {params.shard}; it has {', '.join(observed.shards)}."
            )
        if isinstance(observed.replicas_per_shard, int) and observed.replicas_per_shard < 1:
            raise Failed(
                f"Shard {params.shard} of {params.cluster} has no replica that could take over.",
                hint="Add one first: `memorydb_cluster` with `replicas_per_shard: 1`.",
            )
        alone = len(observed.zones) == 1
        warning = f"All nodes of shard {params.shard} are in {observed.zones[0]}." if alone else ""
        return Change(
            action=Action.RUN,
            reason=f"shard {params.shard} of {params.cluster} loses its primary",
            warnings=(f"{warning} A lost zone would take them all.",) if alone else (),
        )

    def apply(self, ctx: Context, params: FailoverParams, change: Change) -> FailoverResult:
        name = params.cluster.lower()

        def call(intent: Intent) -> list[str]:
            ctx.poll(f"cluster {name}", lambda: _try(ctx, name, params.shard), timeout=params.timeout)
            return list(intent.before)

        def find(intent: Intent) -> Finding[list[str]]:
            news = _news(ctx, params, intent.before)
            if any(CALLED.search(text) for text in news):
                return Landed(list(intent.before))
            return Absent() if settled(ctx, intent, SETTLE) else Unsure("its event may not show yet")

        # What was reported before tells this failover's events from those of an earlier one.
        known = ctx.effect("failover", call, find=find, before=_events(ctx, name))
        watch = _Watch(ctx, params, known)
        ctx.poll(f"failover of shard {params.shard}", watch, timeout=params.timeout, interval=10, longest=30)
        if not watch.told:
            ctx.warn(
                f"AWS reported no end of the failover of shard {params.shard}: ask the engine who is primary."
            )
        told = tuple(text.partition(" ")[2] for text in _news(ctx, params, known))
        return FailoverResult(cluster=name, shard=params.shard, events=told)


def _try(ctx: Context, name: str, shard: str) -> Waiting | Ready[None]:
    """One try, once the cluster is available: being busy means to wait (fact 14)."""
    raw = describe_cluster(ctx, name)
    if raw is None:
        raise Failed(f"Cluster {name} is gone.")
    if raw.get("Status") != "available":
        return Waiting(f"{raw.get('Status')}: to be available first")
    try:
        asked = {"ClusterName": name, "ShardName": shard}
        once(
            ctx, "memorydb", lambda memorydb: memorydb.failover_shard(**asked), hopeless=frozenset({TOO_MANY})
        )
    except Throttled as error:
        if error.code != TOO_MANY:
            raise
        # Throttling by its name, yet it counts days (fact 25): no waiting here would help.
        raise Failed(
            f"AWS takes no more test failovers of cluster {name} now ({TOO_MANY}).",
            hint="It allows only so many in 24 hours.",
        ) from error
    except ServiceError as error:
        busy = error.code == "InvalidClusterStateFault" and _is_busy(ctx, name)
        if not busy:
            raise Failed(error.message, hint=HINTS.get(error.code, error.hint)) from error
        return Waiting("busy after all: to be available first")
    return Ready(None)


def _is_busy(ctx: Context, name: str) -> bool:
    raw = describe_cluster(ctx, name)
    return raw is not None and raw.get("Status") != "available"


class _Watch:
    """Looks until AWS reports that it is over, or the cluster has been busy and is available again."""

    def __init__(self, ctx: Context, params: FailoverParams, known: Sequence[str]) -> None:
        self._ctx = ctx
        self._params = params
        self._known = known
        self._began = time.monotonic()
        self._worked = False
        self.told = False
        """AWS did something about it that could be seen."""

    def __call__(self) -> Waiting | Ready[None]:
        raw = describe_cluster(self._ctx, self._params.cluster.lower())
        if raw is None:
            raise Failed(f"Cluster {self._params.cluster} is gone.")
        events = _news(self._ctx, self._params, self._known)
        broken = next((text for text in events if BROKEN.search(text)), None)
        if broken:
            raise Failed(f"AWS reports: {broken.partition(' ')[2]}")
        status = raw.get("Status", "")
        if status != "available":
            self._worked = True
            return Waiting(status)
        self.told = self._worked or any(OVER.search(text) for text in events)
        quiet = (time.monotonic() - self._began) * self._ctx.target.speed > QUIET
        return Ready(None) if self.told or quiet else Waiting("accepted, not begun yet")


def _news(ctx: Context, params: FailoverParams, known: Sequence[str]) -> list[str]:
    """Events since `known`, without those that name another shard."""
    fresh = [text for text in _events(ctx, params.cluster.lower()) if text not in known]
    return [text for text in fresh if _concerns(text, params.shard)]


def _concerns(text: str, shard: str) -> bool:
    named = SHARD.search(text)
    return named is None or named.group(1).endswith(shard)


def _events(ctx: Context, name: str) -> list[str]:
    """What AWS reports of the cluster lately, the oldest first: each with its time in front."""
    found = pages(
        ctx.client("memorydb"),
        "describe_events",
        "Events",
        SourceName=name,
        SourceType="cluster",
        Duration=WINDOW,
    )
    dated = sorted(found, key=lambda event: event["Date"])
    return [f"{event['Date'].isoformat()} {event.get('Message', '')}" for event in dated]
