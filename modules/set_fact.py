"""Set variables for the rest of the run.

- set_fact:
    endpoint: "{{ cluster.endpoint.address }}"
"""

from __future__ import annotations

import keyword
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import REST, Decision, Params, Scope
from runbook.errors import Failed


class SetFactParams(Params, frozen=True, kw_only=True):
    facts: Annotated[dict[str, Any], REST, Meta(description="Names and values.")]
    cacheable: Annotated[bool, Meta(description="Keep them among `ansible_facts`, too.")] = False


class SetFact:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = SetFactParams

    def compute(self, params: SetFactParams, scope: Scope) -> Decision:
        if not params.facts:
            raise Failed("set_fact was given nothing to set")
        for name in params.facts:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise Failed(f"'{name}' can't be the name of a variable: letters, digits and _ only")
        kept = params.facts if params.cacheable else {}
        return Decision(result={"ansible_facts": params.facts}, facts=params.facts, host_facts=kept)
