"""Inventories in YAML: groups with `hosts`, `children` and `vars`, nested as they belong together."""

from __future__ import annotations

import yaml

from .errors import nearest
from .inventory_text import GROUP_KEYS, BadRange, InventoryText, expand_hosts, is_name, split_port
from .keyword_values import read_vars
from .yamlfile import Entry, YamlFile, is_null, kind


def read_yaml_inventory(file: YamlFile, into: InventoryText) -> None:
    """Read the groups of a file; problems stay with the file."""
    root = file.root
    if root is None or is_null(root):
        return
    entries = file.entries(root, "An inventory")
    for entry in entries:
        _group(file, entry, into, ())


def plugin_of(file: YamlFile) -> Entry | None:
    """The word `plugin` of a file that is a plugin's and no inventory itself."""
    if not isinstance(file.root, yaml.MappingNode):
        return None
    entries = file.entries(file.root, "An inventory")
    found = next((entry for entry in entries if entry.key == "plugin"), None)
    return found if found is not None and isinstance(found.node, yaml.ScalarNode) else None


def _group(file: YamlFile, entry: Entry, into: InventoryText, parents: tuple[str, ...]) -> None:
    name = entry.key
    if not _is_group(file, entry, parents):
        return
    into.group(name)
    if parents:
        into.group(parents[-1]).children[name] = None
    for part in file.entries(entry.node, f"The group '{name}'"):
        if part.key == "hosts":
            _hosts(file, part, name, into)
        elif part.key == "children":
            for child in _named(file, part):
                _group(file, child, into, (*parents, name))
        elif part.key == "vars":
            if not is_null(part.node):
                what = f"'vars' of the group '{name}'"
                into.set_vars(name, read_vars(file, part.node, what, lenient=True))
        else:
            hint = nearest(part.key, GROUP_KEYS) or _PARTS
            file.warn(f"'{part.key}' is no part of a group; it is left out", part.position, hint)


def _is_group(file: YamlFile, entry: Entry, parents: tuple[str, ...]) -> bool:
    name = entry.key
    if not is_name(name):
        file.problem(
            f"'{name}' can't be the name of a group", entry.position, "Letters, digits, '_', '-' and '.'."
        )
    elif name in parents:
        file.problem(f"The group '{name}' is its own child", entry.position)
    elif not isinstance(entry.node, yaml.MappingNode) and not is_null(entry.node):
        file.warn(f"'{name}' is no group: it is {kind(entry.node)}; it is left out", entry.position, _PARTS)
    else:
        return True
    return False


_PARTS = "A group has 'hosts', 'children' and 'vars'."


def _named(file: YamlFile, part: Entry) -> list[Entry]:
    """The hosts or children under a key: a mapping, a list of names, or one name."""
    node = part.node
    if isinstance(node, yaml.SequenceNode):
        plain = [item for item in node.value if isinstance(item, yaml.ScalarNode)]
        for item in node.value:
            if item not in plain:
                file.problem(
                    f"'{part.key}' takes names",
                    item,
                    "A name with variables is written 'NAME: {key: value}'.",
                )
    elif isinstance(node, yaml.ScalarNode) and not is_null(node):
        plain = [node]
    else:
        return file.entries(node, f"'{part.key}'")
    nothing = yaml.ScalarNode("tag:yaml.org,2002:null", "", node.start_mark, node.end_mark)
    return [Entry(item.value, file.position(item), nothing) for item in plain]


def _hosts(file: YamlFile, part: Entry, group: str, into: InventoryText) -> None:
    for entry in _named(file, part):
        what = f"The host '{entry.key}'"
        own = {} if is_null(entry.node) else dict(read_vars(file, entry.node, what, lenient=True))
        pattern, port = split_port(entry.key)
        if port is not None:
            own = {"ansible_port": port, **own}
        try:
            for host in expand_hosts(pattern):
                if is_name(host):
                    into.add_host(host, group, own)
                else:
                    hint = "Several hosts are several keys, or a range: web[1:3]."
                    file.problem(f"'{host}' can't be the name of a host", entry.position, hint)
        except BadRange as error:
            file.problem(f"The range can't be used: {error}", entry.position)
