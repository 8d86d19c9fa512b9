"""What takes a change of a cluster or a subnet group back, as far as AWS lets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.contract import Change, Undo, UndoAnswer

from ._memorydb_settings import FIELDS

_ONE_WAY = ("engine", "engine_version")
"""These go up only."""

PASSING = frozenset(
    {"status", "ours", "nodes", "shard_details", "parameter_group_status", "engine_patch_version"}
)
"""Failovers and maintenance change these."""

GROUP_PASSING = frozenset({"arn", "vpc_id", "zones"})
"""They follow from the subnets."""


def undo_of(arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
    """Delete what was created, set back what was changed. Data that went with a cluster is gone."""
    name = arguments["name"]
    about = {"name": name, **{key: arguments[key] for key in ("timeout",) if key in arguments}}
    before, after = change.before, change.after
    if after is None:
        return _deleted(name, arguments)
    if before is None or before["status"] in ("deleting", "create-failed"):
        return Undo(
            arguments={**about, "state": "absent", "final_snapshot": "none"},
            loses=f"all data of cluster {name}",
            snapshot="final_snapshot",
        )
    changed = [field for field in FIELDS if before[field] != after[field]]
    back = {field: _argument(field, before) for field in changed if field not in _ONE_WAY}
    left = [f"{field} can't go down" for field in changed if field in _ONE_WAY]
    left += [f"{field} can't be taken away" for field, value in back.items() if _is_nothing(field, value)]
    if "tags" in back and (more := [key for key in after["tags"] or {} if key not in (before["tags"] or {})]):
        left.append(f"tags stay: {', '.join(more)}")
    back = {field: value for field, value in back.items() if not _is_nothing(field, value)}
    if not back:
        return f"of cluster {name}, {'; '.join(left) or 'nothing can be set back'}"
    return Undo(arguments={**about, **back}, left="; ".join(left))


def _deleted(name: str, arguments: Mapping[str, Any]) -> str:
    snapshot = arguments.get("final_snapshot")
    if snapshot in (None, "none"):
        return f"cluster {name} was deleted, and its data with it"
    return f"cluster {name} was deleted; its data is in snapshot {snapshot}, from which a new one can be made"


def _argument(field: str, before: Mapping[str, Any]) -> Any:
    """A field's value as the argument that asks for it."""
    value = before[field]
    return [group["id"] for group in value] if field == "security_groups" else value


def _is_nothing(field: str, value: Any) -> bool:
    """What can't be asked for: fields that are not told, and to have no security group or no tags any more."""
    return value is None or (field in ("security_groups", "tags") and not value)


# ---------------------------------------------------------------- subnet groups


def undo_of_group(arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
    """Delete what was created, create what was deleted, set back what was changed."""
    about = {key: arguments[key] for key in ("name", "timeout") if key in arguments}
    before, after = change.before, change.after
    if before is None:
        return Undo(arguments={**about, "state": "absent"})
    subnets = [subnet["id"] for subnet in before["subnets"]]
    if after is None:
        tags = before["tags"]
        whole = {"subnets": subnets, "description": before["description"], **({"tags": tags} if tags else {})}
        return Undo(arguments={**about, **whole}, left="" if tags is not None else "its tags were not read")
    back: dict[str, Any] = {}
    if before["subnets"] != after["subnets"]:
        back["subnets"] = subnets
    if before["description"] != after["description"]:
        back["description"] = before["description"]
    old, new = before["tags"] or {}, after["tags"] or {}
    if changed := {key: value for key, value in old.items() if new.get(key) != value}:
        back["tags"] = changed
    more = [key for key in new if key not in old]
    left = f"tags stay: {', '.join(more)}" if more else ""
    if not back:
        return f"of subnet group {before['name']}, {left or 'nothing can be set back'}"
    return Undo(arguments={**about, **back}, left=left)
