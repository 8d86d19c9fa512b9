"""Whether a change that is only planned could be taken back: what the module says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .contract_undo import can_undo
from .model import Action, Change
from .plain import plain
from .values import Unknown


def lasting(module: Any, name: str, arguments: Mapping[str, Any], change: Change) -> str:
    """Why nothing takes the change back; empty: something does, as far as can be told before the run.

    `arguments`: those that the module is called with, secrets boxed.
    """
    if not change.action.changes or change.action is Action.UNDECIDED:
        return ""
    if not can_undo(module):
        return f"{name} knows no way back"
    known = {key: value for key, value in _settled(arguments).items() if value is not None}
    seen = replace(
        change, before=_settled(plain(change.before)), after=_settled(plain(change.after)), result=None
    )
    try:
        answer = module.undo(known, seen)
    except Exception:  # noqa: BLE001 (a mistake in a module's `undo` costs no plan: it shows when undo is asked for)
        return ""
    return answer if isinstance(answer, str) else ""


def _settled(value: Any) -> Any:
    """What is not known yet is None, as in a journal's plain data."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        return {key: _settled(item) for key, item in value.items()}
    return [_settled(item) for item in value] if isinstance(value, list) else value
