"""What declares the records of a cluster as they were before a step wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runbook.contract import Change, Undo, UndoAnswer

from . import _valkey_json as documents
from ._valkey_records import ABSENT, ROOT

_ABOUT = frozenset({"records", "commands", "keys"})


def put_back(arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
    """The records that differ, as they were; those that can't be declared are told as left."""
    if arguments.get("records") is None:
        return "nothing tells what commands changed"
    there, then = change.before["records"], change.after["records"]
    back, left = [], []
    for record in arguments["records"]:
        key, path = record["key"], record.get("path", ROOT)
        name = key if path == ROOT else f"{key} {path}"
        if name not in there or there[name] == then.get(name):
            continue
        as_it_was = _declared(there[name])
        if as_it_was is None:
            left.append(f"the {there[name]['kind']} that {name} held was not kept")
        else:
            back.append({"key": key, **({} if path == ROOT else {"path": path}), **as_it_was})
    if not back:
        return "; ".join(left) or "no record was changed"
    about = {name: value for name, value in arguments.items() if name not in _ABOUT}
    return Undo(arguments={**about, "records": back}, left="; ".join(left))


def _declared(state: Mapping[str, Any]) -> dict[str, Any] | None:
    """How a record asks for a state; None: it can't, or it would come back as another one."""
    kind, value = state["kind"], state["value"]
    if kind == ABSENT:
        return {"absent": True}
    if value is None:
        return None
    if kind == "string":
        return {"string": value}
    if kind != "json":
        return None
    held = json.loads(value)
    exact = documents.equal(documents.parse(documents.to_text(held)), documents.parse(value))
    return {"json": held} if exact else None
