"""Changes of files that depend on values which only the run will bring."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from runbook.contract import Action, Change
from runbook.values import Unknown, UnknownValue

from ._files_world import resource

Plan = TypeVar("Plan", bound=Callable[[Any, Any, Any], Change])


def open_where_unknown(path: Callable[[Any], str | None]) -> Callable[[Plan], Plan]:
    """A module's `plan` that tells which file it can't decide about (`path`, of what it saw), so that later steps
    take that one for no longer known."""

    def wrap(plan: Plan) -> Plan:
        @functools.wraps(plan)
        def planned(self: Any, params: Any, observed: Any) -> Change:
            try:
                return plan(self, params, observed)
            except UnknownValue as error:
                place = path(observed)
                if place is None:
                    raise
                reason = f"depends on {Unknown.describe(error.unknown)}"
                return Change(action=Action.UNDECIDED, resource=resource(place), reason=reason)

        return cast(Plan, planned)

    return wrap
