"""Put a host into the inventory of this run, for the plays that follow.

- add_host:
    name: "{{ instance.id }}"
    groups: [lab]
    purpose: client

It changes nothing in the world, and so never counts as changed. Played again, it adds the host again.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, field
from runbook.contract import REST, Decision, Params, Scope
from runbook.contract import AddHost as NewHost
from runbook.values import Unknown

from ._unknowns import first_unknown


class AddHostParams(Params, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="The host's name.")]
    groups: Annotated[list[str], Meta(description="Groups to put it in.")] = field(default_factory=list)
    vars: Annotated[dict[str, Any], REST, Meta(description="Its variables.")] = field(default_factory=dict)


class AddHost:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = AddHostParams

    def compute(self, params: AddHostParams, scope: Scope) -> Decision:
        unknown = first_unknown(params.name, params.groups)
        if unknown is not None:
            return Decision(undecided=f"which host it is depends on {Unknown.describe(unknown)}")
        added = NewHost(params.name, tuple(params.groups), params.vars)
        told = {"host_name": params.name, "groups": params.groups, "host_vars": params.vars}
        return Decision(result={"add_host": told}, directive=added)
