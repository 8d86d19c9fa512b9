"""Changing a cluster: one topology change a call, each waited for until it is done *and* as asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.contract import Context, Finding, Intent, Landed
from runbook.errors import Failed

from ._aws import ServiceError, tag_list
from ._effects import once, shows
from ._memorydb import SETTLE, cluster_state, describe_cluster, read_cluster, read_tags, snapshot_is_there
from ._memorydb_settings import METADATA, TOPOLOGY, missing, reason
from ._memorydb_states import RUN_TAG, STEP_TAG, ClusterState
from ._memorydb_wait import wait, when_available, when_deletable
from ._network import find_groups, is_id

QUOTA = "Ask for a higher quota in Service Quotas, or delete what is not needed."

HINTS = {
    "InsufficientClusterCapacityFault": "AWS has no free nodes of this type there now: try again later, or another "
    "node type.",
    "ServiceLinkedRoleNotFoundFault": "The first use of MemoryDB in an account makes its service-linked role: "
    "allow iam:CreateServiceLinkedRole, then run it again.",
    "ClusterQuotaForCustomerExceededFault": QUOTA,
    "NodeQuotaForCustomerExceededFault": QUOTA,
    "NodeQuotaForClusterExceededFault": QUOTA,
    "ShardsPerClusterQuotaExceededFault": QUOTA,
    "SnapshotAlreadyExistsFault": "Give `final_snapshot` a name that no snapshot has yet.",
    "SubnetGroupNotFoundFault": "Make it before with `memorydb_subnet_group`.",
}

CREATE_NAMES = {
    "node_type": "NodeType",
    "engine": "Engine",
    "engine_version": "EngineVersion",
    "parameter_group": "ParameterGroupName",
    "acl": "ACLName",
    "shards": "NumShards",
    "replicas_per_shard": "NumReplicasPerShard",
    "subnet_group": "SubnetGroupName",
    "port": "Port",
    "tls": "TLSEnabled",
    "kms_key": "KmsKeyId",
    "data_tiering": "DataTiering",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "maintenance_window": "MaintenanceWindow",
    "snapshot_window": "SnapshotWindow",
    "snapshot_retention_limit": "SnapshotRetentionLimit",
    "sns_topic": "SnsTopicArn",
    "description": "Description",
}
"""CreateCluster's names of our arguments; UpdateCluster's differ for some (fact 3)."""


def update_args(field: str, value: Any) -> dict[str, Any]:
    """UpdateCluster's parameters that set `field`."""
    if field == "shards":
        return {"ShardConfiguration": {"ShardCount": value}}
    if field == "replicas_per_shard":
        return {"ReplicaConfiguration": {"ReplicaCount": value}}
    if field == "security_groups":
        return {"SecurityGroupIds": value}
    if field == "sns_topic":  # turned off by its status, not by an empty ARN (fact 9)
        return {"SnsTopicArn": value, "SnsTopicStatus": "ACTIVE"} if value else {"SnsTopicStatus": "INACTIVE"}
    return {CREATE_NAMES[field]: value}


# ---------------------------------------------------------------- creating


def create(ctx: Context, name: str, wanted: Mapping[str, Any]) -> None:
    """Create the cluster with our tags on it; done when AWS has accepted it, or had before the answer was lost."""
    settings = dict(wanted)
    tags = settings.pop("tags", None) or {}
    groups = settings.pop("security_groups", None)
    args: dict[str, Any] = {CREATE_NAMES[field]: value for field, value in settings.items()}
    if groups:
        args["SecurityGroupIds"] = group_ids(ctx, groups)
    args.setdefault("Engine", "valkey")  # what AWS takes when it is left out is not documented

    def call(intent: Intent) -> None:
        ours = {RUN_TAG: ctx.run, STEP_TAG: intent.token}
        made = {"ClusterName": name, "Tags": tag_list({**tags, **ours}), **args}
        try:
            once(ctx, "memorydb", lambda memorydb: memorydb.create_cluster(**made))
        except ServiceError as error:
            if error.code != "ClusterAlreadyExistsFault" or not _made_by(ctx, name):
                raise advised(error) from error

    ctx.effect("create", call, find=lambda intent: _find_created(ctx, name, intent))


def _made_by(ctx: Context, name: str) -> bool:
    """Whether this run made the cluster: a first try may have got through though its answer was lost."""
    raw = describe_cluster(ctx, name)
    tags = read_tags(ctx, raw["ARN"]) if raw else {}
    return tags is None or tags.get(RUN_TAG) == ctx.run


def _find_created(ctx: Context, name: str, intent: Intent) -> Finding[None]:
    if describe_cluster(ctx, name) is not None:
        if _made_by(ctx, name):
            return Landed(None)
        raise Failed(f"Somebody else made a cluster {name} meanwhile.", hint="Run it again to take that one.")
    return shows(False, ctx, intent, SETTLE)


# ---------------------------------------------------------------- updating


def update(
    ctx: Context, before: ClusterState, changed: Mapping[str, Any], timeout: float, *, wait_last: bool
) -> None:
    """Make `changed` true, in an order in which the data fits at every moment (fact 16)."""
    name = before.name
    values = dict(changed)
    if "security_groups" in values:
        values["security_groups"] = group_ids(ctx, values["security_groups"])
    tags = values.pop("tags", None)
    now = wait(ctx, name, timeout)
    values = missing(values, now)  # an earlier part of this run, or whoever kept it busy, may have done some
    if tags is not None:
        _retag(ctx, name, before.arn or "", tags, timeout)
    groups = [{field: values[field] for field in METADATA if field in values}]
    groups += [{field: values[field] for field in one} for one in topology_order(ctx, name, values, now)]
    steps = [step for step in groups if step]
    for step in steps:
        _update_one(ctx, name, step, timeout)
        if wait_last or step is not steps[-1]:
            wait(ctx, name, timeout, step)


def topology_order(
    ctx: Context, name: str, values: Mapping[str, Any], now: ClusterState
) -> list[tuple[str, ...]]:
    """Fields of `values` in the order of their calls: node type first, unless shards are added to smaller nodes,
    replicas late, access list last. A new engine goes with its version."""
    order = [field for field in TOPOLOGY if field in values]
    if "node_type" in order:
        down = allowed_node_types(ctx, name, values["node_type"])
        if down and values.get("shards", 0) > (now.shards or 0):
            order.remove("shards")
            order.insert(0, "shards")
    if "engine" in order and "engine_version" in order:
        order.remove("engine_version")
        return [("engine", "engine_version") if field == "engine" else (field,) for field in order]
    return [(field,) for field in order]


def allowed_node_types(ctx: Context, name: str, wanted: str) -> bool:
    """Whether `wanted` is a step down. Raises Failed when AWS does not allow it at all (fact 21)."""
    answer = ctx.client("memorydb").list_allowed_node_type_updates(ClusterName=name)
    up, down = answer.get("ScaleUpNodeTypes", []), answer.get("ScaleDownNodeTypes", [])
    if wanted not in up and wanted not in down:
        allowed = ", ".join(sorted({*up, *down})) or "none"
        raise Failed(f"Cluster {name} can't change to node type {wanted}; AWS allows: {allowed}.")
    return wanted in down


def group_ids(ctx: Context, references: Any) -> list[str]:
    """Ids of security groups; names are looked up only where there are any."""
    if all(is_id(reference, "sg") for reference in references):
        return list(references)
    return [group.id for group in find_groups(ctx, references)]


def _update_one(ctx: Context, name: str, step: Mapping[str, Any], timeout: float) -> None:
    args: dict[str, Any] = {}
    for field, value in step.items():
        args |= update_args(field, value)

    def call(_: Intent) -> None:
        once(ctx, "memorydb", lambda memorydb: memorydb.update_cluster(ClusterName=name, **args))

    def find(intent: Intent) -> Finding[None]:
        raw = describe_cluster(ctx, name)
        if raw is None:
            raise Failed(f"Cluster {name} is gone.")
        state = cluster_state(raw, {})
        if state.status == "snapshotting":  # says nothing of an update: it was accepted before, or not at all
            state = wait(ctx, name, timeout)
        landed = state.status != "available" or not missing(step, state)
        return shows(landed, ctx, intent, SETTLE)

    try:
        when_available(ctx, name, timeout, lambda: ctx.effect(f"update {', '.join(step)}", call, find=find))
    except ServiceError as error:
        if error.code != "NoOperationFault":  # already so (fact 17)
            raise advised(error) from error


def _retag(ctx: Context, name: str, arn: str, tags: Mapping[str, str], timeout: float) -> None:
    def call(_: Intent) -> None:
        asked = {"ResourceArn": arn, "Tags": tag_list(tags)}
        once(ctx, "memorydb", lambda memorydb: memorydb.tag_resource(**asked))

    def find(intent: Intent) -> Finding[None]:
        there = read_tags(ctx, arn) or {}
        return shows(tags.items() <= there.items(), ctx, intent, SETTLE)

    when_available(ctx, name, timeout, lambda: ctx.effect("tag", call, find=find))


# ---------------------------------------------------------------- deleting


def delete(ctx: Context, name: str, snapshot: str | None, timeout: float) -> None:
    """Have the cluster deleted, with a final snapshot unless None; it takes a while to be gone (fact 27)."""
    args = {"FinalSnapshotName": snapshot} if snapshot else {}

    def call(_: Intent) -> None:
        once(ctx, "memorydb", lambda memorydb: memorydb.delete_cluster(ClusterName=name, **args))

    def find(intent: Intent) -> Finding[None]:
        raw = describe_cluster(ctx, name)
        status = "deleting" if raw is None else raw.get("Status")
        begun = status == "deleting" or (
            status == "snapshotting" and snapshot is not None and snapshot_is_there(ctx, snapshot)
        )
        return shows(begun, ctx, intent, SETTLE)

    try:
        when_deletable(ctx, name, timeout, lambda: ctx.effect("delete", call, find=find))
    except ServiceError as error:
        raise advised(error) from error


# ---------------------------------------------------------------- after it


def advised(error: ServiceError) -> Failed:
    """The refusal with advice, where we have some."""
    if error.code not in HINTS:
        return error
    return ServiceError(error.service, error.operation, error.code, error.text, hint=HINTS[error.code])


def read_back(ctx: Context, name: str, asked: Mapping[str, Any] | None = None) -> ClusterState:
    """The cluster as it is now. Raises Failed when it has not all that was `asked`; warns when its replicas do not
    make it highly available (fact 22)."""
    state = read_cluster(ctx, name)
    if state is None:
        return ClusterState(name=name, status="absent")
    left = missing(asked or {}, state)
    if left:
        raise Failed(
            f"Cluster {name} is not as asked: {reason(left, state)}.", hint="Run it again to change it."
        )
    zones: dict[str, set[str]] = {}
    for node in state.nodes:
        zones.setdefault(node.shard, set()).add(node.zone)
    alone = sorted(shard for shard, where in zones.items() if len(where) < 2)
    if state.replicas_per_shard and alone and state.status == "available":
        ctx.warn(f"all nodes of shard {', '.join(alone)} are in one zone: they do not survive the loss of it")
    return state
