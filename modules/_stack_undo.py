"""What takes a change of a stack back: its old template, parameters and tags. What was in its resources is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.contract import Action, Change, Undo, UndoAnswer

from ._stack_template import MASKED

PASSING = frozenset({"id", "ours", "outputs", "status"})
"""They follow from the rest."""

_KEPT = ("name", "capabilities", "role_arn", "timeout")
"""Arguments that hold for the way back, too."""


def undo_of(arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
    """Delete what was created, update back what was updated."""
    name = arguments["name"]
    about = {key: arguments[key] for key in _KEPT if key in arguments}
    before, after = change.before, change.after
    if after is None:
        return f"stack {name} was deleted, and what it made with it"
    if change.action is Action.REPLACE:
        return f"what stack {name} replaced is gone"
    if before is None:
        loses = f"all that stack {name} made"
        return Undo(arguments={**about, "state": "absent", "termination_protection": False}, loses=loses)
    hidden = [key for key, value in before["parameters"].items() if value == MASKED]
    back = {
        "template_body": before["template"],
        "parameters": {key: value for key, value in before["parameters"].items() if key not in hidden},
        "tags": before["tags"],
        "termination_protection": before["termination_protection"],
    }
    left = ["resources that AWS replaced come back empty"]
    if told := [key for key in hidden if key in arguments.get("parameters", {})]:
        left.append(f"parameters that CloudFormation does not tell stay: {', '.join(told)}")
    return Undo(arguments={**about, **back}, left="; ".join(left))
