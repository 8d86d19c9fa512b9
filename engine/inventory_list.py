"""`runbook inventory --list` and `--host`: JSON as inventory scripts print it, or a YAML inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .inventory_text import ALL
from .inventory_view import View
from .values import Vaulted


def as_json(view: View, limit: str = "") -> str:
    """`_meta.hostvars`, and each group's own hosts and children.

    Raises UsageError for a limit that names nobody.
    """
    kept = view.within(limit)
    variables = {host: values for host in kept if (values := view.of_host(host))}
    listed: dict[str, Any] = {"_meta": {"hostvars": variables, "profile": "inventory_legacy"}}
    for name, group in view.inventory.tree.items():
        told: dict[str, Any] = {
            "hosts": [host for host in group.hosts if host in kept],
            "children": list(group.children),
            "vars": view.of_group(name) if view.export else {},
        }
        filled = {key: value for key, value in told.items() if value}
        if filled:
            listed[name] = filled
    return _json(listed)


def as_yaml(view: View, limit: str = "") -> str:
    """An inventory file in YAML. A host's variables, and what a group holds, stand where they first come up.

    Raises UsageError for a limit that names nobody.
    """
    return _yaml(_Tree(view, view.within(limit)).of(ALL))


def as_host(view: View, name: str, *, yaml: bool = False) -> str:
    """The variables of one host. Raises UsageError when there is none of that name."""
    return (_yaml if yaml else _json)(view.of_host(name))


class _Tree:
    """Groups inside of groups."""

    def __init__(self, view: View, kept: frozenset[str]) -> None:
        self._view = view
        self._kept = kept
        self._seen: set[str] = set()
        self._groups: set[str] = set()

    def of(self, name: str) -> dict[str, Any]:
        """The group under its name; nothing for one that holds nothing."""
        if name in self._groups:
            return {name: {}}
        self._groups.add(name)
        group = self._view.inventory.tree[name]
        children: dict[str, Any] = {}
        for child in group.children:
            children |= self.of(child)
        told = {
            "children": children,
            "hosts": {host: self._host(host) for host in group.hosts if host in self._kept},
            "vars": self._view.of_group(name) if self._view.export else {},
        }
        filled = {key: value for key, value in told.items() if value}
        return {name: filled} if filled else {}

    def _host(self, name: str) -> dict[str, Any]:
        if name in self._seen:
            return {}
        self._seen.add(name)
        return self._view.of_host(name)


def _json(value: Any) -> str:
    return json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False, default=_in_json)


def _in_json(value: Any) -> Any:
    return {"__ansible_vault": _sealed(value)} if isinstance(value, Vaulted) else str(value)


def _sealed(value: Vaulted) -> str:
    return value.source.rstrip("\n") + "\n"


def _yaml(value: Mapping[str, Any]) -> str:
    import yaml

    from .filters_yaml import Dumper

    class Written(Dumper):
        def ignore_aliases(self, _value: Any) -> bool:
            return True

    Written.add_representer(Vaulted, lambda to, own: to.represent_scalar("!vault", _sealed(own), style="|"))
    text: str = yaml.dump(value, Dumper=Written, allow_unicode=True, default_flow_style=False)
    return text.rstrip("\n")
