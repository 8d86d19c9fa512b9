"""Who can be played on: sources put together into hosts, groups and each host's variables.

Which variable wins, lowest first, as in Ansible: variables of groups in the sources; `group_vars/all` beside the
inventory, then beside the playbook; `group_vars/` of the other groups beside the inventory, then beside the
playbook; the host's own in the sources; `host_vars/` beside the inventory, then beside the playbook. Among groups:
`all` first, then parents before children, then `ansible_group_priority`, then the alphabet.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LoadError, Problem
from .identity import digest
from .inventory_groups import Groups, GroupVars, Layers
from .inventory_ini import IniFile
from .inventory_script import read_script
from .inventory_text import ALL, UNGROUPED, BadRange, InventoryText, expand_hosts, is_name
from .inventory_vars import HostVars
from .inventory_yaml import plugin_of, read_yaml_inventory
from .model import LOCALHOST, Host, Inventory, Value
from .source import Source, read_source
from .varfiles import VarFolder, sealed_values
from .vault import Vault
from .yamlfile import YamlFile, settle, syntax_problems

if TYPE_CHECKING:
    from .inventory_plugin import Reach

_NOT_SOURCES = (".orig", ".bak", ".cfg", ".retry", ".swp", ".pyc", ".pyo", ".rpm", ".md", ".rst", ".txt", "~")
_NO_SOURCES = ("group_vars", "host_vars", "vars_plugins")
_YAML = (".yml", ".yaml", ".json")

IMPLICIT: Mapping[str, Value] = {
    "ansible_connection": "local",
    "ansible_python_interpreter": sys.executable,
}
"""Variables of the `localhost` that no source names."""


ABOUT_SOURCE = ("inventory_file", "inventory_dir")
"""Variables of each host that say where it was first named."""


def _silent(_problem: Problem) -> None:
    return None


def load_inventory(
    sources: Sequence[str],
    *,
    playbook_dir: str | Path | None = None,
    warn: Callable[[Problem], None] = _silent,
    vault: Vault | None = None,
    reach: Reach | None = None,
) -> Inventory:
    """Read an inventory: each source is a YAML or INI file, a script, a plugin's file, a folder of them, or names
    with commas (`web1,web2,`). `reach` leads plugins to AWS, `vault` opens what is encrypted.

    `localhost` is always among the hosts, but in no group unless a source says so. `warn` is told what works and is
    hardly meant. Raises LoadError with all problems.
    """
    reader = _Reader(warn, vault or Vault(), reach)
    for source in sources:
        reader.read(source)
    folders = [Path(playbook_dir)] if playbook_dir is not None else []
    return reader.finish(sources, folders)


@dataclass(slots=True)
class _Reader:
    warn: Callable[[Problem], None]
    vault: Vault | None = None
    reach: Reach | None = None
    text: InventoryText = field(default_factory=InventoryText)
    files: list[YamlFile] = field(default_factory=list)
    """YAML files that were read, for their problems and the digest."""
    contents: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
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
        self.text.source = source
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
            if path.name in _NO_SOURCES or path.name.startswith("."):
                continue
            if path.is_dir():
                self._folder(path)
            elif not path.name.endswith(_NOT_SOURCES):
                self._file(path)

    def _file(self, path: Path) -> None:
        self.text.source = str(path.absolute())
        if _is_program(path):
            self.text.wrap = None
            self.contents.append(read_script(path, self.text, self.warn))
            return
        source = read_source(str(path), self.vault)
        self.text.wrap = partial(sealed_values, path=str(path)) if source.sealed else None
        self.contents.append(source.sealed or source.text)
        if path.suffix in _YAML or (path.suffix != ".ini" and _looks_like_yaml(source)):
            file = YamlFile(source)
            self.files.append(file)
            self._yaml(file)
        else:
            ini = IniFile(source)
            ini.read(self.text)
            self.problems += [source.show(p) for p in (*ini.problems, *syntax_problems(ini.texts))]
            self.warnings += ini.warnings

    def _yaml(self, file: YamlFile) -> None:
        plugin = plugin_of(file)
        if plugin is None:
            read_yaml_inventory(file, self.text)
            return
        from .inventory_plugin import read_plugin
        from .template import Templates

        self._settle()
        read_plugin(file, plugin, self.text, Templates(Path(file.path).parent, vault=self.vault), self.reach)

    # ------------------------------------------------------------ all together

    def finish(self, sources: Sequence[str], playbook: Iterable[Path]) -> Inventory:
        self._settle()
        folders = list({path.resolve(): path for path in (*self.beside, *playbook)}.values())
        layers = Layers(
            tuple(found for path in folders if (found := VarFolder(path / "group_vars", self.vault))),
            tuple(found for path in folders if (found := VarFolder(path / "host_vars", self.vault))),
        )
        groups = Groups(self.text)
        merged = GroupVars(self.text, layers, self.files)
        hosts = {name: self._host(name, groups, merged, layers) for name in self.text.hosts}
        if LOCALHOST not in hosts:
            hosts[LOCALHOST] = self._host(LOCALHOST, groups, merged, layers)
        self._settle()
        for folder in (*layers.groups, *layers.hosts):
            self.warnings += folder.warnings
        settle(self.files, self.warn)
        for warning in dict.fromkeys(self.warnings):
            self.warn(warning)
        texts = [*self.contents, *(file.source.sealed or file.source.text for file in self.files)]
        return Inventory(hosts, groups.hosts(), digest(*texts), tuple(sources), groups.tree(merged))

    def _settle(self) -> None:
        if self.problems:
            settled = [problem for file in self.files for problem in file.settled()]
            raise LoadError([*self.problems, *settled])
        settle(self.files)

    def _host(self, name: str, groups: Groups, merged: GroupVars, layers: Layers) -> Host:
        implicit = name not in self.text.hosts
        own: Mapping[str, Value] = IMPLICIT if implicit else self.text.hosts[name]
        for values in [found for folder in layers.hosts if (found := folder.read(name, self.files))]:
            own = {**own, **values}
        above = groups.above(name)
        source = self.text.origins.get(name)
        shared = merged.of(above, source, {} if source is None else _about(source))
        names = tuple(sorted(set(above) - {ALL}))
        return Host(name, HostVars(own, shared) if own else shared, names, implicit)


def _about(source: str) -> Mapping[str, Value]:
    """Where a host was first named; a list of names lies in no folder."""
    folder = str(Path(source).parent) if _exists(Path(source)) else None
    return dict(zip(ABOUT_SOURCE, (source, folder), strict=True))


def _is_program(path: Path) -> bool:
    """Executable, and with a `#!`: some file systems mark every file as executable."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!" and os.access(path, os.X_OK)
    except OSError:
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a list of hosts may be longer than the name of a file can be
        return False


def absolute(source: str) -> str:
    """A source as `ansible_inventory_sources` names it."""
    path = Path(source).expanduser()
    return str(path.absolute()) if "," not in source or _exists(path) else source


def _looks_like_yaml(source: Source) -> bool:
    for line in source.lines:
        text = line.strip()
        if text and text[0] not in "#;":
            return text.startswith(("---", "{")) or text.partition(" #")[0].rstrip().endswith(":")
    return False
