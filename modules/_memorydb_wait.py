"""Waiting for a cluster: until AWS is done *and* the cluster is as asked, or gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from runbook.contract import Context, Ready, Waiting
from runbook.errors import Failed
from runbook.values import contains_unknown

from ._aws import ServiceError
from ._memorydb import cluster_state, describe_cluster, recent_events
from ._memorydb_settings import same
from ._memorydb_states import ClusterState

INTERVAL = 15.0
LONGEST = 60.0
"""Seconds between two looks: AWS's own handlers look once a minute."""

LAG = 8
"""Looks that may still show the old values, available, after an accepted update, when nothing was seen to start."""

LAG_AFTER_WORK = 2
"""The same, once the cluster was seen to work on it."""

KNOWN_STATUSES = ("creating", "available", "updating", "snapshotting", "deleting", "create-failed")


def wait(ctx: Context, name: str, timeout: float, wanted: Mapping[str, Any] | None = None) -> ClusterState:
    """Wait until the cluster is available, settled, and has `wanted`; answers with how it is then.

    Raises Failed when AWS rolls the change back (it then says available again, with the old values: fact 15),
    when creation failed, or when the cluster goes away.
    """
    watch = _Watch(ctx, name, wanted or {})
    return ctx.poll(f"cluster {name}", watch, timeout=timeout, interval=INTERVAL, longest=LONGEST)


def when_available(ctx: Context, name: str, timeout: float, act: Callable[[], None]) -> None:
    """Act; while that is refused because the cluster is busy, wait and act again (fact 14)."""
    watch = _Watch(ctx, name, {})
    refused = False

    def attempt() -> Waiting | Ready[None]:
        nonlocal refused
        if refused and isinstance(look := watch(), Waiting):
            return look
        try:
            act()
        except ServiceError as error:
            if error.code != "InvalidClusterStateFault":
                raise
            refused = True
            return Waiting("busy")
        return Ready(None)

    ctx.poll(f"cluster {name}", attempt, timeout=timeout, interval=INTERVAL, longest=LONGEST)


def when_deletable(ctx: Context, name: str, timeout: float, act: Callable[[], None]) -> None:
    """Act once the cluster can be deleted, unless it is being deleted already, or gone."""

    def attempt() -> Waiting | Ready[None]:
        raw = describe_cluster(ctx, name)
        status = raw.get("Status", "") if raw else "deleting"
        if status == "deleting":
            return Ready(None)
        if status not in ("available", "create-failed"):
            return Waiting(status)
        try:
            act()
        except ServiceError as error:
            if error.code == "InvalidClusterStateFault":
                return Waiting("busy")
            if error.code != "ClusterNotFoundFault":
                raise
        return Ready(None)

    ctx.poll(f"cluster {name}", attempt, timeout=timeout, interval=INTERVAL, longest=LONGEST)


class _Watch:
    """One look after the other at a cluster that is being changed."""

    def __init__(self, ctx: Context, name: str, wanted: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._name = name
        self._wanted = wanted
        self._worked = False
        self._stale = 0

    def __call__(self) -> Waiting | Ready[ClusterState]:
        raw = describe_cluster(self._ctx, self._name)
        if raw is None:
            raise Failed(f"Cluster {self._name} is gone.{_told(self._ctx, self._name)}")
        status = raw.get("Status", "")
        if status in ("create-failed", "deleting"):
            raise Failed(
                f"Cluster {self._name} is {status}.{_told(self._ctx, self._name)}",
                hint="It can only be deleted now (`state: absent`), and created again."
                if status != "deleting"
                else None,
            )
        if status != "available":
            self._worked = True
            return Waiting(
                status if status in KNOWN_STATUSES else f"in a state that we don't know, {status}",
                _percent(raw),
            )
        unsettled = _unsettled(raw)
        if unsettled:
            return Waiting(f"available, {unsettled}", _percent(raw))
        return self._compare(cluster_state(raw, {}))

    def _compare(self, state: ClusterState) -> Waiting | Ready[ClusterState]:
        missing = [field for field, value in self._wanted.items() if not same(field, value, state)]
        if not missing:
            return Ready(state)
        self._stale += 1
        if self._stale > (LAG_AFTER_WORK if self._worked else LAG):
            self._rolled_back(missing, state)
        return Waiting("available, not as asked" if self._worked else "accepted, not begun yet")

    def _rolled_back(self, missing: list[str], state: ClusterState) -> NoReturn:
        told = "; ".join(
            f"{field.replace('_', ' ')} {self._wanted[field]} was asked for, {getattr(state, field)} is there"
            for field in missing
        )
        raise Failed(
            f"AWS accepted the change of cluster {self._name} and took it back: {told}."
            f"{_told(self._ctx, self._name)}",
            hint="The reason may be no capacity, or not enough memory for the data. The cluster works as before.",
        )


def _unsettled(raw: Mapping[str, Any]) -> str:
    """What is still under way in a cluster that says available (fact 19); empty when nothing."""
    if raw.get("ParameterGroupStatus", "in-sync") not in ("in-sync", "active"):
        return f"parameter group {raw['ParameterGroupStatus']}"
    groups = {group.get("Status", "active") for group in raw.get("SecurityGroups", [])} - {"active"}
    if groups:
        return f"security groups {', '.join(sorted(groups))}"
    pending = raw.get("PendingUpdates") or {}
    if (pending.get("ACLs") or {}).get("ACLToApply"):
        return f"access control list {pending['ACLs']['ACLToApply']} pending"
    return ""


def under_way(state: ClusterState) -> str:
    """The same of a cluster that was read before; its status, where that says so already. An Unknown part of it is
    not waited for."""
    if state.status != "available":
        return state.status
    applied = state.parameter_group_status
    if not contains_unknown(applied) and applied not in (None, "in-sync", "active"):
        return f"available, parameter group {applied}"
    groups = [group.status for group in state.security_groups if group.status not in ("", "active")]
    return f"available, security groups {', '.join(sorted(groups))}" if groups else ""


def _percent(raw: Mapping[str, Any]) -> float | None:
    resharding = (raw.get("PendingUpdates") or {}).get("Resharding") or {}
    percent: float | None = (resharding.get("SlotMigration") or {}).get("ProgressPercentage")
    return percent


def _told(ctx: Context, name: str) -> str:
    events = recent_events(ctx, name)
    return f" AWS reports: {events}" if events else ""


def wait_gone(ctx: Context, name: str, timeout: float) -> None:
    """Wait until the cluster is really gone. Raises Failed when it stays available all the same."""
    idle = 0

    def look() -> Waiting | Ready[None]:
        nonlocal idle
        raw = describe_cluster(ctx, name)
        if raw is None:
            return Ready(None)
        if raw.get("Status") == "available":
            idle += 1
            if idle > LAG:
                raise Failed(f"Cluster {name} is still there, available.{_told(ctx, name)}")
        return Waiting(raw.get("Status", ""))

    ctx.poll(f"cluster {name}", look, timeout=timeout, interval=INTERVAL, longest=LONGEST)
