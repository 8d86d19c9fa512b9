"""Set variables of a host for the rest of the run.

- set_fact:
    endpoint: "{{ cluster.endpoint.address }}"

Values keep their types; written as `key=value` they are text. With `cacheable: true` they join `ansible_facts` as
well.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import REST, Decision, Params, Scope
from runbook.errors import Failed

_WORDS = frozenset({"True", "False", "None"})
"""What an expression would not take for a name."""


class SetFactParams(Params, frozen=True, kw_only=True):
    facts: Annotated[dict[str, Any], REST, Meta(description="Names and values.")]
    cacheable: Annotated[bool, Meta(description="They are facts of the host, too: `ansible_facts`.")] = False


class SetFact:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = SetFactParams

    def compute(self, params: SetFactParams, scope: Scope) -> Decision:
        if not params.facts:
            raise Failed("No key/value pairs provided, at least one is required for this action to succeed")
        for name in params.facts:
            if not (name.isascii() and name.isidentifier()) or name in _WORDS:
                raise Failed(
                    f"Invalid variable name '{name}'.", hint="Letters, digits and _ only; no digit first."
                )
        return Decision(
            result={"ansible_facts": params.facts},
            facts=params.facts,
            host_facts=params.facts if params.cacheable else {},
        )
