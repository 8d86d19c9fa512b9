"""`runbook inventory`: an inventory as JSON in Ansible's shape, or its groups with their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .errors import UsageError, nearest
from .inventory import ABOUT_SOURCE
from .model import Inventory
from .patterns import check_limit
from .secret_names import boxed
from .values import MASK, Expression, Secret, SourceFloat, SourceInt, Template, Vaulted

_LARGEST = 2**63
"""Integers from here on travel as text."""


def within(inventory: Inventory, limit: str) -> Inventory:
    """The part of it that `--limit` names. Raises UsageError when that is nobody."""
    if not limit:
        return inventory
    kept = check_limit(limit, inventory)
    groups = {name: tuple(host for host in hosts if host in kept) for name, hosts in inventory.groups.items()}
    hosts = {name: host for name, host in inventory.hosts.items() if name in kept}
    return Inventory(hosts, {name: hosts for name, hosts in groups.items() if hosts})


def as_json(inventory: Inventory) -> str:
    """`_meta.hostvars` and each group's hosts; templates as they are written, secrets masked."""
    named = {host for hosts in inventory.groups.values() for host in hosts}
    variables = {
        name: _shown(boxed(_own(inventory.hosts[name].vars), "inventory"))
        for name in inventory.hosts
        if name in named
    }
    listed: dict[str, Any] = {"_meta": {"hostvars": variables}}
    listed |= {group: {"hosts": list(hosts)} for group, hosts in inventory.groups.items()}
    return msgspec.json.format(msgspec.json.encode(listed, enc_hook=str)).decode()


def as_host(inventory: Inventory, name: str) -> str:
    """The variables of one host. Raises UsageError when there is none of that name."""
    if name not in inventory.hosts:
        hint = nearest(name, inventory.hosts) or "`runbook inventory --graph` shows who is there."
        raise UsageError(f"The inventory has no host '{name}'", hint=hint)
    shown = _shown(boxed(_own(inventory.hosts[name].vars), "inventory"))
    return msgspec.json.format(msgspec.json.encode(shown, enc_hook=str)).decode()


def _own(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in ABOUT_SOURCE}


def as_graph(inventory: Inventory) -> str:
    """`@group:` and its hosts below, those of its children included."""
    lines = []
    for group, hosts in inventory.groups.items():
        lines.append(f"@{group}:")
        lines += [f"  |--{host}" for host in hosts]
    return "\n".join(lines)


def _shown(value: Any) -> Any:
    if isinstance(value, Vaulted):
        return {"__ansible_vault": value.source}
    if isinstance(value, Template | Expression):
        return value.source
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, SourceInt | SourceFloat):
        return value.text
    if isinstance(value, Mapping):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    return value
