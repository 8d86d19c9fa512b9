"""Keep numbers and words for the end of the run, where they are shown as custom stats.

- set_stats:
    data: {upgraded: 1}
    per_host: true

Values of the same name add up: numbers are added, lists and texts joined, mappings merged; with `aggregate: false`
the last one counts.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, field
from runbook.contract import CustomStats, Decision, Params, Scope
from runbook.errors import Failed
from runbook.values import Secret, Unknown

from ._unknowns import first_unknown


class SetStatsParams(Params, frozen=True, kw_only=True):
    data: Annotated[Any, Meta(description="Names and values.")] = field(default_factory=dict)
    per_host: Annotated[bool, Meta(description="Kept apart for each host.")] = False
    aggregate: Annotated[bool, Meta(description="Values of the same name add up.")] = True


class SetStats:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = SetStatsParams

    def compute(self, params: SetStatsParams, scope: Scope) -> Decision:
        data = Secret.reveal(params.data)
        unknown = first_unknown(data)
        if unknown is not None:
            return Decision(undecided=f"what they are depends on {Unknown.describe(unknown)}")
        if not isinstance(data, dict):
            raise Failed("The 'data' option needs to be a dictionary/hash")
        for name in data:
            if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
                raise Failed(
                    f"Invalid variable name '{name}'.", hint="Letters, digits and _ only; no digit first."
                )
        told = {"data": params.data, "per_host": params.per_host, "aggregate": params.aggregate}
        host = scope.get("inventory_hostname") if params.per_host else None
        return Decision(
            result={"ansible_stats": told}, directive=CustomStats(data, host=host, aggregate=params.aggregate)
        )
