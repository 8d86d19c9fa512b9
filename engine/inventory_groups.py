"""Groups put together: who belongs to whom, in which order, and which group's variables win."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import LoadError, Problem
from .inventory_text import ALL, UNGROUPED, InventoryText
from .model import Group, Value
from .values import Secret
from .varfiles import VarFolder
from .yamlfile import YamlFile

PRIORITY = "ansible_group_priority"
"""Of groups at the same depth the one with the larger number wins; not a variable of the hosts."""


class Groups:
    """Who belongs to whom."""

    def __init__(self, text: InventoryText) -> None:
        self._text = text
        self._adopt()
        self._parents: dict[str, list[str]] = {}
        for group in text.groups.values():
            for child in group.children:
                self._parents.setdefault(child, []).append(group.name)
        self._direct: dict[str, list[str]] = {}
        self._depth: dict[str, int] = {}
        for group in text.groups.values():
            self._depth_of(group.name)
            for host in group.hosts:
                self._direct.setdefault(host, []).append(group.name)
        self._above: dict[tuple[str, ...], tuple[str, ...]] = {}

    def _adopt(self) -> None:
        """Hosts in no other group are `ungrouped`; groups without a parent are children of `all`."""
        text = self._text
        everything, ungrouped = text.group(ALL), text.group(UNGROUPED)
        grouped = {host for g in text.groups.values() if g.name not in (ALL, UNGROUPED) for host in g.hosts}
        lone = dict.fromkeys((*ungrouped.hosts, *text.hosts))
        ungrouped.hosts = {host: None for host in lone if host not in grouped}
        children = {child for group in text.groups.values() for child in group.children}
        for name in text.groups:
            if name != ALL and name not in children:
                everything.children[name] = None

    def _depth_of(self, name: str, path: tuple[str, ...] = ()) -> int:
        """How far below `all`, by the longest way. Raises LoadError: a group is its own parent."""
        if name in path:
            circle = " -> ".join(reversed((*path[path.index(name) :], name)))
            raise LoadError([Problem(f"These groups hold each other in a circle: {circle}")])
        known = self._depth.get(name)
        if known is None:
            parents = self._parents.get(name, ())
            known = max((self._depth_of(parent, (*path, name)) + 1 for parent in parents), default=0)
            self._depth[name] = known
        return known

    def above(self, host: str) -> tuple[str, ...]:
        """All groups of a host, the weakest first: `all`, then by depth, priority and the alphabet."""
        direct = tuple(self._direct.get(host, ()))
        known = self._above.get(direct)
        if known is None:
            found = {ALL}
            todo = list(direct)
            while todo:
                name = todo.pop()
                if name not in found:
                    found.add(name)
                    todo += self._parents.get(name, ())
            known = self._above[direct] = tuple(sorted(found, key=self._strength))
        return known

    def _strength(self, name: str) -> tuple[int, int, str]:
        try:
            priority = int(Secret.reveal(self._text.groups[name].vars.get(PRIORITY, 1)))
        except (TypeError, ValueError):
            priority = 1
        return (self._depth[name], priority, name)

    def hosts(self) -> dict[str, tuple[str, ...]]:
        """Each group's hosts: its own, then those of its children, then of theirs."""
        return {name: self._within(name) for name in self._text.groups}

    def tree(self, merged: GroupVars) -> dict[str, Group]:
        """Each group's own hosts, children and variables."""
        return {
            name: Group(() if name == ALL else tuple(group.hosts), self._children(name), merged.own(name))
            for name, group in self._text.groups.items()
        }

    def _children(self, name: str) -> tuple[str, ...]:
        children = self._text.groups[name].children
        return tuple(dict.fromkeys((UNGROUPED, *children)) if name == ALL else children)

    def _within(self, name: str) -> tuple[str, ...]:
        seen = {name: None}
        level = [name]
        while level:
            below = dict.fromkeys(child for group in level for child in self._text.groups[group].children)
            level = [child for child in below if child not in seen]
            seen.update(dict.fromkeys(level))
        return tuple(dict.fromkeys(host for group in seen for host in self._text.groups[group].hosts))


@dataclass(frozen=True, slots=True)
class Layers:
    """Folders of variables, inventory's first."""

    groups: tuple[VarFolder, ...]
    hosts: tuple[VarFolder, ...]


class GroupVars:
    """Merged variables, one mapping for all hosts that are in the same groups and come from the same source."""

    def __init__(self, text: InventoryText, layers: Layers, files: list[YamlFile]) -> None:
        self._text = text
        self._written = {
            name: {key: value for key, value in group.vars.items() if key != PRIORITY}
            for name, group in text.groups.items()
        }
        names = sorted(text.groups)
        self._folders = [{name: folder.read(name, files) for name in names} for folder in layers.groups]
        self._merged: dict[tuple[tuple[str, ...], str | None], Mapping[str, Value]] = {}

    def of(
        self, groups: tuple[str, ...], source: str | None, about: Mapping[str, Value]
    ) -> Mapping[str, Value]:
        """The variables of these groups, the weakest first, and over them what is known of the source."""
        known = self._merged.get((groups, source))
        if known is None:
            known = self._merged[groups, source] = {**self._of(groups), **about}
        return known

    def own(self, name: str) -> dict[str, Value]:
        """What the sources and `group_vars` give a group itself; its priority included."""
        found = dict(self._text.groups[name].vars)
        for folder in self._folders:
            found.update(folder[name])
        return found

    def _of(self, groups: tuple[str, ...]) -> dict[str, Value]:
        merged: dict[str, Value] = {}
        for name in groups:
            merged.update(self._written[name])
        for only_all in (True, False):
            for folder in self._folders:
                for name in groups:
                    if (name == ALL) is only_all:
                        merged.update(folder[name])
        return merged
