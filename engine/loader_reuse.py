"""What a task brings from elsewhere: `import_tasks`, `import_role`, and what includes hand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from .identity import Siblings
from .keywords import read_keywords, unknown_keyword
from .loader_call import Call, read_call
from .loader_loops import is_with
from .loader_roles import ReadTasks, RoleReader, RoleUse
from .loader_session import Inherited, Reference, Session, beside
from .model import Node, Role, Task
from .module_names import module_name
from .values import Template
from .yamlfile import Entry, YamlFile

INCLUDES = frozenset({"include_tasks", "include_role"})
IMPORTS = frozenset({"import_tasks", "import_role"})

Chain: TypeAlias = tuple[str, ...]
"""Files that import each other down to one."""
ReadList: TypeAlias = Callable[[YamlFile, Inherited, Siblings, bool, Chain], tuple[Node, ...]]
"""Reads a file of tasks or, with true, of handlers."""

_FROM = ("tasks_from", "handlers_from", "vars_from", "defaults_from")
_ROLE = frozenset({"name", "role", "apply", "public", "allow_duplicates", "rolespec_validate", *_FROM})
_HOLDS_APPLY = frozenset({*INCLUDES, "args", "action"})
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(frozen=True, slots=True)
class Reuse:
    """The imports of one file."""

    session: Session
    file: YamlFile
    handlers: bool
    """It holds handlers."""
    chain: Chain
    read_list: ReadList

    @property
    def _role_reader(self) -> RoleReader:
        return RoleReader(self.session, tasks_of_roles(self.read_list))

    # ------------------------------------------------------------ import_tasks

    def tasks(
        self, entry: Entry, own: Mapping[str, Any], inherited: Inherited, siblings: Siblings
    ) -> Sequence[Node]:
        """The tasks that `import_tasks` names."""
        inner = inherited.enter(own)
        name = self._imported(entry, inner)
        if name is None:
            return ()
        path = find_tasks(self.session, self.file, name, inner.role, self.chain, handlers=self.handlers)
        identity = siblings.identity(f"import {name}")
        if self.chain.count(path) > 0:
            chain = " -> ".join((*self.chain[self.chain.index(path) :], path))
            self.file.problem(f"'{name}' imports itself: {chain}", entry.node)
            return ()
        file = self.session.open(path, Reference(self.file, self.file.position(entry.node)))
        return self.read_list(file, inner, Siblings(identity), self.handlers, self.chain) if file else ()

    def _imported(self, entry: Entry, inner: Inherited) -> str | None:
        value = self.file.value(entry.node)
        if isinstance(value, dict) and set(value) == {"file"}:
            value = value["file"]
        value = self.session.known(value, inner)
        if isinstance(value, Template):
            hint = "An import is read before the run; use include_tasks when the name is known later."
            self.file.problem("The name of these tasks is not known yet", entry.node, hint)
        elif not isinstance(value, str) or not value.strip():
            self.file.problem("'import_tasks' takes the name of a file", entry.node)
        else:
            return value.strip().removeprefix("file=").strip("'\"")
        return None

    # ------------------------------------------------------------ import_role

    def role(
        self,
        entry: Entry,
        extra: Entry | None,
        own: Mapping[str, Any],
        inherited: Inherited,
        siblings: Siblings,
    ) -> Sequence[Node]:
        """The tasks of the role that `import_role` names; its handlers and itself join the play."""
        call = read_call(self.file, entry, extra, self.session.modules)
        if call is None:
            return ()
        inner = inherited.enter(own)
        args = {name: self.session.known(value, inner) for name, value in call.args.items()}
        use = self._use(call, args, own, inherited.role)
        read = use and self._role_reader.read(use, inner, siblings)
        if not read:
            return ()
        self.session.roles.append(read.role)
        self.session.handlers += read.handlers
        return read.nodes

    def _use(
        self, call: Call, args: Mapping[str, Any], own: Mapping[str, Any], parent: Role | None
    ) -> RoleUse | None:
        name = args.get("name", args.get("role"))
        at = Reference(self.file, call.positions.get("name", call.position))
        for key in args:
            if key not in _ROLE or key == "apply":
                self.file.problem(
                    f"'{call.module}' has no argument '{key}'", call.positions.get(key, call.position)
                )
        if isinstance(name, Template):
            hint = "An import is read before the run; use include_role when the name is known later."
            self.file.problem("The name of this role is not known yet", at.position, hint)
            return None
        if not isinstance(name, str) or not name:
            self.file.problem(f"'{call.module}' takes the name of a role", call.position, "Write: name: ROLE")
            return None
        files: dict[str, Any] = {key: str(args[key]) for key in _FROM if args.get(key)}
        return RoleUse(
            name=name,
            reference=at,
            keywords={"vars": own["vars"]} if own.get("vars") else {},
            parents=(*parent.parents, parent) if parent else (),
            by_include=True,
            public=flag(args.get("public"), True),
            allow_duplicates=flag(args.get("allow_duplicates"), True),
            validate=flag(args.get("rolespec_validate"), True),
            **files,
        )

    # ------------------------------------------------------------ includes

    def handed_on(self, call: Call, entries: Sequence[Entry], inherited: Inherited) -> tuple[Call, Inherited]:
        """What an included file inherits: what is around the include, and its `apply`. The call comes back
        without `apply`."""
        if "apply" not in call.args:
            return call, inherited
        left = replace(call, args={name: value for name, value in call.args.items() if name != "apply"})
        node = self._apply(entries)
        if node is None or not isinstance(node, yaml.MappingNode):
            at = call.positions.get("apply", call.position)
            self.file.problem("'apply' takes keywords with their values, such as 'tags'", at)
            return left, inherited
        own, others = read_keywords(self.file, self.file.entries(node, "'apply'"), "block", self.session.warn)
        for other in others:
            unknown_keyword(self.file, other, "block")
        return left, inherited.enter(own)

    def _apply(self, entries: Sequence[Entry]) -> yaml.Node | None:
        for entry in entries:
            if isinstance(entry.node, yaml.MappingNode) and module_name(entry.key) in _HOLDS_APPLY:
                for inner in self.file.entries(entry.node, f"'{entry.key}'"):
                    if inner.key == "apply":
                        return inner.node
        return None

    def look_into(self, task: Task, call: Call) -> None:
        """Read an included file whose name is plain text now, so that what is wrong in it shows before the run.

        One that is not there fails the step when its turn comes: a rescue may be waiting for it.
        """
        name = call.args.get("file")
        if not isinstance(name, str) or not name:
            return
        path = find_tasks(self.session, self.file, name, task.role, self.chain, handlers=self.handlers)
        if self.session.seen(path) or not Path(path).is_file():
            return
        file = self.session.open(path, Reference(self.file, call.positions.get("file", call.position)))
        if file is not None:
            roles, handlers = list(self.session.roles), list(self.session.handlers)
            self.read_list(file, task.around, Siblings(task.identity), self.handlers, ())
            self.session.roles[:], self.session.handlers[:] = roles, handlers


def tasks_of_roles(read_list: ReadList) -> ReadTasks:
    """How the files of a role are read."""
    return lambda file, inherited, siblings, handlers: read_list(file, inherited, siblings, handlers, ())


def flag(value: Any, default: bool) -> bool:
    """A boolean argument, in Ansible's words, too."""
    if value is None:
        return default
    return value if isinstance(value, bool) else _WORDS.get(str(value).lower(), default)


def find_tasks(
    session: Session, file: YamlFile, name: str, role: Role | None, chain: Chain, *, handlers: bool
) -> str:
    """Where a file of tasks lies: in the folder of the role, beside the file that names it and those that imported
    that, in the playbook's folder. Where it would be expected when it is nowhere."""
    given = Path(name).expanduser()
    folder = "handlers" if handlers else "tasks"
    near = [beside(path, name) for path in dict.fromkeys((file.path, *reversed(chain)))]
    own = [Path(role.path, folder, given), Path(role.path, given)] if role else []
    root = session.root
    far = [beside(root, f"{folder}/{name}") if role else "", beside(root, name)] if root else []
    places = [*map(str, own[:1]), *near, *map(str, own[1:]), *(place for place in far if place)]
    found = next((place for place in places if Path(place).is_file()), places[0])
    return os.path.normpath(found)


def imports(keys: Mapping[str, Entry]) -> str | None:
    """Which import a task is, if it is one."""
    return next((name for name in IMPORTS if name in keys), None)


def refuse_loop(file: YamlFile, entries: Sequence[Entry], name: str) -> list[Entry]:
    """The entries without loops, which an import can't have."""
    left = []
    for entry in entries:
        if entry.key == "loop" or is_with(entry.key):
            hint = f"An import is read before the run; use {name.replace('import', 'include')} to loop."
            file.problem(f"'{name}' can't loop", entry.position, hint)
        else:
            left.append(entry)
    return left
