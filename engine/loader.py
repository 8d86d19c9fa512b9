"""Playbooks from YAML to the model. What can be known before a run is checked here, and told at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from .errors import LoadError, Problem, nearest
from .identity import Siblings, canonical, digest
from .keyword_values import Warn
from .keywords import STRUCTURE, known_at, read_keywords, unknown_keyword
from .loader_call import Catalog
from .loader_names import Names
from .loader_notified import check_notified
from .loader_reuse import tasks_of_roles
from .loader_roles import ReadRole, RoleReader
from .loader_session import Inherited, Reference, Session, beside
from .loader_tasks import TaskReader, read_list
from .model import NO_VARS, Node, Play, Playbook, Task, Value
from .module_names import module_name
from .values import Expression, Template
from .varfiles import load_vars, vars_of
from .vault import Vault
from .yamlfile import Entry, YamlFile, is_null, kind

_PLAY_FIELDS = (
    "vars_files", "vars_prompt", "serial", "strategy", "max_fail_percentage", "any_errors_fatal", "force_handlers",
    "order", "gather_facts", "gather_subset", "fact_path", "connection", "aws", "no_log", "ignore_errors",
    "environment",
)  # fmt: skip
_SECTIONS = ("pre_tasks", "tasks", "post_tasks")


def _silent(_problem: Problem) -> None:
    return None


def load_playbook(
    path: str,
    catalog: Catalog,
    *,
    more: Sequence[str] = (),
    roles_path: Sequence[str] = (),
    extra_vars: Mapping[str, Value] = NO_VARS,
    warn: Warn = _silent,
    vault: Vault | None = None,
) -> Playbook:
    """Read a playbook and all that it imports. `warn` is told what works but should be written otherwise.

    more: playbooks that are played behind it, as one. roles_path: folders of roles beside those of the playbook.
    extra_vars: what names of imported files and roles can be made of, beside the variables of the play.
    vault: opens files that are encrypted. Raises LoadError with all problems of all files.
    """
    names = Names(extra_vars, Path(path).resolve().parent)
    reader = _PlaybookReader(Session(catalog, warn, roles_path=roles_path, known=names, vault=vault), names)
    plays: list[Play] = []
    firsts: dict[int, str] = {}
    for each in (path, *more):
        if plays:
            firsts[len(plays)] = each
        plays += reader.read(each)
    reader.session.settle()
    return Playbook(path, tuple(plays), reader.session.digest(), firsts, tuple(roles_path))


def look_through(
    path: str, catalog: Catalog, *, roles_path: Sequence[str] = (), warn: Warn = _silent
) -> Session:
    """Read a playbook as far as it can be read: what is wrong stays with the session's files. Raises LoadError when
    there is nothing to read."""
    names = Names(NO_VARS, Path(path).resolve().parent)
    reader = _PlaybookReader(Session(catalog, warn, roles_path=roles_path, known=names), names)
    reader.read(path)
    return reader.session


@dataclass(frozen=True, slots=True)
class _Around:
    """What `import_playbook` adds to the plays of the file."""

    when: tuple[Expression, ...] = ()
    tags: frozenset[str] = frozenset()
    vars: Mapping[str, Value] = field(default_factory=dict)

    def enter(self, own: Mapping[str, Any]) -> _Around:
        return _Around(
            self.when + own.get("when", ()),
            self.tags | own.get("tags", frozenset()),
            {**own.get("vars", {}), **self.vars},
        )


class _PlaybookReader:
    def __init__(self, session: Session, names: Names) -> None:
        self.session = session
        self._names = names
        self._roles = RoleReader(session, tasks_of_roles(read_list(session)))
        self._siblings = Siblings("playbook")

    def read(self, path: str) -> list[Play]:
        file = self.session.open(path)
        if file is None or (file.root is None and file.problems):
            return []
        if file.root is None or is_null(file.root):
            hint = "It is a list of plays: '- hosts: ...'."
            raise LoadError([Problem(f"The playbook {path} is empty", hint=hint)])
        return self._plays(file, _Around(), (path,))

    def _plays(self, file: YamlFile, around: _Around, chain: tuple[str, ...]) -> list[Play]:
        outer, self.session.root = self.session.root, file.path
        try:
            return self._listed(file, around, chain)
        finally:
            self.session.root = outer

    def _listed(self, file: YamlFile, around: _Around, chain: tuple[str, ...]) -> list[Play]:
        if isinstance(file.root, yaml.MappingNode):
            hint = "Start each play with '- hosts: '."
            file.problem("A playbook is a list of plays, not a mapping", file.root, hint)
            return []
        found: list[Play] = []
        for item in file.items(file.root, "A playbook"):
            if not isinstance(item, yaml.MappingNode):
                file.problem(
                    f"A play must be a mapping, not {kind(item)}", item, "Start it with '- hosts: '."
                )
                continue
            entries = file.entries(item, "A play")
            imported = next((e for e in entries if module_name(e.key) == "import_playbook"), None)
            if imported:
                found += self._imported(file, imported, entries, around, chain)
            else:
                found += self._play(file, item, entries, around)
        return found

    def _imported(
        self, file: YamlFile, entry: Entry, entries: list[Entry], around: _Around, chain: tuple[str, ...]
    ) -> list[Play]:
        own, others = read_keywords(file, [e for e in entries if e is not entry], "import", self.session.warn)
        for other in others:
            unknown_keyword(file, other, "import")
        self._names.play = [around.enter(own).vars]
        name = self.session.known(file.value(entry.node))
        if not isinstance(name, str) or not name:
            hint = (
                "It is read before the run: give what it needs with -e."
                if isinstance(name, Template)
                else None
            )
            file.problem(
                f"'import_playbook' takes the name of a file, not {kind(entry.node)}", entry.node, hint
            )
            return []
        path = beside(file.path, name)
        if path in chain:
            file.problem(
                f"'{name}' imports itself: {' -> '.join((*chain[chain.index(path) :], path))}", entry.node
            )
            return []
        other_file = self.session.open(path, Reference(file, file.position(entry.node)))
        return self._plays(other_file, around.enter(own), (*chain, path)) if other_file else []

    # ------------------------------------------------------------ one play

    def _play(self, file: YamlFile, item: yaml.Node, entries: list[Entry], around: _Around) -> list[Play]:
        own, others = read_keywords(file, entries, "play", self.session.warn)
        sections = {entry.key: entry for entry in others if entry.key in STRUCTURE["play"]}
        by_key = {entry.key: entry for entry in entries}
        if "hosts" not in by_key:
            if self._is_task(file, item, by_key):
                return []
            if not any(nearest(key, ["hosts"]) for key in by_key):
                file.problem("This play has no 'hosts'", item, "Say where it plays: 'hosts: localhost'.")
        for entry in others:
            if entry.key not in sections:
                self._misfit(file, entry)
        self._look_into_vars(file, by_key.get("vars_files"))
        hosts = own.get("hosts", ())
        name = own.get("name")
        identity = self._siblings.identity(canonical(name if name is not None else list(hosts)))
        play_vars = {**own.get("vars", {}), **around.vars}
        inherited = Inherited(when=around.when, tags=around.tags).enter({**own, "vars": {}})
        self._names.play = [play_vars]
        for left in (self.session.notified, self.session.roles, self.session.handlers):
            left.clear()
        own_handlers = self._section(file, sections.get("handlers"), replace(inherited, when=()), identity)
        listed = self._play_roles(file, sections.get("roles"), inherited, identity)
        tasks = self._tasks(file, sections, listed, inherited, identity)
        handlers = (*(h for role in listed for h in role.handlers), *own_handlers, *self.session.handlers)
        check_notified(self.session, handlers, sections.get("handlers"), tasks)
        made = {key: own[key] for key in _PLAY_FIELDS if own.get(key) is not None}
        return [
            Play(
                name=name,
                hosts=hosts[0] if len(hosts) == 1 else hosts,
                position=file.position(item),
                identity=identity,
                tasks=tasks,
                handlers=handlers,
                roles=(*(each.role for each in listed), *self.session.roles),
                vars=play_vars,
                tags=inherited.tags,
                **made,
            )
        ]

    def _play_roles(
        self, file: YamlFile, section: Entry | None, inherited: Inherited, identity: str
    ) -> list[ReadRole]:
        if section is None or is_null(section.node):
            return []
        siblings = Siblings(identity, "roles")
        read = (self._roles.read(use, inherited, siblings) for use in self._roles.listed(file, section))
        return [one for one in read if one is not None]

    def _tasks(
        self,
        file: YamlFile,
        sections: Mapping[str, Entry],
        roles: Sequence[ReadRole],
        inherited: Inherited,
        identity: str,
    ) -> tuple[Node, ...]:
        """`pre_tasks`, `roles`, `tasks` and `post_tasks` in this order; what they notified runs after `pre_tasks`,
        and before `post_tasks`."""
        read = {key: self._section(file, sections.get(key), inherited, identity) for key in _SECTIONS}
        middle = (*(node for role in roles for node in role.nodes), *read["tasks"])
        found: list[Node] = []
        for key, nodes in (
            ("pre_tasks", read["pre_tasks"]),
            ("tasks", middle),
            ("post_tasks", read["post_tasks"]),
        ):
            if nodes and found:
                entry = sections.get(key) or sections.get("roles")
                assert entry is not None  # noqa: S101 (its nodes came from there)
                found.append(self._flush(entry, inherited, identity))
            found += nodes
        return tuple(found)

    def _flush(self, before: Entry, inherited: Inherited, identity: str) -> Task:
        argument = self.session.modules.free_form("meta") or "word"
        return Task(
            module="meta",
            args={argument: "flush_handlers"},
            position=before.position,
            identity=digest(identity, "flush before", before.key),
            name="flush handlers",
            when=inherited.when,
            tags=frozenset({"always"}),
            implicit=True,
        )

    def _section(
        self, file: YamlFile, section: Entry | None, inherited: Inherited, identity: str
    ) -> tuple[Node, ...]:
        if section is None:
            return ()
        reader = TaskReader(self.session, file, handlers=section.key == "handlers")
        return reader.read(section.node, f"'{section.key}'", inherited, Siblings(identity, section.key))

    # ------------------------------------------------------------ checks

    def _is_task(self, file: YamlFile, item: yaml.Node, keys: Collection[str]) -> bool:
        known = known_at("play")
        modules = any(self.session.modules.has(module_name(key)) for key in keys if key not in known)
        if modules or any(key in STRUCTURE["block"] for key in keys):
            hint = "Put it under 'tasks:' of a play: '- hosts: ...'."
            file.problem("This is a task, but a playbook is a list of plays", item, hint)
            return True
        return False

    def _misfit(self, file: YamlFile, entry: Entry) -> None:
        if self.session.modules.has(module_name(entry.key)):
            hint = "Put it into the list under 'tasks:'."
            file.problem(f"A play can't call a module: '{entry.key}'", entry.position, hint)
        else:
            unknown_keyword(file, entry, "play")

    def _look_into_vars(self, file: YamlFile, entry: Entry | None) -> None:
        """Read files of variables whose names are plain text now, so that what is wrong in them shows at once."""
        if entry is None:
            return
        nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
        for node in nodes:
            name = file.value(node)
            if isinstance(name, str) and name:
                place = self.session.find(file, name, "vars")
                other = self.session.open(place, Reference(file, file.position(node)))
                if other is not None:
                    vars_of(other)


__all__ = ["Catalog", "load_playbook", "load_vars"]
