"""Who can be played on: sources put together into hosts, groups and each host's variables.

Which variable wins, lowest first, as in Ansible: variables of groups in the sources; `group_vars/all` beside the
inventory, then beside the playbook; `group_vars/` of the other groups beside the inventory, then beside the
playbook; the host's own in the sources; `host_vars/` beside the inventory, then beside the playbook. Among groups:
`all` first, then parents before children, then `ansible_group_priority`, then the alphabet.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LoadError, Problem
from .identity import digest
from .inventory_ini import IniFile
from .inventory_text import BadRange, InventoryText, expand_hosts, is_name
from .inventory_vars import HostVars
from .inventory_yaml import read_yaml_inventory
from .model import LOCALHOST, Host, Inventory, Value
from .source import Source, read_source
from .varfiles import VarFolder
from .yamlfile import YamlFile, settle, syntax_problems

ALL, UNGROUPED = "all", "ungrouped"
_NOT_SOURCES = (".orig", ".bak", ".cfg", ".retry", ".swp", ".pyc", ".md", ".txt", "~")
_YAML = (".yml", ".yaml", ".json")


def load_inventory(sources: Sequence[str], *, playbook_dir: str | Path | None = None) -> Inventory:
    """Read an inventory: each source is a YAML or INI file, a folder of them, or names with commas (`web1,web2,`).

    `localhost` is always among the hosts, but in no group unless a source says so. Raises LoadError with all
    problems.
    """
    reader = _Reader()
    for source in sources:
        reader.read(source)
    folders = [Path(playbook_dir)] if playbook_dir is not None else []
    return reader.finish(sources, folders)


@dataclass(frozen=True, slots=True)
class _Layers:
    """Folders of variables, inventory's first."""

    groups: tuple[VarFolder, ...]
    hosts: tuple[VarFolder, ...]


@dataclass(slots=True)
class _Reader:
    text: InventoryText = field(default_factory=InventoryText)
    files: list[YamlFile] = field(default_factory=list)
    """YAML files that were read, for their problems and the digest."""
    contents: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    beside: dict[Path, None] = field(default_factory=dict)
    """Folders of the sources."""

    # ------------------------------------------------------------ sources

    def read(self, source: str) -> None:
        path = Path(source).expanduser()
        if "," in source and not _exists(path):
            self._names(source)
        elif path.is_dir():
            self.beside[path] = None
            self._folder(path)
        else:
            self.beside[path.parent] = None
            self._file(path)

    def _names(self, source: str) -> None:
        self.contents.append(source)
        for name in filter(None, map(str.strip, source.split(","))):
            try:
                hosts = list(expand_hosts(name))
            except BadRange as error:
                raise LoadError(
                    [Problem(f"The range in the inventory '{source}' can't be used: {error}")]
                ) from None
            for host in hosts:
                if not is_name(host):
                    raise LoadError(
                        [Problem(f"'{host}' in the inventory '{source}' can't be the name of a host")]
                    )
                self.text.add_host(host, UNGROUPED, {})

    def _folder(self, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            if path.name in ("group_vars", "host_vars") or path.name.startswith("."):
                continue
            if path.is_dir():
                self._folder(path)
            elif not path.name.endswith(_NOT_SOURCES):
                self._file(path)

    def _file(self, path: Path) -> None:
        source = read_source(str(path))
        if source.text.startswith("#!") and os.access(path, os.X_OK):
            hint = "Let it write a YAML file, and name that."
            raise LoadError(
                [Problem(f"{path} is a program; inventory scripts are not supported yet", hint=hint)]
            )
        self.contents.append(source.text)
        if path.suffix in _YAML or (path.suffix != ".ini" and _looks_like_yaml(source)):
            file = YamlFile(source)
            self.files.append(file)
            read_yaml_inventory(file, self.text)
        else:
            ini = IniFile(source)
            ini.read(self.text)
            self.problems += [source.show(p) for p in (*ini.problems, *syntax_problems(ini.texts))]

    # ------------------------------------------------------------ all together

    def finish(self, sources: Sequence[str], playbook: Iterable[Path]) -> Inventory:
        self._settle()
        folders = list({path.resolve(): path for path in (*self.beside, *playbook)}.values())
        layers = _Layers(
            tuple(found for path in folders if (found := VarFolder(path / "group_vars"))),
            tuple(found for path in folders if (found := VarFolder(path / "host_vars"))),
        )
        groups = _Groups(self.text)
        merged = _GroupVars(self.text, layers, self.files)
        hosts = {name: self._host(name, own, groups, merged, layers) for name, own in self.text.hosts.items()}
        if LOCALHOST not in hosts:
            hosts[LOCALHOST] = self._host(LOCALHOST, {}, groups, merged, layers)
        self._settle()
        texts = [*self.contents, *(file.source.text for file in self.files)]
        return Inventory(hosts, groups.hosts(), digest(*texts), tuple(sources))

    def _settle(self) -> None:
        if self.problems:
            settled = [problem for file in self.files for problem in file.settled()]
            raise LoadError([*self.problems, *settled])
        settle(self.files)

    def _host(
        self, name: str, own: Mapping[str, Value], groups: _Groups, merged: _GroupVars, layers: _Layers
    ) -> Host:
        found = [values for folder in layers.hosts if (values := folder.read(name, self.files))]
        for values in found:
            own = {**own, **values}
        above = groups.above(name)
        shared = merged.of(above)
        return Host(name, HostVars(own, shared) if own else shared, tuple(sorted(set(above) - {ALL})))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a list of hosts may be longer than the name of a file can be
        return False


def _looks_like_yaml(source: Source) -> bool:
    for line in source.lines:
        text = line.strip()
        if text and text[0] not in "#;":
            return text.startswith(("---", "{")) or text.partition(" #")[0].rstrip().endswith(":")
    return False


# ---------------------------------------------------------------- groups


class _Groups:
    """Who belongs to whom."""

    def __init__(self, text: InventoryText) -> None:
        self._text = text
        self._adopt()
        self._direct: dict[str, list[str]] = {}
        for group in text.groups.values():
            for host in group.hosts:
                self._direct.setdefault(host, []).append(group.name)
        self._parents: dict[str, list[str]] = {}
        for group in text.groups.values():
            for child in group.children:
                self._parents.setdefault(child, []).append(group.name)
        self._depth: dict[str, int] = {}
        self._above: dict[tuple[str, ...], tuple[str, ...]] = {}

    def _adopt(self) -> None:
        """Hosts in no group are `ungrouped`; groups without a parent are children of `all`."""
        text = self._text
        everything, ungrouped = text.group(ALL), text.group(UNGROUPED)
        grouped = {host for g in text.groups.values() if g.name not in (ALL, UNGROUPED) for host in g.hosts}
        ungrouped.hosts = {host: None for host in text.hosts if host not in grouped}
        everything.hosts = {}
        children = {child for group in text.groups.values() for child in group.children}
        for name in list(text.groups):
            if name != ALL and (name not in children or name in everything.children):
                everything.children[name] = None

    def depth(self, name: str, path: tuple[str, ...] = ()) -> int:
        """How far below `all`, by the longest way. Raises LoadError: a group is its own parent."""
        if name in path:
            circle = " -> ".join(reversed((*path[path.index(name) :], name)))
            raise LoadError([Problem(f"These groups hold each other in a circle: {circle}")])
        known = self._depth.get(name)
        if known is None:
            parents = self._parents.get(name, ())
            known = self._depth[name] = max((self.depth(p, (*path, name)) + 1 for p in parents), default=0)
        return known

    def above(self, host: str) -> tuple[str, ...]:
        """All groups of a host, the weakest first."""
        direct = tuple(self._direct.get(host, ()))
        known = self._above.get(direct)
        if known is None:
            found = {ALL}
            todo = list(direct)
            while todo:
                name = todo.pop()
                if name not in found:
                    self.depth(name)
                    found.add(name)
                    todo += self._parents.get(name, ())
            known = self._above[direct] = tuple(sorted(found, key=self._strength))
        return known

    def _strength(self, name: str) -> tuple[int, int, str]:
        priority = self._text.groups[name].vars.get("ansible_group_priority", 1)
        return (self.depth(name), priority if isinstance(priority, int) else 1, name)

    def hosts(self) -> dict[str, tuple[str, ...]]:
        """Each group's hosts, its children's after its own; all hosts in the order they were written."""
        found: dict[str, tuple[str, ...]] = {}

        def collect(name: str) -> tuple[str, ...]:
            if name not in found:
                group = self._text.groups[name]
                merged = dict(group.hosts)
                for child in group.children:
                    merged.update(dict.fromkeys(collect(child)))
                found[name] = tuple(merged)
            return found[name]

        for name in self._text.groups:
            self.depth(name)
            collect(name)
        found[ALL] = tuple(self._text.hosts)
        return found


class _GroupVars:
    """Merged variables, one mapping for all hosts that are in the same groups."""

    def __init__(self, text: InventoryText, layers: _Layers, files: list[YamlFile]) -> None:
        names = sorted(text.groups)
        self._written = {name: group.vars for name, group in text.groups.items()}
        self._folders = [{name: folder.read(name, files) for name in names} for folder in layers.groups]
        self._merged: dict[tuple[str, ...], Mapping[str, Value]] = {}

    def of(self, groups: tuple[str, ...]) -> Mapping[str, Value]:
        """The variables of these groups, the weakest first."""
        known = self._merged.get(groups)
        if known is None:
            merged: dict[str, Value] = {}
            for name in groups:
                merged.update(self._written[name])
            for only_all in (True, False):
                for folder in self._folders:
                    for name in groups:
                        if (name == ALL) is only_all:
                            merged.update(folder[name])
            known = self._merged[groups] = merged
        return known
