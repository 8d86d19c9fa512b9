"""Lists of tasks, blocks and imports, from YAML to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from .errors import Position, nearest
from .foreign_modules import INSTEAD_OF
from .identity import Siblings, canonical
from .keywords import (
    INSTEAD,
    KEYWORDS,
    LATER,
    STRUCTURE,
    known_at,
    read_keywords,
    unknown_keyword,
)  # fmt: skip
from .loader_call import Call, read_call
from .loader_defaults import Defaulted, with_defaults
from .loader_loops import is_with, read_loop
from .loader_reuse import INCLUDES, Chain, ReadList, Reuse, imports, refuse_loop
from .loader_session import Inherited, Session
from .model import Block, Loop, Node, Task
from .module_names import module_name
from .yamlfile import Entry, YamlFile, is_null, kind

_LABELS = ("name", "tags")
_CALLS = ("action", "local_action")
_OWN = {
    name: name for name in ("register", "until", "changed_when", "failed_when", "retries", "delay", "poll")
}
_OWN["async"] = "async_seconds"
ON_INCLUDES = frozenset(
    {
        "name", "when", "tags", "vars", "args", "loop", "loop_control", "register", "run_once", "ignore_errors",
        "no_log", "timeout", "collections", "debugger", "listen",
    }
)  # fmt: skip
"""Keywords that may stand beside `include_tasks` and `include_role`."""


class TaskReader:
    """Reads the lists of tasks of one file."""

    def __init__(
        self, session: Session, file: YamlFile, *, handlers: bool = False, chain: Chain = ()
    ) -> None:
        self._session = session
        self._file = file
        self._place = "handler" if handlers else "task"
        self._reuse = Reuse(session, file, handlers, (*chain, file.path), read_list(session))

    def read(
        self, node: yaml.Node | None, what: str, inherited: Inherited, siblings: Siblings
    ) -> tuple[Node, ...]:
        """The tasks and blocks of one list, which are among these siblings."""
        found: list[Node] = []
        for item in self._file.items(node, what):
            found += self._node(item, inherited, siblings)
        return tuple(found)

    def _node(self, item: yaml.Node, inherited: Inherited, siblings: Siblings) -> Sequence[Node]:
        if not isinstance(item, yaml.MappingNode):
            hint = (
                "Write: - NAME: with its arguments below." if not is_null(item) else "Remove the empty '-'."
            )
            self._file.problem(f"A task must be a mapping, not {kind(item)}", item, hint)
            return ()
        entries = self._file.entries(item, "A task")
        keys = {module_name(entry.key): entry for entry in entries}
        if keys.keys() & STRUCTURE["block"]:
            return self._block(item, entries, inherited, siblings)
        import_ = imports(keys)
        if import_ is not None:
            return self._import(import_, keys, entries, inherited, siblings)
        task = self._task(item, entries, inherited, siblings)
        return () if task is None else (task,)

    # ------------------------------------------------------------ blocks

    def _block(
        self, item: yaml.Node, entries: list[Entry], inherited: Inherited, siblings: Siblings
    ) -> Sequence[Node]:
        own, others = self._keywords(entries, "block")
        sections = {entry.key: entry for entry in others if entry.key in STRUCTURE["block"]}
        for entry in others:
            if entry.key not in sections:
                self._misfit(entry, "block")
        if "block" not in sections:
            first = next(iter(sections.values()))
            self._file.problem(f"'{first.key}' stands without 'block'", first.position)
        name = own.get("name")
        identity = siblings.identity("block " + canonical(name))
        inner = inherited.enter(own)
        body = replace(inner, rescued=inner.rescued or "rescue" in sections)
        read = {
            key: self.read(
                entry.node,
                f"'{key}'",
                body if key == "block" else inner,
                _place(siblings, key) if name is None else Siblings(identity, key),
            )
            for key, entry in sections.items()
        }
        return [
            Block(
                body=read.get("block", ()),
                rescue=read.get("rescue", ()),
                always=read.get("always", ()),
                name=name,
                position=self._file.position(item),
                identity=identity,
            )
        ]

    # ------------------------------------------------------------ imports

    def _import(
        self,
        name: str,
        keys: Mapping[str, Entry],
        entries: list[Entry],
        inherited: Inherited,
        siblings: Siblings,
    ) -> Sequence[Node]:
        named, extra = keys[name], keys.get("args")
        rest = refuse_loop(self._file, [e for e in entries if e not in (named, extra)], name)
        own, others = self._keywords(rest, "block")
        for other in others:
            if other.key not in KEYWORDS:
                self._misfit(other, "block")
        if name == "import_role":
            return self._reuse.role(named, extra, own, inherited, siblings)
        return self._reuse.tasks(named, own, inherited, siblings)

    # ------------------------------------------------------------ tasks

    def _task(
        self, item: yaml.Node, entries: list[Entry], inherited: Inherited, siblings: Siblings
    ) -> Task | None:
        before = len(self._file.texts)
        own, others = self._keywords(entries, self._place)
        by_key = {entry.key: entry for entry in entries}
        loop = read_loop(self._file, by_key, own.pop("loop", None), self._session.warn)
        call = self._call(item, others, by_key.get("args"))
        if call is None:
            return None
        if call.local:
            own["delegate_to"] = "localhost"
        around = inherited
        if call.module in INCLUDES:
            self._refuse_on_include(call, entries)
            call, around = self._reuse.handed_on(call, entries, inherited)
        inside = inherited.enter(own)
        made = with_defaults(call, inside, self._session.modules)
        if not made.late and made.call.template is None and call.named is None:
            self._check(made.call, handled=inside.handled or "failed_when" in own)
        if inside.handled:
            self._file.leave_to_task(self._file.texts[before:])
        kept = {name: value for name, value in own.items() if name not in (*_LABELS, "args", "loop_control")}
        kept["loop"] = loop
        more = [call.template] if call.template is not None else []
        identity = siblings.identity(canonical([call.module, call.args, kept, *more]))
        task = self._made(made, own, loop, inside, identity, self._file.position(item))
        if call.module in INCLUDES:
            task = replace(task, params=own.get("vars", {}), around=around)
            self._reuse.look_into(task, call)
        return task

    def _refuse_on_include(self, call: Call, entries: list[Entry]) -> None:
        """As Ansible does: most keywords say nothing of a file or role that is included."""
        for entry in entries:
            if entry.key in KEYWORDS and entry.key not in ON_INCLUDES:
                hint = f"Write it on the tasks of the file, or under `apply:` of '{call.module}'."
                message = f"'{entry.key}' can't stand beside '{call.module}'"
                self._file.problem(message, entry.position, hint)

    def _check(self, call: Call, *, handled: bool) -> None:
        """What is wrong with the arguments. Where the playbook deals with the failure itself, it is the task that
        fails when its turn comes, as in Ansible."""
        for problem in map(self._file.source.show, self._session.modules.check(call)):
            if handled:
                self._session.warn(problem)
            else:
                self._file.problems.append(problem)

    def _made(
        self,
        made: Defaulted,
        own: Mapping[str, Any],
        loop: Loop | None,
        around: Inherited,
        identity: str,
        at: Position,
    ) -> Task:
        call = made.call
        return Task(
            module=call.module,
            args=call.args,
            position=at,
            identity=identity,
            name=own.get("name"),
            module_template=call.named,
            arg_positions=call.positions,
            args_template=call.template,
            late_defaults=made.late,
            loop=loop,
            when=around.when,
            tags=around.tags,
            vars=around.vars,
            environment=around.environment,
            module_defaults=around.module_defaults,
            role=around.role,
            notify=around.notify,
            listen=own.get("listen", ()),
            **{_OWN[name]: own[name] for name in _OWN if own.get(name) is not None},
            **{**around.settings, **made.settings},
        )

    def _keywords(self, entries: list[Entry], place: str) -> tuple[dict[str, Any], list[Entry]]:
        self._session.notified += [(self._file, entry) for entry in entries if entry.key == "notify"]
        return read_keywords(self._file, entries, place, self._session.warn)

    def _misfit(self, entry: Entry, place: str) -> None:
        """Note a key that has no place here: a keyword of elsewhere, or a module."""
        if self._session.modules.has(module_name(entry.key)):
            self._file.problem(f"A {place} can't call a module: '{entry.key}'", entry.position)
        else:
            unknown_keyword(self._file, entry, place)

    def _call(self, item: yaml.Node, others: list[Entry], extra: Entry | None) -> Call | None:
        """Find the module among the keys that are no keywords, and read its call."""
        has = self._session.modules.has
        others = [e for e in others if not is_with(e.key)]
        modules = [e for e in others if e.key in _CALLS or has(module_name(e.key))]
        strange = [e for e in others if e not in modules]
        if not modules:
            self._no_module(item, strange)
            return None
        for entry in strange:
            unknown_keyword(self._file, entry, self._place, module=modules[0])
        for entry in modules[1:]:
            first = modules[0]
            hint = f"'{first.key}' stands in line {first.position.line}. Start another task with '- '."
            self._file.problem(f"A second module in one task: '{entry.key}'", entry.position, hint)
        return read_call(self._file, modules[0], extra, self._session.modules) if len(modules) == 1 else None

    def _no_module(self, item: yaml.Node, strange: list[Entry]) -> None:
        known = {*KEYWORDS, *INSTEAD, *LATER, *STRUCTURE["play"]}
        unknown = [e for e in strange if e.key not in known]
        for entry in strange:
            if entry not in unknown:
                unknown_keyword(self._file, entry, self._place)
        if len(unknown) == 1:
            entry = unknown[0]
            hint = self._session.modules.hint(entry.key, ())
            foreign = module_name(entry.key)
            if foreign in INSTEAD_OF:
                message = f"The module '{foreign}' is not supported"
                self._file.problem(message, entry.position, INSTEAD_OF[foreign])
            elif hint is None and nearest(entry.key, known_at(self._place)):
                unknown_keyword(self._file, entry, self._place)
            else:
                hint = hint or "'runbook doc' lists the modules."
                self._file.problem(f"There is no module '{entry.key}'", entry.position, hint)
        for entry in unknown if len(unknown) > 1 else ():
            hint = self._session.modules.hint(entry.key, known_at(self._place))
            message = f"'{entry.key}' is neither a module nor a keyword of a {self._place}"
            self._file.problem(message, entry.position, hint)
        if not strange:
            hint = "Name one, with its arguments: '- debug: {msg: hello}'."
            self._file.problem("This task calls no module", item, hint)


def _place(siblings: Siblings, section: str) -> Siblings:
    """Where the tasks of a block without a name are counted."""
    return siblings if section == "block" else siblings.section(section)


def read_list(session: Session) -> ReadList:
    """How the files of this loading are read."""

    def read(
        file: YamlFile, inherited: Inherited, siblings: Siblings, handlers: bool, chain: Chain
    ) -> tuple[Node, ...]:
        reader = TaskReader(session, file, handlers=handlers, chain=chain)
        return reader.read(file.root, "A file of tasks", inherited, siblings)

    return read
