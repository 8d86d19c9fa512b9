"""Inventory files that name a plugin: `constructed`, and those of the modules' room, found by their name."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .contract import ClientFactory, FoundHost, Target
from .errors import LoadError, Problem, RunbookError, nearest
from .inventory_constructed import SETTINGS, Constructed, read_constructed
from .inventory_groups import Groups, GroupVars, Layers
from .inventory_text import ALL, InventoryText
from .model import Value
from .scope import VariableScope
from .template import Templates
from .template_guard import reveal
from .yamlfile import Entry, YamlFile, settle

ROOM = "runbook.modules"
Reach: TypeAlias = Callable[[Mapping[str, Any]], tuple[ClientFactory, Target]]
"""Of settings as in `aws:`: what makes clients, and where they go."""

_PREFIXES = ("ansible.builtin.", "ansible.legacy.", "amazon.aws.")
_BUILT_IN = "constructed"
_KNOWN = (_BUILT_IN, "aws_ec2")
_COMMON = ("plugin", "aws", *SETTINGS)


def read_plugin(
    file: YamlFile, plugin: Entry, into: InventoryText, templates: Templates, reach: Reach | None
) -> None:
    """Bring the hosts of a plugin file and what it makes of them. Problems of the file stay with it.

    Raises LoadError for what a plugin can't do.
    """
    entries = {entry.key: entry for entry in file.entries(file.root, "An inventory")}
    written = str(plugin.node.value)
    name = written
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    made = read_constructed(file, entries)
    if name == _BUILT_IN:
        settle([file])
        _construct(made, list(into.hosts), into, templates)
        return
    module = _module(name)
    if module is None:
        hint = nearest(name, _KNOWN) or f"There are: {', '.join(_KNOWN)}."
        file.problem(f"There is no inventory plugin '{written}'", plugin.position, hint)
        return
    settings = _settings(file, entries, module, templates)
    settle([file])
    if reach is None:
        raise LoadError([file.source.problem("Nothing leads to AWS from here", plugin.position)])
    try:
        found = list(module.hosts(settings, *reach(_aws(settings, module))))
    except LoadError:
        raise
    except RunbookError as error:
        raise LoadError([file.source.problem(error.message, plugin.position, error.hint)]) from error
    for host in found:
        _add(host, into)
    _construct(made, [host.name for host in found], into, templates)


def _module(name: str) -> Any:
    full = f"{ROOM}._inventory_{name}"
    if not name.isidentifier() or importlib.util.find_spec(full) is None:
        return None
    return importlib.import_module(full)


def _settings(
    file: YamlFile, entries: Mapping[str, Entry], module: Any, templates: Templates
) -> dict[str, Any]:
    known = (*_COMMON, *module.SETTINGS, *module.CREDENTIALS)
    found = {}
    scope = VariableScope(templates, [])
    for name, entry in entries.items():
        if name not in known:
            file.problem(f"'{name}' is no setting of this plugin", entry.position, nearest(name, known))
        elif name not in SETTINGS and name != "plugin":
            found[name] = reveal(templates.render(file.value(entry.node), scope))
    return found


def _aws(settings: Mapping[str, Any], module: Any) -> dict[str, Any]:
    ours = settings.get("aws") or {}
    return {**{module.CREDENTIALS[n]: v for n, v in settings.items() if n in module.CREDENTIALS}, **ours}


def _add(host: FoundHost, into: InventoryText) -> None:
    for group in host.groups:
        into.add_host(host.name, group, dict(host.vars))


def _construct(made: Constructed, hosts: list[str], into: InventoryText, templates: Templates) -> None:
    groups = Groups(into)
    merged = GroupVars(into, Layers((), ()), [])
    shared: dict[str, Mapping[str, Value]] = {host: merged.of(groups.above(host), None, {}) for host in hosts}
    for host in hosts:
        member = [group for group in groups.above(host) if group != ALL]
        made.apply(host, {**shared[host], "group_names": sorted(member)}, into, templates)


__all__ = ["Problem", "Reach", "read_plugin"]
