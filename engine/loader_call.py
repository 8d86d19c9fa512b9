"""The ways to write a module call, brought into one form: a module's name and its arguments."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import yaml

from .errors import ContractError, Position, Problem, nearest
from .model import Value
from .module_names import module_name
from .values import Template
from .yamlfile import Entry, YamlFile, is_null, kind

# Beside free-form text these words are options, as in Ansible: `command: make creates=/usr/bin/x`.
_OPTIONS = frozenset(
    {
        "chdir", "creates", "removes", "executable", "stdin", "stdin_add_newline", "strip_empty_ends",
        "expand_argument_vars",
    }
)  # fmt: skip
_COMMANDS = frozenset({"command", "shell", "raw", "script"})
_OPTION = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\'\"nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_OPENERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


class Catalog(Protocol):
    """What the loader must know of the modules."""

    def names(self) -> Collection[str]:
        """Names of modules for hints; installed ones may be missing here."""
        ...

    def has(self, name: str) -> bool:
        """Whether this module can be called."""
        ...

    def check(
        self, module: str, args: Mapping[str, Value], positions: Mapping[str, Position], at: Position
    ) -> list[Problem]:
        """What is wrong with a call as far as it can be known before rendering."""
        ...

    def free_form(self, module: str) -> str | None:
        """The argument that takes free-form text, if there is one."""
        ...

    def asks_aws(self, module: str) -> bool:
        """Whether it asks AWS for anything."""
        ...

    def bring(self, folder: Path) -> None:
        """A folder of modules that a role brings along."""
        ...


class Modules:
    """A catalog as one loading sees it: asked once for each name, and a broken module is a problem of its calls."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._has: dict[str, bool] = {}
        self._free_form: dict[str, str | None] = {}
        self.names = frozenset(catalog.names())
        self.refused: list[Problem] = []
        """What the modules said of the calls so far."""

    def has(self, name: str) -> bool:
        known = self._has.get(name)
        if known is None:
            try:
                known = self._catalog.has(name)
            except ContractError:
                known = True
            self._has[name] = known
        return known

    def free_form(self, name: str) -> str | None:
        if name not in self._free_form:
            try:
                self._free_form[name] = self._catalog.free_form(name) if self.has(name) else None
            except ContractError:
                self._free_form[name] = None
        return self._free_form[name]

    def bring(self, folder: Path) -> None:
        """A folder of modules that a role brings along, if it has one."""
        if folder.is_dir():
            self._catalog.bring(folder)
            self._has.clear()
            self.names = frozenset(self._catalog.names())

    def asks_aws(self, name: str) -> bool:
        """Whether a module asks AWS for anything."""
        return self.has(name) and self._catalog.asks_aws(name)

    def check(self, call: Call) -> list[Problem]:
        args = {name: value for name, value in call.args.items() if isinstance(name, str)}
        try:
            found = self._catalog.check(call.module, args, call.positions, call.position)
        except ContractError as error:
            found = [Problem(error.message, call.position, error.hint)]
        self.refused += found
        return found

    def hint(self, name: str, keywords: Collection[str]) -> str | None:
        """What a name that is no module was probably meant to be."""
        last = name.rpartition(".")[2]
        if last != name and self.has(last):
            return f"runbook has its own '{last}'; collections are not used here."
        return nearest(name, [*self.names, *keywords])


@dataclass(frozen=True, slots=True)
class Call:
    """One module call."""

    module: str
    position: Position
    args: Mapping[str, Value] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)
    local: bool = False
    """It was written as `local_action`."""
    template: Value = None
    """One template that yields arguments, under those that are written."""
    named: Template | None = None
    """The template that yields the module's name; `module` is its text."""


def read_call(file: YamlFile, entry: Entry, extra: Entry | None, modules: Modules) -> Call | None:
    """The call of a task: `entry` is its module key or `action`, `extra` its `args`. None: a problem was noted."""
    if entry.key in ("action", "local_action"):
        call = _action(file, entry, modules)
    else:
        call = _with_args(file, Call(module_name(entry.key), entry.position), entry.node, modules)
    if call is not None and extra is not None:
        call = _with_extra(file, call, extra)
    if call is None:
        return None
    return _raw_params(replace(call, local=entry.key == "local_action"), modules)


def _with_extra(file: YamlFile, call: Call, extra: Entry) -> Call | None:
    """With what `args` says: a mapping, or a template that yields one."""
    if isinstance(template := file.value(extra.node), Template):
        return replace(call, template=template)
    more = _mapping(file, extra.node, "'args'")
    if more is None:
        return None
    args, positions = more
    return replace(call, args={**args, **call.args}, positions={**positions, **call.positions})


def _raw_params(call: Call, modules: Modules) -> Call:
    """`_raw_params` is Ansible's own name of the argument that takes free-form text."""
    free = modules.free_form(call.module) if "_raw_params" in call.args else None
    if free is None:
        return call
    args, positions = dict(call.args), dict(call.positions)
    args[free] = args.pop("_raw_params")
    positions[free] = positions.pop("_raw_params", call.position)
    return replace(call, args=args, positions=positions)


def _mapping(
    file: YamlFile, node: yaml.Node, what: str
) -> tuple[dict[str, Value], dict[str, Position]] | None:
    if not isinstance(node, yaml.MappingNode):
        if is_null(node):
            return {}, {}
        file.problem(f"{what} takes arguments as 'key: value', not {kind(node)}", node)
        return None
    positions = {entry.key: entry.position for entry in file.entries(node, what)}
    args = {_name(file, key, positions): value for key, value in file.value(node).items()}
    return args, positions


def _name(file: YamlFile, key: Any, positions: Mapping[str, Position]) -> Any:
    """The name of an argument: where any name will do, as with `set_fact`, it may be a template."""
    return file.text(key, positions[key]) if isinstance(key, str) and "{{" in key else key


def _with_args(file: YamlFile, call: Call, node: yaml.Node, modules: Modules) -> Call | None:
    """A call whose arguments are written as a mapping, as text, or not at all."""
    if isinstance(node, yaml.ScalarNode) and not is_null(node):
        return _from_text(file, call, node.value, file.text_position(node), modules)
    mapped = _mapping(file, node, f"'{call.module}'")
    if mapped is None:
        return None
    return replace(call, args=mapped[0], positions=mapped[1])


def _action(file: YamlFile, entry: Entry, modules: Modules) -> Call | None:
    """`action: module key=value` or `action: {module: name, key: value}`."""
    node = entry.node
    if isinstance(node, yaml.MappingNode):
        mapped = _mapping(file, node, f"'{entry.key}'")
        name = mapped[0].pop("module", None) if mapped else None
        if mapped is not None and isinstance(name, Template):
            return Call(name.source, mapped[1].pop("module"), *mapped, named=name)
        if mapped is None or not isinstance(name, str):
            file.problem(f"'{entry.key}' does not name a module", node, "Write: module: NAME")
            return None
        first, _, rest = name.partition(" ")
        call = Call(module_name(first), mapped[1].pop("module"), *mapped)
        if not rest.strip():
            return call
        free = _from_text(file, call, rest.strip(), call.position, modules)
        if free is None:
            return None
        return Call(
            call.module, call.position, {**call.args, **free.args}, {**call.positions, **free.positions}
        )
    if not isinstance(node, yaml.ScalarNode) or is_null(node):
        file.problem(f"'{entry.key}' takes a module's name with its arguments, not {kind(node)}", node)
        return None
    at = file.text_position(node)
    words = split_words(node.value.strip()) or ()
    if words and "{{" in words[0]:
        return _named_late(file, words, at)
    name, _, rest = node.value.strip().partition(" ")
    call = Call(module_name(name), at)
    behind = Position(at.file, at.line, at.column + len(name) + 1)
    return _from_text(file, call, rest.strip(), behind, modules) if rest.strip() else call


def _named_late(file: YamlFile, words: Sequence[str], at: Position) -> Call:
    """`action: "{{ NAME }} key=value"`: what is no `key=value` may be free-form text, as the module will tell."""
    args: dict[str, Value] = {}
    rest = ""
    for word in words[1:]:
        if found := _OPTION.fullmatch(word.strip()):
            args[found[1]] = file.text(unquote(found[2]), at)
        else:
            rest += word
    if rest.strip():
        args["_raw_params"] = file.text(rest.strip(), at)
    file.text(words[0], at)  # its syntax is looked at with that of all texts
    return Call(words[0], at, args, dict.fromkeys(args, at), named=Template(words[0], at))


# ---------------------------------------------------------------- free-form text


def _from_text(file: YamlFile, call: Call, text: str, at: Position, modules: Modules) -> Call | None:
    """Arguments that are written as text: `key=value key2="a b"`, or free-form text."""
    free = modules.free_form(call.module)
    words = split_words(text)
    if words is None and free is not None:
        words = [text]
    elif words is None:
        file.problem("A quote or a '{{' in this text is never closed", at)
        return None
    args: dict[str, Value] = {}
    rest: list[str] = []
    for word in words:
        found = _OPTION.fullmatch(word.strip())
        if found and (found[1] in _OPTIONS or free is None or _is_option(call.module, found[1], free, words)):
            args[found[1]] = file.text(unquote(found[2]), at)
        else:
            rest.append(word)
    if rest and free is None:
        whole = file.text(text.strip(), at)
        if isinstance(whole, Template) and not args and len(rest) == 1:
            return replace(call, template=whole)
        if modules.has(call.module):
            file.problem(
                f"'{call.module}' takes no free-form text: '{_short(''.join(rest).strip())}'",
                at,
                "Write its arguments as 'key: value', indented, in the lines below.",
            )
            return None
    elif rest and free is not None:
        args[free] = file.text(text if len(rest) == len(words) else "".join(rest).strip(), at)
    return replace(call, args=args, positions=dict.fromkeys(args, at))


def _is_option(module: str, name: str, free: str | None, words: Sequence[str]) -> bool:
    """Whether `name=value` is an argument, where free-form text could stand, too: a command takes it as a word."""
    return name == free and len(words) == 1 and module not in _COMMANDS


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def unquote(text: str) -> str:
    """The value of `key=value`: without the quotes around it, escapes resolved."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    inner = text[1:-1] if quoted else text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), inner)


def split_words(text: str) -> Sequence[str] | None:
    """Split text at spaces that are neither in quotes nor in braces; each word keeps the space before it, so that
    joining gives the text again. None: a quote or a brace stays open."""
    words: list[str] = []
    word, quote, closer = "", "", ""
    index = 0
    while index < len(text):
        pair, character = text[index : index + 2], text[index]
        step = 1
        if closer:
            if pair == closer:
                closer, step = "", 2
        elif pair in _OPENERS:
            closer, step = _OPENERS[pair], 2
        elif character == "\\" and index + 1 < len(text):
            step = 2
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character.isspace() and word.strip():
            words.append(word)
            word = ""
        word += text[index : index + step]
        index += step
    if quote or closer:
        return None
    return [*words, word] if word.strip() else words
