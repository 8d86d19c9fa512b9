"""Put a host into a group that is named by what is known of it, for the rest of the run.

- group_by:
    key: "os_{{ ansible_distribution }}"
    parents: [systems]

Spaces in names become `-`, as in Ansible.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, field
from runbook.contract import AddHost, Decision, Params, Scope
from runbook.values import Unknown

from ._unknowns import first_unknown


class GroupByParams(Params, frozen=True, kw_only=True):
    key: Annotated[str, Meta(description="The group's name.")]
    parents: Annotated[list[str], Meta(description="Groups that it belongs to.")] = field(
        default_factory=lambda: ["all"]
    )


class GroupBy:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = GroupByParams

    def compute(self, params: GroupByParams, scope: Scope) -> Decision:
        unknown = first_unknown(params.key, params.parents)
        if unknown is not None:
            return Decision(undecided=f"which group it is depends on {Unknown.describe(unknown)}")
        host, known = scope.get("inventory_hostname"), scope.get("groups")
        group = params.key.replace(" ", "-")
        parents = [parent.replace(" ", "-") for parent in params.parents]
        return Decision(
            result={"add_group": group, "parent_groups": parents},
            changed=any(host not in known.get(name, ()) for name in (group, *parents)),
            directive=AddHost(host, (group, *(parent for parent in parents if parent != "all"))),
        )
