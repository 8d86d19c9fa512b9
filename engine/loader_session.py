"""What one loading shares: the files it read, the modules it may name, and what tasks inherit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .errors import LoadError, Position
from .identity import digest
from .keyword_values import Warn
from .loader_call import Catalog, Modules
from .model import Node, Role, Value
from .values import Expression, Template
from .vault import Vault
from .yamlfile import Entry, YamlFile, read_yaml, settle

Known: TypeAlias = Callable[[Template, Sequence[Mapping[str, Value]], Sequence[Mapping[str, Value]]], Value]
"""Renders a name with these variables above what else is known, and those below; as it was when it can't."""

_SETTINGS = (
    "ignore_errors", "no_log", "run_once", "delegate_to", "connection", "aws", "rerun", "check_mode", "diff",
    "timeout", "throttle", "ignore_unreachable", "any_errors_fatal", "delegate_facts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inherited:
    """Keywords that come from around a task."""

    when: tuple[Expression, ...] = ()
    tags: frozenset[str] = frozenset()
    vars: Mapping[str, Value] = field(default_factory=dict)
    environment: tuple[Value, ...] = ()
    notify: tuple[Value, ...] = ()
    module_defaults: tuple[Value, ...] = ()
    role: Role | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)
    """Where the innermost wins."""
    rescued: bool = False
    """A rescue section takes over when a task here fails."""

    def enter(self, own: Mapping[str, Any]) -> Inherited:
        """What holds inside of something that has these keywords."""
        settings = {name: own[name] for name in _SETTINGS if own.get(name) is not None}
        outer = self.settings.get("aws")
        if isinstance(outer, dict) and isinstance(settings.get("aws"), dict):
            settings["aws"] = {**outer, **settings["aws"]}
        return Inherited(
            when=self.when + own.get("when", ()),
            tags=self.tags | own.get("tags", frozenset()),
            vars={**self.vars, **own["vars"]} if own.get("vars") else self.vars,
            environment=self.environment + own.get("environment", ()),
            notify=own.get("notify", self.notify),
            module_defaults=self.module_defaults + own.get("module_defaults", ()),
            role=self.role,
            settings={**self.settings, **settings} if settings else self.settings,
            rescued=self.rescued,
        )

    @property
    def handled(self) -> bool:
        """The playbook itself deals with a failure of a task here."""
        return self.rescued or self.settings.get("ignore_errors") not in (None, False)


@dataclass(frozen=True, slots=True)
class Reference:
    """The place where one file names another."""

    file: YamlFile
    position: Position


class Session:
    """One loading: collects files and their problems, so that all are told together.

    `known`: the variables that names of files and roles can be made of.
    """

    def __init__(
        self,
        catalog: Catalog,
        warn: Warn,
        *,
        roles_path: Sequence[str] = (),
        known: Known | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.modules = Modules(catalog)
        self.warn = warn
        self.vault = vault
        self.roles_path = roles_path
        self.files: list[YamlFile] = []
        self.notified: list[tuple[YamlFile, Entry]] = []
        """`notify` keywords of the play that is being read."""
        self.root: str | None = None
        """The playbook itself; None: only a file of tasks is read."""
        self.roles: list[Role] = []
        """Roles that tasks of the play import, or that it lists."""
        self.handlers: list[Node] = []
        """Handlers of the roles that tasks of the play import."""
        self._known = known
        self._opened: dict[str, YamlFile] = {}

    @property
    def playbook_dir(self) -> Path:
        """Where relative names of roles start."""
        return Path(self.root or ".").absolute().parent

    def known(self, value: Value, inherited: Inherited | None = None) -> Value:
        """A name, rendered as far as its variables are known while files are read; else as it was written."""
        if not isinstance(value, Template) or self._known is None:
            return value
        layers: list[Mapping[str, Value]] = [{"playbook_dir": str(self.playbook_dir)}]
        if inherited is not None:
            role = inherited.role
            layers += [inherited.vars, *([role.given, role.vars] if role else [])]
            layers[0] = {**layers[0], **({"role_path": role.path, "role_name": role.name} if role else {})}
        return self._known(value, layers, [role.defaults] if inherited is not None and role else [])

    def open(self, path: str, reference: Reference | None = None) -> YamlFile | None:
        """Read a file once. None: it can't be read, and a problem was noted where it was named.

        Raises LoadError when it was not named by another file.
        """
        known = self._opened.get(path)
        if known is not None:
            return known
        try:
            made = read_yaml(path, self.vault)
        except LoadError as error:
            if reference is None:
                raise
            for problem in error.problems:
                if problem.position is None:
                    reference.file.problem(problem.message, reference.position, problem.hint)
                else:
                    reference.file.problems.append(problem)
            return None
        self._opened[path] = made
        self.files.append(made)
        return made

    def find(self, file: YamlFile, name: str, kind: str = "") -> str:
        """Where a file that another names lies: in the same folder, or else in the playbook's; in each of them in
        the folder for its kind first, if it has one."""
        roots = [file.path] if self.root is None else [file.path, self.root]
        near = beside(file.path, name)
        places = (
            place
            for root in roots
            for place in (*([beside(root, f"{kind}/{name}")] if kind else ()), beside(root, name))
        )
        return next((place for place in places if Path(place).is_file()), near)

    def seen(self, path: str) -> bool:
        """Whether this file was read already."""
        return path in self._opened

    def settle(self) -> None:
        """Raise LoadError with all problems of all files, if there are any."""
        settle(self.files, self.warn)

    def digest(self) -> str:
        """Of the text of all files that were read."""
        return digest(
            *(
                text
                for file in self.files
                for text in (Path(file.path).name, file.source.sealed or file.source.text)
            )
        )


def beside(path: str, name: str) -> str:
    """The path of a file that the one at `path` names: it is looked for in the same folder."""
    return os.path.normpath(Path(path).parent / Path(name).expanduser())
