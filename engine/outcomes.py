"""Outcomes that are not a module's own: undecided, skipped, given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .model import NO_VARS, Action, Change, Outcome, Status
from .values import Expression, Unknown


def undecided(why: str, known: Mapping[str, Any] = NO_VARS, changes: tuple[Change, ...] = ()) -> Outcome:
    """Of a step of a dry run that depends on what the run will bring. `known`: fields that are told anyway."""
    changes = changes or (Change(action=Action.UNDECIDED, reason=why),)
    return Outcome(status=Status.CHANGED, result=_UnknownResult(why, known), changes=changes)


class _UnknownResult(dict[str, Any]):
    """What `register` holds of a step that can't be decided before the run: every field is Unknown."""

    def __init__(self, why: str, known: Mapping[str, Any]) -> None:
        super().__init__({**known, "changed": Unknown(why), "failed": False, "skipped": Unknown(why)})
        self._why = why

    def __missing__(self, key: str) -> Unknown:
        return Unknown(f"{self._why}: {key}")

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 (dict's own signature)
        return self[key]


def skipped(condition: Expression) -> Outcome:
    """Of a step whose `when` did not hold."""
    result = {
        "changed": False,
        "failed": False,
        "skipped": True,
        "skip_reason": "Conditional result was False",
        "false_condition": condition.source,
    }
    return Outcome(status=Status.SKIPPED, result=result)


def gave_up(outcome: Outcome, tries: int) -> Outcome:
    """Of a step whose `until` never held."""
    told = outcome.result.get("msg")
    message = f"`until` did not hold after {tries} tries" + (f": {told}" if told else "")
    result = {**outcome.result, "failed": True, "msg": message}
    return replace(outcome, status=Status.FAILED, result=result, notified=(), directives=())
