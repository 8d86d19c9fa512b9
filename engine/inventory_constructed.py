"""`constructed`: variables and groups made from the variables of hosts, by a plugin file of its own or as a part of
another plugin's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import LoadError, Problem, TemplateError
from .inventory_text import ALL, InventoryText
from .model import Value
from .scope import VariableScope
from .template import Templates, as_truth
from .template_guard import reveal
from .values import Expression, Template, Unknown
from .yamlfile import Entry, YamlFile, is_null

SETTINGS = ("compose", "groups", "keyed_groups", "strict", "use_vars_plugins", "leading_separator")
_KEYED = ("key", "prefix", "separator", "parent_group", "default_value", "trailing_separator")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """One of `keyed_groups`."""

    key: Expression
    prefix: Value = ""
    separator: str = "_"
    parent: Value = None
    default: str | None = None
    trailing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Constructed:
    """What is made of each host."""

    compose: Mapping[str, Expression]
    groups: Mapping[str, Expression]
    keyed: tuple[Keyed, ...]
    strict: bool = False
    leading: bool = True

    def apply(
        self, host: str, shared: Mapping[str, Value], into: InventoryText, templates: Templates
    ) -> None:
        """Give a host its variables and groups. `shared`: the variables of its groups.

        Raises LoadError for an expression that fails, when it is strict.
        """
        names = {"inventory_hostname": host, "inventory_hostname_short": host.split(".")[0]}
        own = into.hosts[host]
        for name, expression in self.compose.items():
            scope = VariableScope(templates, [own, names, shared])
            value = self._value(expression, scope, templates)
            if value is not _NOTHING:
                own[name] = value
        scope = VariableScope(templates, [own, names, shared])
        for group, condition in self.groups.items():
            held = self._value(condition, scope, templates)
            if held is not _NOTHING and _true(held):
                into.add_host(host, safe(group), {})
        for keyed in self.keyed:
            for name in self._named(keyed, scope, templates):
                group = safe(name)
                into.add_host(host, group, {})
                self._below(keyed, group, scope, templates, into)

    def _value(self, expression: Expression, scope: VariableScope, templates: Templates) -> Any:
        try:
            return reveal(templates.evaluate(expression, scope))
        except TemplateError as error:
            if self.strict:
                raise LoadError([Problem(error.message, expression.position, error.hint)]) from error
            return _NOTHING

    def _below(
        self, keyed: Keyed, group: str, scope: VariableScope, templates: Templates, into: InventoryText
    ) -> None:
        if keyed.parent is None:
            return
        parent = safe(str(reveal(templates.render(keyed.parent, scope))))
        into.group(parent)
        if parent not in (ALL, group):
            into.group(parent).children[group] = None

    def _named(self, keyed: Keyed, scope: VariableScope, templates: Templates) -> Iterator[str]:
        key = self._value(keyed.key, scope, templates)
        if key is _NOTHING or isinstance(key, Unknown):
            return
        written = keyed.prefix
        prefix = written.source if isinstance(written, Template) else str(written)  # as it stands, in Ansible
        for part in _parts(key, keyed):
            bare = not prefix and not self.leading
            yield part if bare else f"{prefix}{keyed.separator}{part}"


_NOTHING = object()


def _true(value: Any) -> bool:
    try:
        return bool(as_truth(value))
    except TemplateError:
        return bool(value)


def _parts(key: Any, keyed: Keyed) -> Iterator[str]:
    """What stands behind the prefix: a text itself, of a list each item, of a mapping each key with its value."""
    if isinstance(key, Mapping):
        yield from (_pair(str(name), _filled(value, keyed), keyed) for name, value in key.items())
        return
    for item in key if isinstance(key, list | tuple) else [key]:
        filled = _filled(item, keyed)
        if filled not in ("", None, False):
            yield str(filled)


def _filled(value: Any, keyed: Keyed) -> Any:
    return keyed.default if value in ("", None) and keyed.default is not None else value


def _pair(name: str, value: Any, keyed: Keyed) -> str:
    if value in ("", None):
        return f"{name}{keyed.separator}" if keyed.trailing else name
    return f"{name}{keyed.separator}{value}"


def safe(name: str) -> str:
    """A group's name from a value: letters, digits and underscores."""
    return _UNSAFE.sub("_", name)


# ---------------------------------------------------------------- reading


def read_constructed(file: YamlFile, entries: Mapping[str, Entry]) -> Constructed:
    """The settings of a plugin file that say what is made of hosts; problems stay with the file."""
    compose = _expressions(file, entries.get("compose"))
    groups = _expressions(file, entries.get("groups"))
    entry = entries.get("keyed_groups")
    items = file.items(entry.node, "'keyed_groups'") if entry else []
    keyed = [one for item in items if (one := _keyed(file, item)) is not None]
    return Constructed(
        compose=compose,
        groups=groups,
        keyed=tuple(keyed),
        strict=_flag(file, entries.get("strict"), default=False),
        leading=_flag(file, entries.get("leading_separator"), default=True),
    )


def _expressions(file: YamlFile, entry: Entry | None) -> dict[str, Expression]:
    if entry is None or is_null(entry.node):
        return {}
    found = file.entries(entry.node, f"'{entry.key}'")
    return {one.key: file.expression(str(one.node.value), file.position(one.node)) for one in found}


def _keyed(file: YamlFile, item: Any) -> Keyed | None:
    entries = {one.key: one for one in file.entries(item, "One of 'keyed_groups'")}
    for name, entry in entries.items():
        if name not in _KEYED:
            file.warn(
                f"'{name}' is no setting of 'keyed_groups'", entry.position, f"Known: {', '.join(_KEYED)}."
            )
    if "key" not in entries:
        file.problem("One of 'keyed_groups' has no 'key'", item, "It is an expression: key: tags.")
        return None
    values = {name: file.value(entry.node) for name, entry in entries.items() if name != "key"}
    node = entries["key"].node
    default = values.get("default_value")
    return Keyed(
        key=file.expression(str(node.value), file.position(node)),
        prefix=values.get("prefix") or "",
        separator=str(values["separator"]) if values.get("separator") is not None else "_",
        parent=values.get("parent_group"),
        default=None if default is None or isinstance(default, Template) else str(default),
        trailing=values.get("trailing_separator") is not False,
    )


def _flag(file: YamlFile, entry: Entry | None, *, default: bool) -> bool:
    value = file.value(entry.node) if entry else None
    return default if value is None else bool(value)
