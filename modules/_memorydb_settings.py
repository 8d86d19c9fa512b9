"""The settings of a cluster: what can be asked for, when two mean the same, and what a change would leave."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta
from runbook.contract import Params
from runbook.values import Unknown

from ._memorydb_states import ClusterState, cluster_resource, later
from ._network import SecurityGroup, is_id, names_group, same_members

Shards: TypeAlias = Annotated[int, Meta(ge=1, le=500)]
Replicas: TypeAlias = Annotated[int, Meta(ge=0, le=5)]
Days: TypeAlias = Annotated[int, Meta(ge=0, le=35)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]


class Settings(Params, frozen=True, kw_only=True):
    """What can be changed while a cluster lives. What is not given is left as it is."""

    description: Annotated[str | None, Meta(description="Text for people.")] = None
    node_type: Annotated[str | None, Meta(description="Such as db.r6g.large. Needed to create.")] = None
    engine: Annotated[str | None, Meta(description="valkey (when created, unless told) or redis.")] = None
    engine_version: Annotated[
        str | None, Meta(description="Such as 7.2; only the parts given are compared. Never goes down.")
    ] = None
    parameter_group: Annotated[str | None, Meta(description="Such as default.memorydb-valkey7.")] = None
    acl: Annotated[str | None, Meta(description="Access control list. Needed to create.")] = None
    security_groups: Annotated[
        list[str] | None, Meta(description="All of them, by id, group name or Name tag.")
    ] = None
    shards: Annotated[Shards | None, Meta(description="Number of shards (AWS: 1).")] = None
    replicas_per_shard: Annotated[
        Replicas | None, Meta(description="Replicas in each shard (AWS: 1, so two nodes).")
    ] = None
    maintenance_window: Annotated[str | None, Meta(description="UTC, such as sun:23:00-mon:01:30.")] = None
    snapshot_window: Annotated[str | None, Meta(description="UTC, such as 05:00-09:00.")] = None
    snapshot_retention_limit: Annotated[
        Days | None, Meta(description="Days that automatic snapshots are kept; 0: none are made.")
    ] = None
    sns_topic: Annotated[str | None, Meta(description="ARN of a topic to notify; empty turns it off.")] = None
    tags: Annotated[dict[str, str] | None, Meta(description="Tags to have; others that are there stay.")] = (
        None
    )


METADATA = (
    "description",
    "maintenance_window",
    "snapshot_window",
    "snapshot_retention_limit",
    "sns_topic",
)
"""These may share one UpdateCluster."""

TOPOLOGY = (
    "node_type",
    "engine",
    "engine_version",
    "parameter_group",
    "security_groups",
    "shards",
    "replicas_per_shard",
    "acl",
)
"""One UpdateCluster for each of these; AWS does not say which combine (fact 16)."""

CREATE_ONLY = ("port", "tls", "kms_key", "subnet_group", "data_tiering", "auto_minor_version_upgrade")
"""UpdateCluster does not have these (fact 5)."""

FIELDS = (*METADATA, *TOPOLOGY, "tags")

LOWER_CASE = ("acl", "subnet_group", "parameter_group", "maintenance_window", "engine")
"""Written in lower case by AWS, whatever goes in (fact 6)."""


def declared(settings: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """What is asked for among `fields`."""
    # Nested arguments that hold an Unknown come as they were written: a dict.
    take = settings.get if isinstance(settings, Mapping) else partial(getattr, settings)
    asked = {field: take(field) for field in fields}
    return {field: value for field, value in asked.items() if value is not None}


def same(field: str, wanted: Any, state: ClusterState) -> bool:
    """Whether the cluster already has `wanted`; normalised as AWS normalises it.

    Raises UnknownValue when that depends on what is known after apply only.
    """
    there = getattr(state, field)
    if field == "security_groups":
        return same_members(wanted, there, names_group)
    if field == "tags":
        return there is None or all(there.get(key) == value for key, value in wanted.items())
    if field == "engine_version":
        return _same_version(wanted, there, state.engine_patch_version)
    if field == "kms_key":
        return _same_key(wanted, there)
    if there is None and (state.status != "available" or field == "replicas_per_shard"):
        return True  # not told while it is created, or its shards are changed (fact 4): asked again later
    if there is None:
        return False
    if field in LOWER_CASE:
        return bool(wanted.lower() == there.lower())
    return bool(wanted == there)


def _same_version(wanted: str, version: str, patch: str | None) -> bool:
    """Compare as many parts as the operator gave; the third stands in the patch version (fact 20)."""
    asked = wanted.split(".")
    there = (patch or version).split(".") if len(asked) > 2 else version.split(".")
    return there[: len(asked)] == asked


def _same_key(wanted: str, there: str | None) -> bool:
    """A key goes in as id, alias or ARN and comes back as ARN (fact 7); what an alias means KMS alone knows."""
    if "alias/" in wanted:
        return there is not None
    return there is not None and (wanted == there or there.endswith(f"/{wanted}"))


def missing(wanted: Mapping[str, Any], state: ClusterState) -> dict[str, Any]:
    """What of `wanted` the cluster does not have."""
    return {field: value for field, value in wanted.items() if not same(field, value, state)}


def differences(settings: Settings, state: ClusterState) -> dict[str, Any]:
    """What is asked for, can be changed, and is not there."""
    return missing(declared(settings, FIELDS), state)


def reason(changed: Mapping[str, Any], state: ClusterState) -> str:
    """One sentence: what is asked for, what is there."""
    return "; ".join(f"{_shown(field, wanted, state)}" for field, wanted in changed.items())


def _shown(field: str, wanted: Any, state: ClusterState) -> str:
    label = field.replace("_", " ")
    if field in ("tags", "description"):
        return f"other {label} asked for"
    there = getattr(state, field)
    if field == "security_groups":
        wanted = ", ".join(wanted) if isinstance(wanted, list) else wanted
        there = ", ".join(group.name or group.id for group in there)
    return f"{label} {text(wanted)} asked for, {text(there)} there"


def text(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, Unknown):
        return "(known after apply)"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, "") else str(value)


# ---------------------------------------------------------------- what a change leaves


FOLLOW: Mapping[str, tuple[str, ...]] = {
    "shards": ("shard_details", "nodes"),
    "replicas_per_shard": ("shard_details", "nodes", "availability_mode"),
    "engine": ("engine_patch_version",),
    "engine_version": ("engine_patch_version",),
}
"""What changes with an argument, in ways that only AWS knows."""


def updated(state: ClusterState, changed: Mapping[str, Any]) -> ClusterState:
    """The cluster after `changed` is done; what follows from it in ways that only AWS knows is Unknown."""
    values: dict[str, Any] = dict(changed)
    if "security_groups" in values:
        values["security_groups"] = _groups_after(values["security_groups"], state)
    if "tags" in values:
        values["tags"] = {**(state.tags or {}), **values["tags"]}
    for field in changed:
        values |= {other: _later(state, other) for other in FOLLOW.get(field, ()) if other not in changed}
    return msgspec.structs.replace(state, **_as_kept(values), status="available")


def _later(state: ClusterState, field: str) -> Any:
    there = getattr(state, field)
    return there if isinstance(there, Unknown) else decided_later(state.name, field)


def _as_kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as AWS keeps them."""
    lower = {field: values[field].lower() for field in LOWER_CASE if isinstance(values.get(field), str)}
    return {**values, **lower}


def created(name: str, wanted: Mapping[str, Any]) -> ClusterState:
    """A cluster as it will be when it is created with `wanted`; AWS's defaults are from its documentation."""
    values: dict[str, Any] = {
        "port": 6379,
        "tls": True,
        "shards": 1,
        "replicas_per_shard": 1,
        "engine": "valkey",
    }
    values |= {"description": "", "sns_topic": "", "tags": {}, "data_tiering": False}
    values |= _as_kept(wanted)
    if wanted.get("security_groups") is not None:
        values["security_groups"] = _groups_after(wanted["security_groups"], ClusterState(name=name))
    undecided: dict[str, Any] = {
        field: decided_later(name, field)
        for field in ClusterState.__struct_fields__
        if field not in values and field not in ("name", "status", "kms_key", "ours")
    }
    return ClusterState(name=name, status="available", **values, **undecided)


def _groups_after(wanted: Any, state: ClusterState) -> Any:
    if isinstance(wanted, Unknown):
        return wanted
    there = state.security_groups or ()
    return tuple(
        next((group for group in there if names_group(reference, group)), None)
        or _group_named(state.name, reference)
        for reference in wanted
    )


def _group_named(cluster: str, reference: Any) -> SecurityGroup:
    if isinstance(reference, Unknown):
        unknown: Any = reference
        return SecurityGroup(id=unknown, name=unknown, tag=unknown, status="active")
    if is_id(reference, "sg"):
        return SecurityGroup(id=reference, name="", status="active")
    return SecurityGroup(
        id=decided_later(cluster, f"security group {reference}"), name=reference, status="active"
    )


def decided_later(cluster: str, field: str) -> Any:
    """What only AWS decides."""
    return later(f"{cluster_resource(cluster)} {field}")
