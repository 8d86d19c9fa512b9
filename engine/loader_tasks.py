"""Lists of tasks, blocks and imports, from YAML to the model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .errors import Position, nearest
from .identity import Siblings, canonical
from .keywords import (
    INSTEAD,
    KEYWORDS,
    LATER,
    LOOP_CONTROL,
    STRUCTURE,
    known_at,
    read_keywords,
    unknown_keyword,
)  # fmt: skip
from .loader_call import Call, module_name, read_call
from .loader_session import Inherited, Reference, Session, beside
from .model import Block, Loop, Node, Task, Value
from .values import Template
from .yamlfile import Entry, YamlFile, is_null, kind

_LABELS = ("name", "tags")
_CALLS = ("action", "local_action")
_OWN = ("register", "until", "changed_when", "failed_when", "retries", "delay")


class TaskReader:
    """Reads the lists of tasks of one file."""

    def __init__(
        self, session: Session, file: YamlFile, *, handlers: bool = False, chain: Sequence[str] = ()
    ) -> None:
        self._session = session
        self._file = file
        self._place = "handler" if handlers else "task"
        self._chain = (*chain, file.path)
        """Files that import each other down to this one."""

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
        if "import_tasks" in keys:
            return self._import(keys["import_tasks"], entries, inherited, siblings)
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
        read = {
            key: self.read(
                entry.node,
                f"'{key}'",
                inner,
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
        self, entry: Entry, entries: list[Entry], inherited: Inherited, siblings: Siblings
    ) -> Sequence[Node]:
        own, others = self._keywords([e for e in entries if e is not entry], "block")
        for other in others:
            if other.key in ("loop", "with_items"):
                hint = "An import is read before the run; use include_tasks to loop."
                self._file.problem("'import_tasks' can't loop", other.position, hint)
            else:
                self._misfit(other, "block")
        name = self._imported(entry)
        if name is None:
            return ()
        path = beside(self._file.path, name)
        identity = siblings.identity(f"import {name}")
        if path in self._chain:
            chain = " -> ".join((*self._chain[self._chain.index(path) :], path))
            self._file.problem(f"'{name}' imports itself: {chain}", entry.node)
            return ()
        other_file = self._session.open(path, Reference(self._file, self._file.position(entry.node)))
        if other_file is None:
            return ()
        reader = TaskReader(self._session, other_file, handlers=self._place == "handler", chain=self._chain)
        return reader.read(other_file.root, "A file of tasks", inherited.enter(own), Siblings(identity))

    def _imported(self, entry: Entry) -> str | None:
        value = self._file.value(entry.node)
        if isinstance(value, dict) and set(value) == {"file"}:
            value = value["file"]
        if isinstance(value, Template):
            hint = "An import is read before the run; use include_tasks when the name is known later."
            self._file.problem("'import_tasks' can't take a template", entry.node, hint)
        elif not isinstance(value, str) or not value:
            self._file.problem("'import_tasks' takes the name of a file", entry.node)
        else:
            return value.removeprefix("file=")
        return None

    # ------------------------------------------------------------ tasks

    def _task(
        self, item: yaml.Node, entries: list[Entry], inherited: Inherited, siblings: Siblings
    ) -> Task | None:
        own, others = self._keywords(entries, self._place)
        by_key = {entry.key: entry for entry in entries}
        loop = self._loop(own, by_key)
        call = self._call(item, others, by_key.get("args"))
        self._until(own, by_key)
        if call is None:
            return None
        if call.local:
            own["delegate_to"] = "localhost"
        self._file.problems += [
            self._file.source.show(problem) for problem in self._session.modules.check(call)
        ]
        kept = {name: value for name, value in own.items() if name not in (*_LABELS, "args", "loop_control")}
        kept["loop"] = loop
        identity = siblings.identity(canonical([call.module, call.args, kept]))
        task = self._made(call, own, loop, inherited.enter(own), identity, self._file.position(item))
        if call.module == "include_tasks":
            self._look_into(task, call)
        return task

    def _made(
        self,
        call: Call,
        own: Mapping[str, Any],
        loop: Loop | None,
        around: Inherited,
        identity: str,
        at: Position,
    ) -> Task:
        return Task(
            module=call.module,
            args=call.args,
            position=at,
            identity=identity,
            name=own.get("name"),
            arg_positions=call.positions,
            loop=loop,
            when=around.when,
            tags=around.tags,
            vars=around.vars,
            environment=around.environment,
            notify=around.notify,
            listen=own.get("listen", ()),
            **{name: own[name] for name in _OWN if own.get(name) is not None},
            **around.settings,
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
        unknown = [e for e in strange if e.key not in known and not e.key.startswith("with_")]
        for entry in strange:
            if entry not in unknown:
                unknown_keyword(self._file, entry, self._place)
        if len(unknown) == 1:
            entry = unknown[0]
            hint = self._session.modules.hint(entry.key, ())
            if hint is None and nearest(entry.key, known_at(self._place)):
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

    def _until(self, own: dict[str, Any], by_key: Mapping[str, Entry]) -> None:
        for name in ("retries", "delay"):
            if name in own and "until" not in by_key:
                hint = "Say what is waited for: until: NAME is succeeded"
                self._file.problem(f"'{name}' does nothing without 'until'", by_key[name].position, hint)

    # ------------------------------------------------------------ loops

    def _loop(self, own: dict[str, Any], by_key: Mapping[str, Entry]) -> Loop | None:
        control = self._loop_control(by_key.get("loop_control"))
        entry = by_key.get("loop") or by_key.get("with_items")
        if entry is None:
            if "loop_control" in by_key:
                self._file.problem(
                    "'loop_control' does nothing without 'loop'", by_key["loop_control"].position
                )
            return None
        if "loop" in by_key and "with_items" in by_key:
            self._file.problem(
                "'loop' and 'with_items' in one task", by_key["with_items"].position, "Keep 'loop'."
            )
        if entry.key == "loop":
            return Loop(items=own.pop("loop"), **control)
        items: Value = own.pop("with_items")
        if not isinstance(items, list | Template):
            items = [items]
        return Loop(items=items, lookup="items", **control)

    def _loop_control(self, entry: Entry | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for inner in self._file.entries(entry.node, "'loop_control'") if entry else ():
            read = LOOP_CONTROL.get(inner.key)
            if read is None:
                later = inner.key in LATER
                hint = LATER[inner.key] if later else nearest(inner.key, LOOP_CONTROL)
                what = "is not supported yet" if later else "is no setting of 'loop_control'"
                self._file.problem(f"'{inner.key}' {what}", inner.position, hint)
                continue
            value = read(self._file, inner, self._session.warn)
            if value is not None:
                found[inner.key] = value
        return found

    # ------------------------------------------------------------ includes

    def _look_into(self, task: Task, call: Call) -> None:
        """Read an included file whose name is plain text now, so that what is wrong in it shows before the run."""
        name = call.args.get("file")
        if not isinstance(name, str) or not name:
            return
        path = self._session.find(self._file, name)
        if self._session.seen(path):
            return
        file = self._session.open(path, Reference(self._file, call.positions.get("file", call.position)))
        if file is not None:
            read_included(self._session, file, task, handlers=self._place == "handler")


def _place(siblings: Siblings, section: str) -> Siblings:
    """Where the tasks of a block without a name are counted."""
    return siblings if section == "block" else siblings.section(section)


def read_included(session: Session, file: YamlFile, parent: Task, *, handlers: bool) -> tuple[Node, ...]:
    """The tasks of a file that `parent` includes."""
    name = Path(os.path.relpath(file.path, Path(parent.position.file).parent)).as_posix()
    reader = TaskReader(session, file, handlers=handlers)
    return reader.read(
        file.root, "A file of tasks", Inherited.of_include(parent), Siblings(parent.identity, name)
    )
