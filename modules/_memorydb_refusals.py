"""What MemoryDB would refuse, or accept and not do: refused by us, before anything is asked of it."""

from __future__ import annotations

from typing import Any

from runbook.errors import Failed
from runbook.values import contains_unknown

from ._memorydb_settings import CREATE_ONLY, declared, same, text
from ._memorydb_states import ClusterState


def refuse_impossible(settings: Any, state: ClusterState | None) -> None:
    """Raise Failed for what MemoryDB would refuse, or accept and not do."""
    if state is None:
        _refuse_creation(settings)
        return
    for field, wanted in declared(settings, CREATE_ONLY).items():
        if not same(field, wanted, state):
            label = field.replace("_", " ")
            raise Failed(
                f"Cluster {state.name} has {label} {text(getattr(state, field))}, and {text(wanted)} is "
                "asked for; MemoryDB fixes that at creation.",
                hint="Take the argument away, or delete the cluster (with a final snapshot) and create it again.",
            )
    if settings.security_groups == [] and state.security_groups:
        raise Failed(
            f"Cluster {state.name} can't be left without security groups: "
            "MemoryDB takes an empty list as no change.",
            hint="Name at least one in `security_groups`.",
        )
    _refuse_downgrade(settings, state)
    _refuse_size(settings, state)


def _refuse_creation(settings: Any) -> None:
    missing = [field for field in ("node_type", "acl") if getattr(settings, field) is None]
    if missing:
        raise Failed(f"To create cluster {settings.name}, {' and '.join(missing)} must be given.")
    if settings.tls is False and settings.acl != "open-access":
        raise Failed(
            "Without TLS, MemoryDB lets a cluster have the access control list open-access only.",
            hint="Say `tls: true`, or `acl: open-access`.",
        )
    _refuse_size(settings, ClusterState(name=settings.name, shards=1, replicas_per_shard=1))


def _refuse_downgrade(settings: Any, state: ClusterState) -> None:
    if settings.engine == "redis" and state.engine == "valkey":
        raise Failed(f"Cluster {state.name} runs valkey; MemoryDB does not go back to redis.")
    wanted = settings.engine_version
    if wanted is None or same("engine_version", wanted, state) or settings.engine not in (None, state.engine):
        return
    if _numbers(wanted) < _numbers(state.engine_version or ""):
        raise Failed(
            f"Cluster {state.name} runs version {state.engine_version}, and {wanted} is asked for; "
            "MemoryDB upgrades only.",
            hint="To go back, delete the cluster and create it again with the version that you want.",
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _refuse_size(settings: Any, state: ClusterState) -> None:
    shards = state.shards if settings.shards is None else settings.shards
    replicas = (
        state.replicas_per_shard if settings.replicas_per_shard is None else settings.replicas_per_shard
    )
    if contains_unknown([shards, replicas]) or shards is None or replicas is None:
        return
    if shards * (1 + replicas) > 500:
        raise Failed(
            f"{shards} shards with {replicas} replicas each are {shards * (1 + replicas)} nodes; "
            "a cluster has 500 at most."
        )
