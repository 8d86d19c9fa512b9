"""What a step had planned before its first effect: by this it is told when a kill came between the two records.

After a kill the world may be as wanted, or half of the way there, and a new plan says less than the step did. So
the plan is written down with the first effect, and what is told in the end goes from before the first try to after
the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from .model import Action, Change
from .plain import plain
from .values import contains_unknown

Changes: TypeAlias = tuple[Change, ...]


def plan_of(change: Change) -> Changes:
    """The change and those that belong to it, as they are written down.

    The first one keeps its result where that tells what is done (`line added`): a result that tells what is there
    then can be read again.
    """
    about_the_world = change.before if change.after is None else change.after
    tells = change.result is not None and type(change.result) is not type(about_the_world)
    told = plain(change.result) if tells else None
    kept = told if isinstance(told, Mapping) and not contains_unknown(told) else None
    also = (one for one in change.also if one.resource is not None)
    return (replace(change, also=(), result=kept, checked=None), *also)


def reopened(planned: Changes) -> Changes:
    """Of a step that failed and is run again as a whole: only what was there before it still stands."""
    return tuple(replace(one, after=None, result=None) for one in planned)


def joined(earlier: Changes, now: Sequence[Change]) -> Changes:
    """One change for each resource: what was there before all of it, and what is there after it."""
    later = {one.resource: one for one in now}
    told = [
        replace(one, **_later(later[one.resource])) if _is_open(one) and one.resource in later else one
        for one in earlier
    ]
    known = {one.resource for one in earlier}
    return (*told, *(one for one in now if one.resource not in known and one.action.changes))


def _is_open(change: Change) -> bool:
    return change.after is None and change.action is not Action.DELETE


def _later(change: Change) -> dict[str, Any]:
    told = {"result": change.result, "reason": change.reason, "warnings": change.warnings}
    return {"after": plain(change.after), **told}
