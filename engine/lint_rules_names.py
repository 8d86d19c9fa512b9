"""Rules about names, which only everything together can answer: variables, registers, handlers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import yaml
from jinja2 import TemplateSyntaxError

from .lint_rule import Mark, Rules
from .lint_rules_text import place
from .lint_view import FileView, PlayView, TaskView
from .lookups import GLOBALS
from .template_syntax import names_of
from .values import Expression, Template
from .variables import MAGIC
from .yamlfile import Entry, YamlFile

RULES = Rules()

_WORD = re.compile(r"[A-Za-z_]\w*")
_REGISTER = re.compile(r"\bregister\s*:\s*['\"]?\w+|^\s*#.*$", re.MULTILINE)
_KEY = re.compile(r"^[\s\-{,]*['\"]?([A-Za-z_]\w*)['\"]?\s*[:=]", re.MULTILINE)
_SETS = re.compile(r"\{%-?\s*(?:set|for|macro)\s+([^%]*?)(?:=|\bin\b|\()|\bas\s+(\w+)")
_FREE = frozenset(
    {"item", "omit", "vars", "hostvars", "groups", "ansible_loop", "ansible_index_var", "ansible_loop_var", "loop",
     "environment", "inventory_file", "ansible_version", "ansible_date_time", "ansible_play_name"}
)  # fmt: skip
"""Variables that need nobody to set them, beside those that the engine computes."""

RESERVED = (MAGIC | _FREE) - {"item"}
"""Names that a playbook must not take for its own."""


@dataclass(frozen=True)
class Everything:
    """All that is linted together. `around`: texts of files that may read or set variables without being linted:
    templates, inventories, and the variables of their groups and hosts."""

    files: Sequence[FileView]
    around: Sequence[str] = ()

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that stands anywhere but behind `register:`."""
        texts = [_REGISTER.sub("", view.file.source.text) for view in self.files]
        return frozenset(word for text in (*texts, *self.around) for word in _WORD.findall(text))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every key of a mapping, and what templates set: whatever may be a variable."""
        texts = [view.file.source.text for view in self.files]
        found = {name for text in (*texts, *self.around) for name in _KEY.findall(text)}
        found |= {
            word
            for text in (*texts, *self.around)
            for pair in _SETS.findall(text)
            for word in _WORD.findall(" ".join(pair))
        }
        return frozenset(found)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Names that something sets as a variable, for sure."""
        return frozenset(name for view in self.files for name, _, _ in variables_of(view)) | MAGIC

    @property
    def tasks(self) -> Iterator[TaskView]:
        return (task for view in self.files for task in view.tasks)


def variables_of(view: FileView) -> Iterator[tuple[str, YamlFile, Entry]]:
    """Names that a file sets, with where."""
    file = view.file
    if view.kind == "vars" and isinstance(file.root, yaml.MappingNode):
        yield from _entries(file, file.root)
    for keys in (*(play.keys for play in view.plays), *(task.keys for task in view.tasks)):
        if "vars" in keys:
            yield from _entries(file, keys["vars"].node)
    for task in view.tasks:
        if "register" in task.keys and isinstance(task.keys["register"].node, yaml.ScalarNode):
            entry = task.keys["register"]
            yield str(entry.node.value), file, entry
        if task.module == "set_fact" and task.written is not None:
            yield from _entries(file, task.written.node)


def _entries(file: YamlFile, node: yaml.Node) -> Iterator[tuple[str, YamlFile, Entry]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode):
            yield key.value, file, Entry(key.value, file.position(key), value)


# ---------------------------------------------------------------- registers and variables


@RULES.rule("unused-register", "warning", "all")
def unused_register(every: Everything) -> Iterator[Mark]:
    """A registered result is read nowhere.

    Either the task that should look at it is missing, or the name was mistyped in one of the two places. A name
    that starts with `_` says that this is meant.
    """
    for task in every.tasks:
        entry = task.keys.get("register")
        name = entry.node.value if entry is not None and isinstance(entry.node, yaml.ScalarNode) else "_"
        if entry is not None and not name.startswith("_") and name not in every.words and name.isidentifier():
            near = difflib.get_close_matches(name, every.words - every.keys, n=1, cutoff=0.85)
            hint = f"'{near[0]}' is read: is that the one?" if near else "Remove it, or read it."
            yield Mark(task.file.position(entry.node), f"Nothing reads '{name}'", hint)


@RULES.rule("reserved-name", "error", "all")
def reserved_name(every: Everything) -> Iterator[Mark]:
    """A variable has the name of one that the engine sets.

    `hostvars`, `groups`, `inventory_hostname`, `play_hosts` and the other special variables always win, so that
    this value is never seen.
    """
    for view in every.files:
        for name, file, entry in variables_of(view):
            if name in RESERVED:
                at = entry.position if entry.key != "register" else file.position(entry.node)
                yield Mark(at, f"'{name}' is a variable of the engine's own", "Choose another name.")


@RULES.rule("undefined-name", "warning", "all")
def undefined_name(every: Everything) -> Iterator[Mark]:
    """A variable that nothing sets, and that looks like one that is set.

    Most probably a slip of the pen. Names that resemble none are left alone: `-e` or an inventory may set them.
    """
    known = every.keys | every.variables | RESERVED | _FREE | set(GLOBALS) | _JINJA
    near: dict[str, str] = {}
    for view in every.files:
        for text in {(text.source, text.position): text for text in view.file.texts}.values():
            suspects = {name for name in _suspects(text) - known if _resembles(name, every, near)}
            for name in sorted(suspects & _read(text)) if suspects else ():
                found = re.search(rf"(?<![\w.]){re.escape(name)}\b", text.source)
                at = place(view.file, text, found.start() if found else 0)
                yield Mark(at, f"Nothing sets '{name}'", f"Did you mean '{near[name]}'?")


def _suspects(text: Template | Expression) -> set[str]:
    """Words that may be variables: a quick look, so that few texts need to be parsed."""
    source = _STRINGS.sub("", text.source)
    pieces = _BRACED.findall(source) if isinstance(text, Template) else [source]
    return {word for piece in pieces for word in _VARIABLE.findall(piece)}


def _resembles(name: str, every: Everything, near: dict[str, str]) -> bool:
    """Whether something is set that looks like it; remembered in `near`."""
    if name not in near and (len(name) < _SHORT or name.startswith("ansible_")):
        near[name] = ""  # short names resemble each other; facts of a machine are many
    elif name not in near:
        alike = [one for one in every.variables if abs(len(one) - len(name)) <= 2]
        matches = difflib.get_close_matches(name, alike, n=3, cutoff=0.82)
        # `web1` and `web2` are two names, and no slip.
        near[name] = next((one for one in matches if _DIGITS.sub("", one) != _DIGITS.sub("", name)), "")
    return bool(near[name])


_JINJA = frozenset(
    {
        "and", "or", "not", "in", "is", "if", "else", "elif", "endif", "for", "endfor", "set", "endset", "true",
        "false", "none", "True", "False", "None", "recursive",
    }
)  # fmt: skip
_SHORT = 5
_DIGITS = re.compile(r"\d+")
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_BRACED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_VARIABLE = re.compile(r"(?<![\w.])(?<!\|)(?<!\| )(?<!is )(?<!is not )[A-Za-z_]\w*(?!\w|\s*\(|\s*=[^=])")


def _read(text: Template | Expression) -> set[str]:
    try:
        return names_of(text)
    except TemplateSyntaxError:
        return set()


# ---------------------------------------------------------------- handlers


@RULES.rule("unused-handler", "warning", "play")
def unused_handler(play: PlayView, _modules: object) -> Iterator[Mark]:
    """A handler that nothing notifies.

    It never runs. Handlers of a play whose tasks come from other files are left alone.
    """
    if any(task.module in _ELSEWHERE or task.module.startswith("import_") for task in play.tasks):
        return
    if "roles" in play.keys or any(set(_IMPORTS) & set(task.keys) for task in play.tasks):
        return
    notified = set()
    for task in (*play.tasks, *play.handlers):
        entry = task.keys.get("notify")
        for node in _items(entry.node) if entry is not None else ():
            if "{{" in str(node.value):
                return
            notified.add(str(node.value))
    for handler in play.handlers:
        names = [
            node
            for key in ("name", "listen")
            if key in handler.keys
            for node in _items(handler.keys[key].node)
        ]
        if handler.call is not None and names and not notified & {str(node.value) for node in names}:
            yield Mark(handler.node, f"Nothing notifies the handler '{names[0].value}'")


_IMPORTS = ("import_tasks", "import_role", "include_tasks", "include_role")
_ELSEWHERE = frozenset({"include_tasks", "include_role"})


def _items(node: yaml.Node) -> list[yaml.ScalarNode]:
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [one for one in nodes if isinstance(one, yaml.ScalarNode)]
