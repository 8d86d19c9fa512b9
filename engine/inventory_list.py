"""`runbook inventory`: an inventory as JSON in Ansible's shape, or as a tree."""

from __future__ import annotations

from typing import Any

import msgspec

from .model import Inventory
from .values import MASK, Expression, Secret, SourceFloat, SourceInt, Template


def as_json(inventory: Inventory) -> str:
    """`_meta.hostvars` and each group's hosts; templates as they are written."""
    named = {host for hosts in inventory.groups.values() for host in hosts}
    listed: dict[str, Any] = {
        "_meta": {"hostvars": {name: _shown(dict(inventory.hosts[name].vars)) for name in sorted(named)}}
    }
    listed |= {group: {"hosts": list(hosts)} for group, hosts in inventory.groups.items()}
    return msgspec.json.format(msgspec.json.encode(listed, enc_hook=str)).decode()


def as_graph(inventory: Inventory) -> str:
    lines = []
    for group, hosts in inventory.groups.items():
        lines.append(f"@{group}:")
        lines += [f"  |--{host}" for host in hosts]
    return "\n".join(lines)


def _shown(value: Any) -> Any:
    if isinstance(value, Template | Expression):
        return value.source
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, SourceInt | SourceFloat):
        return value.text
    if isinstance(value, dict):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value
