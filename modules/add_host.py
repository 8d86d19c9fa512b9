"""Put a host into the inventory of this run, for the tasks and plays that follow.

- add_host:
    name: "{{ instance.id }}"
    groups: [lab]
    purpose: client

It is done once for all hosts of the play. It counts as changed when the host, a group of it or a variable is new to
this run, as in Ansible; the world is not touched. Played again, it adds the host again.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from msgspec import Meta, field
from runbook.contract import REST, Decision, Params, Scope
from runbook.contract import AddHost as NewHost
from runbook.errors import Failed
from runbook.values import Secret, Unknown

from ._unknowns import first_unknown

_WITH_PORT = re.compile(r"(?P<name>[^:]+|\[[^\]]+\]):(?P<port>\d+)")


class AddHostParams(Params, frozen=True, kw_only=True):
    name: Annotated[str | None, Meta(description="The host's name; a port may stand behind a colon.")] = None
    hostname: Annotated[str | None, Meta(description="The same.")] = None
    host: Annotated[str | None, Meta(description="The same; it becomes a variable as well.")] = None
    groups: Annotated[list[str], Meta(description="Groups to put it in.")] = field(default_factory=list)
    groupname: Annotated[list[str], Meta(description="The same.")] = field(default_factory=list)
    group: Annotated[list[str] | None, Meta(description="The same; it becomes a variable as well.")] = None
    vars: Annotated[dict[str, Any], REST, Meta(description="Its variables.")] = field(default_factory=dict)


class AddHost:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    run_once: ClassVar[bool] = True
    Params: ClassVar[type[Params]] = AddHostParams

    def compute(self, params: AddHostParams, scope: Scope) -> Decision:
        written = (params.name, params.hostname, params.host)
        groups = [*params.groupname, *params.groups, *(params.group or [])]
        unknown = first_unknown(*written, *groups)
        if unknown is not None:
            return Decision(undecided=f"which host it is depends on {Unknown.describe(unknown)}")
        name = next((one for one in written if one), None)
        if name is None:
            raise Failed("name, host or hostname needs to be provided")
        found = _WITH_PORT.fullmatch(name)
        port = {"ansible_ssh_port": int(found["port"])} if found else {}
        name = found["name"] if found else name
        variables = {**params.vars, **_quirks(params), **port}
        told = {"host_name": name, "groups": groups, "host_vars": variables}
        return Decision(
            result={"add_host": told},
            changed=_is_new(name, groups, variables, scope),
            directive=NewHost(name, tuple(groups), variables),
        )


def _quirks(params: AddHostParams) -> dict[str, Any]:
    """Two of the other names are variables of the host as well, as in Ansible."""
    found: dict[str, Any] = {"host": params.host} if params.host is not None else {}
    if params.group is not None:
        found["group"] = params.group[0] if len(params.group) == 1 else params.group
    return found


def _is_new(name: str, groups: list[str], variables: dict[str, Any], scope: Scope) -> bool:
    """Whether the run does not know all of it."""
    hosts, members = scope.get("hostvars"), scope.get("groups")
    if name not in hosts or any(name not in members.get(group, ()) for group in groups):
        return True
    known = hosts[name]
    return any(
        key not in known or Secret.reveal(known[key]) != Secret.reveal(value)
        for key, value in variables.items()
    )
