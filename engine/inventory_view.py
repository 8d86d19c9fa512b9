"""What `runbook inventory` shows of an inventory: hosts and groups with their variables, secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import UsageError, nearest
from .inventory import ABOUT_SOURCE
from .inventory_vars import HostVars
from .model import Host, Inventory, Value
from .patterns import check_limit
from .secret_names import boxed
from .values import MASK, Expression, Secret, SourceFloat, SourceInt, Template, Vaulted


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An inventory as it is shown. Variables are shown as they are written: templates are not rendered, and
    `!vault` values stay `Vaulted`."""

    inventory: Inventory
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    """They win over the variables of all hosts."""
    export: bool = False
    """Each variable where it is set: hosts have their own only, groups have theirs."""

    def within(self, limit: str) -> frozenset[str]:
        """The hosts of its sources that `--limit` names. Raises UsageError when that is nobody."""
        known = {name for name, host in self.inventory.hosts.items() if not host.implicit}
        return frozenset(known & check_limit(limit, self.inventory) if limit else known)

    def of_host(self, name: str) -> dict[str, Any]:
        """The variables of a host. Raises UsageError when there is none of that name."""
        host = self.inventory.hosts.get(name)
        if host is None:
            hint = nearest(name, self.inventory.hosts) or "`runbook inventory --graph` shows who is there."
            raise UsageError(f"The inventory has no host '{name}'", hint=hint)
        return _shown_vars(_own(host) if self.export else {**host.vars, **self.extra_vars})

    def of_group(self, name: str) -> dict[str, Any]:
        """The variables that a group itself has."""
        return _shown_vars(self.inventory.tree[name].vars)


def _own(host: Host) -> Mapping[str, Value]:
    return host.vars.own if isinstance(host.vars, HostVars) else {}


def _shown_vars(variables: Mapping[str, Value]) -> dict[str, Any]:
    kept = {name: value for name, value in variables.items() if name not in ABOUT_SOURCE}
    return {str(name): _shown(value) for name, value in boxed(kept, "inventory").items()}


def _shown(value: Any) -> Any:
    if isinstance(value, Vaulted):
        return value
    if isinstance(value, Template | Expression):
        return value.source
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, SourceInt):
        return int(value)
    if isinstance(value, SourceFloat):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value
