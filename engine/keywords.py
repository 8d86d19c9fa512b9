"""The keywords of plays, blocks and tasks: where each may stand and how its value is read.

To add a keyword is to add a line to `KEYWORDS` and a field to the model.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from .contract import Target
from .errors import Position, Problem, nearest
from .model import Value
from .values import Expression, Template
from .yamlfile import Entry, YamlFile, is_null, kind

Warn: TypeAlias = Callable[[Problem], None]
Reader: TypeAlias = Callable[[YamlFile, Entry, Warn], Any]

_WHOLE_TEMPLATE = re.compile(r"\s*\{\{-?(?P<inner>(?:(?!\{\{|\}\}).)*?)-?\}\}\s*", re.DOTALL)
_TRUE = frozenset({"yes", "true", "on", "y", "1"})
_FALSE = frozenset({"no", "false", "off", "n", "0"})


# ---------------------------------------------------------------- readers


def _wrong(
    file: YamlFile, entry: Entry, wanted: str, node: yaml.Node | None = None, hint: str | None = None
) -> None:
    found = node or entry.node
    shown = f"'{found.value}'" if isinstance(found, yaml.ScalarNode) and found.value else kind(found)
    file.problem(f"'{entry.key}' takes {wanted}, not {shown}", found, hint)


def _any(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    return file.value(entry.node)


def _text(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """Text, which may be a template."""
    if isinstance(entry.node, yaml.ScalarNode) and not is_null(entry.node):
        value = file.value(entry.node)
        return value if isinstance(value, str | Template) else str(entry.node.value)
    _wrong(file, entry, "text")
    return None


def _texts(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """One text or a list of them."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = []
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            value = file.value(node)
            found.append(value if isinstance(value, str | Template) else str(node.value))
        else:
            _wrong(file, entry, "a text or a list of texts", node)
    return tuple(found)


def _names(file: YamlFile, entry: Entry, warn: Warn) -> tuple[str, ...]:
    """Names without templates; a text may hold several with commas between them."""
    found = []
    for value in _texts(file, entry, warn):
        if isinstance(value, Template):
            hint = "Which tasks are selected is decided before anything is rendered."
            file.problem(
                f"'{entry.key}' can't be a template", entry.node, hint if entry.key == "tags" else None
            )
        else:
            found += [name.strip() for name in value.split(",") if name.strip()]
    return tuple(found)


def _tags(file: YamlFile, entry: Entry, warn: Warn) -> frozenset[str]:
    return frozenset(_names(file, entry, warn))


def _listen(file: YamlFile, entry: Entry, warn: Warn) -> tuple[str, ...]:
    return tuple(v for v in _texts(file, entry, warn) if isinstance(v, str))


def _flag(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """True, false, or a template; Ansible's words for them as text too."""
    value = file.value(entry.node)
    if isinstance(value, bool | Template):
        return value
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    _wrong(file, entry, "true or false")
    return None


def _number(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A number that is not negative, or a template."""
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        _wrong(file, entry, "a number")
        return None
    return int(number) if number.is_integer() else number


def _variable(file: YamlFile, entry: Entry, _warn: Warn) -> str | None:
    """The name of a variable."""
    value = entry.node.value if isinstance(entry.node, yaml.ScalarNode) else None
    if isinstance(value, str) and is_variable(value):
        return value
    _wrong(file, entry, "the name of a variable", hint="Letters, digits and underscores; no digit first.")
    return None


def is_variable(name: str) -> bool:
    """Whether an expression can name it."""
    return (
        name.isascii() and name.isidentifier() and not (keyword.iskeyword(name) or name in ("true", "false"))
    )


def _choice(*words: str) -> Reader:
    def read(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
        value = file.value(entry.node)
        if isinstance(value, str) and value in words:
            return value
        _wrong(file, entry, "one of: " + ", ".join(words), hint=nearest(str(value), words))
        return None

    return read


def _choice_or_template(*words: str) -> Reader:
    choose = _choice(*words)

    def read(file: YamlFile, entry: Entry, warn: Warn) -> Value:
        value = file.value(entry.node)
        return value if isinstance(value, Template) else choose(file, entry, warn)

    return read


def read_vars(file: YamlFile, node: yaml.Node, what: str = "'vars'") -> Mapping[str, Value]:
    """Variables: a mapping whose keys are names that an expression can use."""
    found: dict[str, Value] = {}
    for entry in file.entries(node, what):
        if not is_variable(entry.key):
            hint = "Letters, digits and underscores; no digit first, no word of Python's."
            file.problem(f"'{entry.key}' can't be the name of a variable", entry.position, hint)
        found[entry.key] = file.value(entry.node)
    return found


def _vars(file: YamlFile, entry: Entry, _warn: Warn) -> Mapping[str, Value]:
    return read_vars(file, entry.node)


def _environment(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """A mapping, a template that yields one, or a list of these; a later one wins."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [file.value(node) for node in nodes if not is_null(node)]
    for node, value in zip(nodes, found, strict=False):
        if not isinstance(value, dict | Template):
            _wrong(file, entry, "a mapping of variables", node)
    return tuple(found)


def _aws(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    known = [field.name for field in dataclasses.fields(Target)]
    for inner in file.entries(entry.node, "'aws'"):
        if inner.key not in known:
            hint = nearest(inner.key, known) or "Known: " + ", ".join(known[:6])
            file.problem(f"'aws' has no setting '{inner.key}'", inner.position, hint)
    return value if isinstance(value, dict) else None


def _list_or_template(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    value = file.value(entry.node)
    if isinstance(value, list | Template):
        return value
    hint = None
    if isinstance(value, dict):
        hint = 'Loop over a mapping with: "{{ {...} | dict2items }}"'
    elif isinstance(value, str):
        hint = f'A variable needs braces: {entry.key}: "{{{{ {value} }}}}"' if is_variable(value) else None
    _wrong(file, entry, "a list, or a template that yields one", hint=hint)
    return []


def _files(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """Names of files; a list in the list means the first of them that is there."""
    value = file.value(entry.node)
    return tuple(value) if isinstance(value, list) else (value,) if value else ()


def _serial(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """Sizes of batches: numbers of hosts, or percentages as text."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [file.value(node) for node in nodes]
    for node, value in zip(nodes, found, strict=True):
        text = str(value).removesuffix("%")
        if not isinstance(value, Template) and not (text.isdecimal() and int(text) > 0):
            _wrong(file, entry, "a number of hosts or a percentage such as '25%'", node)
    return tuple(found)


def read_expressions(file: YamlFile, entry: Entry, warn: Warn) -> tuple[Expression, ...]:
    """Bare Jinja2 expressions: one or a list, of which all must hold."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [_expression(file, entry, node, warn) for node in nodes]
    return tuple(one for one in found if one is not None)


def _expression(file: YamlFile, entry: Entry, node: yaml.Node, warn: Warn) -> Expression | None:
    if not isinstance(node, yaml.ScalarNode) or is_null(node) or not node.value.strip():
        hint = (
            "Quote the whole expression when it holds ': '." if isinstance(node, yaml.MappingNode) else None
        )
        _wrong(file, entry, "an expression", node, hint)
        return None
    source, at = str(node.value), file.text_position(node)
    if node.tag == "tag:yaml.org,2002:bool":
        return file.expression(str(file.value(node)).lower(), at)
    if "{{" not in source and "{%" not in source:
        return file.expression(source, at)
    whole = _WHOLE_TEMPLATE.fullmatch(source)
    if not whole:
        hint = "Take the braces away; names of variables need none here, and text joins with '~'."
        file.problem(f"'{entry.key}' is an expression already and takes no braces", node, hint)
        return None
    inner = whole["inner"].strip()
    message = f"'{entry.key}' is an expression already: the braces around it are not needed"
    warn(file.source.problem(message, file.position(node), f"Write: {entry.key}: {inner}"))
    skipped = len(source) - len(source[whole.start("inner") :].lstrip())
    return file.expression(
        inner, Position(at.file, at.line, at.column + skipped) if "\n" not in source else at
    )


# ---------------------------------------------------------------- the table


@dataclass(frozen=True, slots=True)
class Keyword:
    """Where a keyword may stand, and how its value is read."""

    read: Reader
    places: frozenset[str]


PLACES = ("play", "block", "task", "handler", "import")
_WORK = frozenset({"task", "handler"})
_INHERITED = frozenset({"play", "block", "task", "handler"})
_GROUPED = frozenset({"block", "task", "handler"})
_PLAY = frozenset({"play"})
_EVERYWHERE = frozenset(PLACES)

KEYWORDS: Mapping[str, Keyword] = {
    "name": Keyword(_text, _EVERYWHERE),
    "tags": Keyword(_tags, _EVERYWHERE),
    "vars": Keyword(_vars, _EVERYWHERE),
    "when": Keyword(read_expressions, _GROUPED | {"import"}),
    "environment": Keyword(_environment, _INHERITED),
    "ignore_errors": Keyword(_flag, _INHERITED),
    "no_log": Keyword(_flag, _INHERITED),
    "run_once": Keyword(_flag, _INHERITED),
    "check_mode": Keyword(_flag, _INHERITED),
    "diff": Keyword(_flag, _INHERITED),
    "connection": Keyword(_choice_or_template("local", "ssm"), _INHERITED),
    "aws": Keyword(_aws, _INHERITED),
    "timeout": Keyword(_number, _INHERITED),
    "rerun": Keyword(_choice("safe", "never", "ask"), _INHERITED),
    "delegate_to": Keyword(_text, _GROUPED),
    "notify": Keyword(_texts, _GROUPED),
    "args": Keyword(_any, _WORK),
    "register": Keyword(_variable, _WORK),
    "loop": Keyword(_list_or_template, _WORK),
    "with_items": Keyword(_any, _WORK),
    "loop_control": Keyword(_any, _WORK),
    "until": Keyword(read_expressions, _WORK),
    "retries": Keyword(_number, _WORK),
    "delay": Keyword(_number, _WORK),
    "changed_when": Keyword(read_expressions, _WORK),
    "failed_when": Keyword(read_expressions, _WORK),
    "listen": Keyword(_listen, frozenset({"handler"})),
    "hosts": Keyword(_texts, _PLAY),
    "vars_files": Keyword(_files, _PLAY),
    "serial": Keyword(_serial, _PLAY),
    "strategy": Keyword(_choice("linear", "free", "graph"), _PLAY),
    "max_fail_percentage": Keyword(_number, _PLAY),
    "any_errors_fatal": Keyword(_flag, _PLAY),
    "force_handlers": Keyword(_flag, _PLAY),
    "gather_facts": Keyword(_flag, _PLAY),
    "order": Keyword(_choice("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"), _PLAY),
}

STRUCTURE: Mapping[str, frozenset[str]] = {
    "play": frozenset({"pre_tasks", "tasks", "post_tasks", "handlers"}),
    "block": frozenset({"block", "rescue", "always"}),
    "import": frozenset({"import_playbook"}),
}
"""Keys that hold other nodes."""

LOOP_CONTROL: Mapping[str, Reader] = {
    "loop_var": _variable,
    "index_var": _variable,
    "label": _any,
    "pause": _number,
}

_SSH = "runbook does not log in to hosts. Use 'connection: ssm' (AWS Systems Manager), which runs as root."
INSTEAD: Mapping[str, str] = {
    "become": _SSH,
    "become_user": _SSH,
    "become_method": _SSH,
    "become_flags": _SSH,
    "become_exe": _SSH,
    "remote_user": _SSH,
    "port": _SSH,
    "gather_subset": "runbook gathers no facts from hosts; ask AWS with ec2_info and its like.",
    "gather_timeout": "runbook gathers no facts from hosts; ask AWS with ec2_info and its like.",
    "fact_path": "runbook gathers no facts from hosts; ask AWS with ec2_info and its like.",
    "async": "Waiting never blocks other hosts; give the task a 'timeout' if it needs one.",
    "poll": "Waiting never blocks other hosts; give the task a 'timeout' if it needs one.",
    "collections": "Modules are named directly; others come from a 'library' folder or an installed package.",
    "with_dict": 'Use: loop: "{{ the_mapping | dict2items }}"',
    "with_list": "Use 'loop' with the same list.",
    "with_flattened": 'Use: loop: "{{ the_lists | flatten }}"',
    "with_together": 'Use: loop: "{{ first | zip(second) | list }}"',
    "with_nested": 'Use: loop: "{{ first | product(second) | list }}"',
    "with_cartesian": 'Use: loop: "{{ first | product(second) | list }}"',
    "with_sequence": 'Use: loop: "{{ range(1, 11) | list }}"',
    "with_indexed_items": "Use 'loop' with 'loop_control: {index_var: NAME}'.",
    "include": "Use 'import_tasks' (read before the run) or 'include_tasks' (read when its turn comes).",
}
"""Ansible's keywords that runbook will not have, and what to write instead."""

LATER: Mapping[str, str | None] = {
    "roles": "Put the tasks into files and use import_tasks.",
    "import_role": "Put the tasks into files and use import_tasks.",
    "include_role": "Put the tasks into files and use include_tasks.",
    "throttle": "Use --forks to limit how much runs at once.",
    "vars_prompt": "Give the values with -e.",
    "ignore_unreachable": None,
    "module_defaults": None,
    "debugger": None,
    "delegate_facts": None,
    "first_available_file": None,
    "break_when": None,
    "extended": "Use 'index_var' for the number of the item.",
}
"""Ansible's keywords that runbook does not have yet."""


def known_at(place: str) -> list[str]:
    """All keywords that may stand at a place: play, block, task, handler, import."""
    own = [name for name, one in KEYWORDS.items() if place in one.places]
    return own + sorted(STRUCTURE.get(place, ()))


def unknown_keyword(file: YamlFile, entry: Entry, place: str, known: Iterable[str] = ()) -> None:
    """Note the problem of a key that can't stand at a place."""
    what = "an import_playbook" if place == "import" else f"a {place}"
    if entry.key in INSTEAD:
        file.problem(f"'{entry.key}' is not supported", entry.position, INSTEAD[entry.key])
    elif entry.key in KEYWORDS or entry.key in STRUCTURE["play"]:
        file.problem(
            f"'{entry.key}' can't stand in {what}", entry.position, _MISPLACED.get((place, entry.key))
        )
    elif entry.key in LATER:
        file.problem(f"'{entry.key}' is not supported yet", entry.position, LATER[entry.key])
    elif entry.key.startswith("with_"):
        file.problem(
            f"'{entry.key}' is not supported", entry.position, "Use 'loop' with a template for its list."
        )
    else:
        hint = nearest(entry.key, [*known_at(place), *known])
        file.problem(f"'{entry.key}' is no keyword of {what}", entry.position, hint)


_MISPLACED: Mapping[tuple[str, str], str] = {
    ("block", "loop"): "Put the tasks into a file and loop over include_tasks.",
    ("block", "with_items"): "Put the tasks into a file and loop over include_tasks.",
    ("block", "register"): "Register the result of a task in it.",
    ("block", "until"): "Put it on the tasks; a block is not repeated.",
    ("block", "retries"): "Put it on the tasks; a block is not repeated.",
    ("play", "when"): "Put it on the tasks, or on a block around them.",
    ("play", "register"): "Put it on a task.",
    ("task", "listen"): "Only handlers listen.",
    ("task", "hosts"): "Hosts belong to a play; use 'delegate_to' for one task on another host.",
}


def read_keywords(
    file: YamlFile, entries: Iterable[Entry], place: str, warn: Warn
) -> tuple[dict[str, Any], list[Entry]]:
    """Read the keywords that may stand at a place; the entries that are none of them come back."""
    found: dict[str, Any] = {}
    others = []
    for entry in entries:
        one = KEYWORDS.get(entry.key)
        if one is None or place not in one.places:
            others.append(entry)
        else:
            found[entry.key] = one.read(file, entry, warn)
    return found, others
