"""A file as rules see it: its plays, tasks and handlers as they are written, without what they inherit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .errors import Position
from .keywords import KEYWORDS, STRUCTURE
from .loader_call import Call, Modules, read_call
from .model import Value
from .module_names import module_name
from .yamlfile import Entry, YamlFile

CALLS = ("action", "local_action")


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task, a handler, or a block."""

    file: YamlFile
    node: yaml.MappingNode
    keys: Mapping[str, Entry]
    """Its keys as they are written; short names of modules stand for their long ones."""
    handler: bool
    call: Call | None
    """None: it is a block, or what it calls is no module."""
    written: Entry | None
    """The key that names the module."""
    outer: Sequence[Mapping[str, Entry]] = ()
    """Keys of what is around it: its play first, then the blocks, the innermost last."""

    @property
    def position(self) -> Position:
        return self.file.position(self.node)

    @property
    def module(self) -> str:
        """The name of its module; empty for a block."""
        return self.call.module if self.call is not None else ""

    @property
    def args(self) -> Mapping[str, Value]:
        return self.call.args if self.call is not None else {}

    @property
    def lines(self) -> range:
        """From its first line to its last."""
        return range(self.node.start_mark.line + 1, self.node.end_mark.line + 1)

    def here_or_around(self, key: str) -> bool:
        """Whether it, or something around it, has this keyword."""
        return key in self.keys or any(key in keys for keys in self.outer)


@dataclass(frozen=True, slots=True)
class PlayView:
    file: YamlFile
    node: yaml.MappingNode
    keys: Mapping[str, Entry]
    tasks: Sequence[TaskView]
    handlers: Sequence[TaskView]

    @property
    def position(self) -> Position:
        return self.file.position(self.node)


@dataclass(frozen=True, slots=True)
class FileView:
    """One file. `kind`: playbook, tasks, handlers or vars."""

    file: YamlFile
    kind: str
    plays: Sequence[PlayView] = ()
    tasks: Sequence[TaskView] = ()
    """All of them, handlers and those of plays included."""
    scalars: Sequence[tuple[str, yaml.ScalarNode]] = field(default_factory=list)
    """Every value that is no collection, with the key that it stands under."""

    @property
    def path(self) -> str:
        return self.file.path


def view(file: YamlFile, kind: str, modules: Modules) -> FileView:
    """The file as its kind says."""
    scalars = list(_scalars(file.root, "", set())) if file.root is not None else []
    if kind == "vars" or not isinstance(file.root, yaml.SequenceNode):
        return FileView(file, kind, scalars=scalars)
    if kind == "playbook":
        plays = [_play(file, node, modules) for node in file.root.value if isinstance(node, yaml.MappingNode)]
        tasks = [task for play in plays for task in (*play.tasks, *play.handlers)]
        return FileView(file, kind, plays, tasks, scalars)
    found = list(_tasks(file, file.root, modules, handler=kind == "handlers", outer=()))
    return FileView(file, kind, (), found, scalars)


def _keys(file: YamlFile, node: yaml.MappingNode) -> dict[str, Entry]:
    return {
        key.value: Entry(key.value, file.position(key), value)
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode)
    }


def _play(file: YamlFile, node: yaml.MappingNode, modules: Modules) -> PlayView:
    keys = _keys(file, node)
    outer = (keys,)
    tasks = [
        task
        for section in ("pre_tasks", "tasks", "post_tasks")
        if section in keys
        for task in _tasks(file, keys[section].node, modules, handler=False, outer=outer)
    ]
    handlers = (
        list(_tasks(file, keys["handlers"].node, modules, handler=True, outer=outer))
        if "handlers" in keys
        else []
    )
    return PlayView(file, node, keys, tasks, handlers)


def _tasks(
    file: YamlFile,
    node: yaml.Node,
    modules: Modules,
    *,
    handler: bool,
    outer: Sequence[Mapping[str, Entry]],
) -> Iterator[TaskView]:
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        if not isinstance(item, yaml.MappingNode):
            continue
        keys = {
            name if modules.has(name := module_name(key)) else key: entry
            for key, entry in _keys(file, item).items()
        }
        if keys.keys() & STRUCTURE["block"]:
            yield TaskView(file, item, keys, handler, None, None, outer)
            for section in ("block", "rescue", "always"):
                if section in keys:
                    inner = (*outer, keys)
                    yield from _tasks(file, keys[section].node, modules, handler=handler, outer=inner)
        else:
            written = _module_key(keys, modules)
            call = read_call(file, written, keys.get("args"), modules) if written is not None else None
            yield TaskView(file, item, keys, handler, call, written, outer)


def _module_key(keys: Mapping[str, Entry], modules: Modules) -> Entry | None:
    found = [
        entry for key, entry in keys.items() if key not in KEYWORDS and (key in CALLS or modules.has(key))
    ]
    return found[0] if len(found) == 1 else None


def _scalars(node: yaml.Node, key: str, busy: set[int]) -> Iterator[tuple[str, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield key, node
        return
    if id(node) in busy:  # an alias: what it stands for was, or is being, looked at
        return
    busy.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _scalars(value, str(name.value), busy)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, key, busy)


# ---------------------------------------------------------------- which kind a file is


_VARS = frozenset({"group_vars", "host_vars", "vars", "defaults"})


def kind_of(file: YamlFile) -> str:
    """What a YAML file is for: `playbook`, `tasks`, `handlers`, `vars`; empty: nothing of ours."""
    parts = Path(file.path).parts[:-1]
    if isinstance(file.root, yaml.SequenceNode):
        items = [item for item in file.root.value if isinstance(item, yaml.MappingNode)]
        names = {module_name(str(key.value)) for item in items for key, _ in item.value}
        if "import_playbook" in names or "hosts" in names:
            return "playbook"
        if "handlers" in parts[-1:]:
            return "handlers"
        return "tasks" if _looks_like_tasks(names) or "tasks" in parts[-2:] else ""
    return "vars" if _VARS & set(parts[-2:]) else ""


def _looks_like_tasks(names: set[str]) -> bool:
    task_words = {name for name, one in KEYWORDS.items() if "task" in one.places} - {"name", "vars", "tags"}
    return bool(names & (task_words | STRUCTURE["block"] | {"import_tasks", "include_tasks", *CALLS}))
