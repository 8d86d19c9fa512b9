"""Roles: from their folders to nodes and handlers, with what they need before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from .errors import Position
from .identity import Siblings, canonical, digest
from .keywords import KEYWORDS, read_keywords
from .loader_session import Inherited, Reference, Session
from .model import Block, Node, Role, Task, Value
from .role_files import main_files, role_places
from .values import Template
from .varfiles import vars_of
from .yamlfile import Entry, YamlFile, is_null, kind

ReadTasks: TypeAlias = Callable[[YamlFile, Inherited, Siblings, bool], tuple[Node, ...]]
"""Reads a file of tasks or, with true, of handlers."""

_KEYWORDS = frozenset(name for name, one in KEYWORDS.items() if "block" in one.places) - {"notify"}
"""What may stand beside a role's name and is no parameter of it."""
_NAMES = ("role", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUse:
    """How a play, a role or a task uses a role."""

    name: str
    reference: Reference
    keywords: Mapping[str, Any] = field(default_factory=dict)
    """As they were read: `when`, `tags`, `vars`, ..."""
    params: Mapping[str, Value] = field(default_factory=dict)
    tasks_from: str | None = None
    handlers_from: str | None = None
    vars_from: str | None = None
    defaults_from: str | None = None
    parents: tuple[Role, ...] = ()
    by_include: bool = False
    public: bool = True
    allow_duplicates: bool | None = None
    """None: as its `meta/main.yml` says."""
    validate: bool = True


@dataclass(frozen=True, slots=True)
class ReadRole:
    """A role and what it brings: nodes and handlers of what it needs come first."""

    role: Role
    nodes: tuple[Node, ...]
    handlers: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class _Meta:
    file: YamlFile | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        entry = self.entries.get(name)
        return self.file is not None and entry is not None and bool(self.file.value(entry.node))


class RoleReader:
    """Reads roles for one loading."""

    def __init__(self, session: Session, read_tasks: ReadTasks) -> None:
        self._session = session
        self._read_tasks = read_tasks

    # ------------------------------------------------------------ how a role is named

    def listed(self, file: YamlFile, entry: Entry) -> list[RoleUse]:
        """The roles of a list: `roles` of a play, `dependencies` of a role."""
        uses = (self._listed(file, item) for item in file.items(entry.node, f"'{entry.key}'"))
        return [use for use in uses if use is not None]

    def _listed(self, file: YamlFile, item: yaml.Node) -> RoleUse | None:
        if not isinstance(item, yaml.MappingNode):
            name = self._name(file, item)
            return RoleUse(name=name, reference=Reference(file, file.position(item))) if name else None
        entries = file.entries(item, "A role")
        named = next((entry for key in _NAMES for entry in entries if entry.key == key), None)
        if named is None:
            file.problem("This role has no name", item, "Write: - role: NAME")
            return None
        name = self._name(file, named.node)
        if name is None:
            return None
        own = [entry for entry in entries if entry.key in _KEYWORDS and entry.key != "name"]
        keywords, _ = read_keywords(file, own, "block", self._session.warn)
        params = {
            e.key: file.value(e.node) for e in entries if e.key not in _KEYWORDS and e.key not in _NAMES
        }
        at = Reference(file, file.position(named.node))
        return RoleUse(name=name, reference=at, keywords=keywords, params=params)

    def _name(self, file: YamlFile, node: yaml.Node) -> str | None:
        name = self._session.known(file.value(node))
        if isinstance(name, Template):
            hint = "A role is read before the run; use include_role when its name is known later."
            file.problem("The name of this role is not known yet", node, hint)
        elif isinstance(name, bool | int | float) or (isinstance(name, str) and name):
            return str(name)
        else:
            file.problem(f"A role is named by a text, not by {kind(node)}", node)
        return None

    # ------------------------------------------------------------ reading one

    def read(self, use: RoleUse, inherited: Inherited, siblings: Siblings) -> ReadRole | None:
        """The role and what it needs; None: a problem was noted. Raises what `Session.open` raises."""
        path = self._find(use)
        if path is None:
            return None
        if len(use.parents) > _DEEPEST:
            chain = " -> ".join([*(one.name for one in use.parents), use.name])
            use.reference.file.problem(f"The role needs itself: {chain}", use.reference.position)
            return None
        self._session.modules.bring(path / "library")
        identity = siblings.identity(f"role {use.name}")
        meta = self._meta(path, use)
        around = inherited.enter({**use.keywords, "vars": {}})
        role = self._role(use, path, identity, meta)
        needed = self._dependencies(meta, role, around, Siblings(identity, "needed"))
        role = replace(role, dependencies=tuple(one.role for one in needed))
        around = replace(around, role=role)
        own = [*self._validation(role, meta, use, around), *self._own(role, use, around)]
        block = Block(
            body=tuple(own), name=None, position=use.reference.position, identity=identity, role=role
        )
        handlers = self._handlers(role, use, around)
        return ReadRole(
            role,
            (*(node for one in needed for node in one.nodes), block),
            (*(node for one in needed for node in one.handlers), *handlers),
        )

    def _find(self, use: RoleUse) -> Path | None:
        beside = Path(use.parents[-1].path).parent if use.parents else None
        places = list(role_places(use.name, self._session.playbook_dir, self._session.roles_path, beside))
        found = next((place for place in places if place.is_dir()), None)
        if found is None:
            looked = ", ".join(dict.fromkeys(os.path.relpath(place.parent) for place in places))
            use.reference.file.problem(
                f"There is no role '{use.name}'", use.reference.position, f"Looked into {looked}."
            )
        return found

    def _role(self, use: RoleUse, path: Path, identity: str, meta: _Meta) -> Role:
        given = use.keywords.get("vars", {})
        files = (use.tasks_from, use.handlers_from, use.vars_from, use.defaults_from)
        manner = {key: value for key, value in use.keywords.items() if key != "name"}
        duplicates = meta.flag("allow_duplicates") if use.allow_duplicates is None else use.allow_duplicates
        return Role(
            name=use.name,
            path=str(path),
            identity=identity,
            key=digest(str(path), canonical([files, manner, use.params])),
            defaults=self._variables(path, "defaults", use.defaults_from, use),
            vars=self._variables(path, "vars", use.vars_from, use),
            given=given,
            params=use.params,
            parents=use.parents,
            by_include=use.by_include,
            public=use.public,
            allow_duplicates=duplicates,
        )

    # ------------------------------------------------------------ its files

    def _files(
        self, path: Path, folder: str, named: str | None, use: RoleUse, *, whole: bool = False
    ) -> list[YamlFile]:
        found = main_files(path / folder, named, whole_folder=whole)
        if named is not None and not found:
            use.reference.file.problem(
                f"The role '{use.name}' has no file {folder}/{named}", use.reference.position
            )
        opened = (self._session.open(str(one), use.reference) for one in found)
        return [file for file in opened if file is not None]

    def _variables(self, path: Path, folder: str, named: str | None, use: RoleUse) -> Mapping[str, Value]:
        merged: dict[str, Value] = {}
        for file in self._files(path, folder, named, use, whole=True):
            merged.update(vars_of(file))
        return merged

    def _own(self, role: Role, use: RoleUse, around: Inherited) -> tuple[Node, ...]:
        files = self._files(Path(role.path), "tasks", use.tasks_from, use)
        siblings = Siblings(role.identity, use.tasks_from or "tasks")
        return tuple(node for file in files for node in self._read_tasks(file, around, siblings, False))

    def _handlers(self, role: Role, use: RoleUse, around: Inherited) -> tuple[Node, ...]:
        files = self._files(Path(role.path), "handlers", use.handlers_from, use)
        siblings = Siblings(role.identity, "handlers")
        return tuple(node for file in files for node in self._read_tasks(file, around, siblings, True))

    # ------------------------------------------------------------ meta

    def _meta(self, path: Path, use: RoleUse) -> _Meta:
        for file in self._files(path, "meta", None, use):
            if file.root is None or is_null(file.root):
                continue
            return _Meta(
                file, {entry.key: entry for entry in file.entries(file.root, "A role's meta/main.yml")}
            )
        return _Meta()

    def _dependencies(self, meta: _Meta, role: Role, around: Inherited, siblings: Siblings) -> list[ReadRole]:
        entry = meta.entries.get("dependencies")
        if meta.file is None or entry is None or is_null(entry.node):
            return []
        found = []
        for use in self.listed(meta.file, entry):
            chained = replace(use, parents=(*role.parents, role), public=role.public)
            read = self.read(chained, around, siblings)
            if read is not None:
                found.append(read)
        return found

    def _validation(self, role: Role, meta: _Meta, use: RoleUse, around: Inherited) -> list[Task]:
        """The step that holds the role's arguments against its argument_specs, if there are some."""
        point = Path(use.tasks_from or "main").stem
        spec = self._specs(Path(role.path), meta, use).get(point) if use.validate else None
        if not isinstance(spec, Mapping):
            return []
        told = spec.get("short_description")
        context = {"type": "role", "name": role.name, "argument_spec_name": point, "path": role.path}
        args = {
            "argument_spec": spec.get("options") or {},
            "provided_arguments": dict(use.params),
            "validate_args_context": context,
        }
        return [
            Task(
                module="validate_argument_spec",
                args=args,
                position=Position(f"{role.path}/tasks/main.yml", 1, 1),
                identity=digest(role.identity, "argument_specs", point),
                name=f"Validating arguments against arg spec '{point}'" + (f" - {told}" if told else ""),
                role=role,
                when=around.when,
                tags=around.tags | {"always"},
                vars=around.vars,
            )
        ]

    def _specs(self, path: Path, meta: _Meta, use: RoleUse) -> Mapping[str, Any]:
        found = main_files(path / "meta", "argument_specs")
        file = self._session.open(str(found[0]), use.reference) if found else None
        if file is not None and file.root is not None and not is_null(file.root):
            entries = {entry.key: entry for entry in file.entries(file.root, "argument_specs")}
        else:
            file, entries = meta.file, dict(meta.entries)
        entry = entries.get("argument_specs")
        specs = file.value(entry.node) if file is not None and entry is not None else None
        return specs if isinstance(specs, Mapping) else {}


_DEEPEST = 30
"""More roles in one chain are a circle."""
