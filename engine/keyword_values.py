"""How the value of a keyword is read: from a node of YAML to what the model holds, problems noted.

A reader answers None when the value can't be used; the problem is with the file then.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import yaml

from .errors import nearest
from .keyword_schema import (
    ANY,
    EXPRESSIONS,
    FLAG,
    MAPPINGS,
    NAME,
    NUMBER,
    SIZES,
    TEXT,
    TEXTS,
    VARS,
    Schema,
    one_or_list,
    or_template,
    reads,
)
from .keyword_schema import Reader as Reader
from .keyword_schema import Warn as Warn
from .model import Value
from .values import Expression, Template
from .yamlfile import Entry, YamlFile, is_null, kind

NAMES = "Letters, digits and underscores; no digit first."

AWS_SETTINGS = ("region", "profile", "role_arn", "external_id", "endpoint_url", "allowed_account_ids")
"""What `aws:` can say; the other fields of a Target are the sandbox's own."""

_AWS: Schema = {
    "type": "object",
    "properties": dict.fromkeys(AWS_SETTINGS, ANY),
    "additionalProperties": False,
}

_WHOLE_TEMPLATE = re.compile(r"\s*\{\{-?(?P<inner>(?:(?!\{\{|\}\}).)*?)-?\}\}\s*", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TRUE = frozenset({"yes", "true", "on", "y", "1"})
_FALSE = frozenset({"no", "false", "off", "n", "0"})


# ---------------------------------------------------------------- readers


def wrong(
    file: YamlFile,
    entry: Entry,
    wanted: str,
    node: yaml.Node | None = None,
    hint: str | None = None,
    *,
    tell: Warn | None = None,
) -> None:
    """Note that the value of a keyword is not what it takes; `tell`: as a warning, it fails in the run."""
    found = node or entry.node
    shown = f"'{found.value}'" if isinstance(found, yaml.ScalarNode) and found.value else kind(found)
    message = f"'{entry.key}' takes {wanted}, not {shown}"
    if tell is None:
        file.problem(message, found, hint)
    else:
        tell(file.source.problem(message, file.position(found), hint))


@reads(ANY)
def read_any(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """Whatever YAML says."""
    return file.value(entry.node)


@reads(or_template({"type": "object"}))
def read_arguments(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A module's arguments: `loader_call` looks into them."""
    return file.value(entry.node)


@reads(or_template({"type": "array"}))
def read_items(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """The list of a loop: `loader_loops` looks into it."""
    return file.value(entry.node)


def settings(known: Mapping[str, Reader]) -> Reader:
    """A reader of a mapping of these; who calls it looks into each."""
    properties = {name: reader.schema for name, reader in known.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return reads(schema)(read_any.read)


@reads(TEXT)
def read_text(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """Text, which may be a template."""
    if isinstance(entry.node, yaml.ScalarNode) and not is_null(entry.node):
        value = file.value(entry.node)
        return value if isinstance(value, str | Template) else str(entry.node.value)
    wrong(file, entry, "text")
    return None


@reads(TEXTS)
def read_texts(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """One text or a list of them."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = []
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            value = file.value(node)
            found.append(value if isinstance(value, str | Template) else str(node.value))
        else:
            wrong(file, entry, "a text or a list of texts", node)
    return tuple(found)


@reads(TEXTS)
def read_tags(file: YamlFile, entry: Entry, warn: Warn) -> frozenset[Value]:
    """Names of tags; those that are templates are rendered when it is asked which tasks are selected."""
    found: set[Value] = set()
    for value in read_texts(file, entry, warn):
        names = [value] if isinstance(value, Template) else value.split(",")
        found.update(name if isinstance(name, Template) else name.strip() for name in names if name)
    return frozenset(found - {""})


@reads(TEXTS)
def read_listen(file: YamlFile, entry: Entry, warn: Warn) -> tuple[str, ...]:
    """Names that a handler listens to, commas and all."""
    return tuple(v for v in read_texts(file, entry, warn) if isinstance(v, str))


@reads(FLAG)
def read_flag(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """True, false, or a template; Ansible's words for them as text too."""
    value = file.value(entry.node)
    if isinstance(value, bool | Template):
        return value
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    wrong(file, entry, "true or false")
    return None


@reads(NUMBER)
def read_number(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A number that is not negative, or a template."""
    return number(file, entry, "a number that is not negative", lambda found: found >= 0)


def number(file: YamlFile, entry: Entry, wanted: str, fits: Callable[[float], bool]) -> Value:
    """A number that fits, a whole one as such, or a template."""
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found) or not fits(found):
        wrong(file, entry, wanted)
        return None
    return int(found) if found.is_integer() else found


@reads(NAME)
def read_variable(file: YamlFile, entry: Entry, _warn: Warn) -> str | None:
    """The name of a variable."""
    value = entry.node.value if isinstance(entry.node, yaml.ScalarNode) else None
    if isinstance(value, str) and is_variable(value):
        return value
    wrong(file, entry, "the name of a variable", hint=NAMES)
    return None


@reads(or_template(NAME))
def read_variable_or_template(file: YamlFile, entry: Entry, warn: Warn) -> Value:
    """The name of a variable, or a template of it."""
    value = file.value(entry.node)
    return value if isinstance(value, Template) else read_variable(file, entry, warn)


def is_variable(name: str) -> bool:
    """Whether it is a variable's name in Ansible: letters, digits and underscores, no digit first."""
    return name.isascii() and name.isidentifier() and name not in ("true", "false")


def choice(*words: str) -> Reader:
    """A reader of one of these words."""

    @reads({"enum": list(words)})
    def read(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
        value = file.value(entry.node)
        if isinstance(value, str) and value in words:
            return value
        wrong(file, entry, "one of: " + ", ".join(words), hint=nearest(str(value), words))
        return None

    return read


def read_vars(
    file: YamlFile, node: yaml.Node, what: str = "'vars'", *, lenient: bool = False
) -> Mapping[str, Value]:
    """Variables: a mapping whose keys are names that an expression can use.

    `lenient`: other names are told and kept, as Ansible keeps them in files of variables and in inventories.
    """
    found: dict[str, Value] = {}
    for entry in file.entries(node, what):
        if not is_variable(entry.key) and lenient:
            hint = f"{NAMES} It can be read as vars['{entry.key}'] only."
            file.warn(f"No expression can name the variable '{entry.key}'", entry.position, hint)
        elif not is_variable(entry.key):
            file.problem(f"'{entry.key}' can't be the name of a variable", entry.position, NAMES)
        found[entry.key] = file.value(entry.node)
    return found


@reads(VARS)
def read_own_vars(file: YamlFile, entry: Entry, _warn: Warn) -> Mapping[str, Value]:
    """The value of `vars`."""
    return read_vars(file, entry.node)


@reads(MAPPINGS)
def read_environment(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """A mapping, a template that yields one, or a list of these; a later one wins."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [file.value(node) for node in nodes if not is_null(node)]
    for node, value in zip(nodes, found, strict=False):
        if not isinstance(value, dict | Template):
            wrong(file, entry, "a mapping of variables", node)
    return tuple(found)


@reads(or_template(_AWS))
def read_aws(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """The settings of a target, or a template that yields them."""
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    for inner in file.entries(entry.node, "'aws'"):
        if inner.key not in AWS_SETTINGS:
            hint = nearest(inner.key, AWS_SETTINGS) or "Known: " + ", ".join(AWS_SETTINGS)
            file.problem(f"'aws' has no setting '{inner.key}'", inner.position, hint)
    return value if isinstance(value, dict) else None


@reads(one_or_list(TEXTS))
def read_files(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """Names of files; a list in the list means the first of them that is there."""
    value = file.value(entry.node)
    return tuple(value) if isinstance(value, list) else (value,) if value else ()


@reads(SIZES)
def read_serial(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """Sizes of batches: numbers of hosts, or percentages as text."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [file.value(node) for node in nodes]
    for node, value in zip(nodes, found, strict=True):
        text = str(value).removesuffix("%")
        if not isinstance(value, Template) and not text.isdecimal():
            wrong(file, entry, "a number of hosts or a percentage such as '25%'", node)
    return tuple(found)


@reads(EXPRESSIONS)
def read_expressions(file: YamlFile, entry: Entry, warn: Warn) -> tuple[Expression, ...]:
    """Bare Jinja2 expressions: one or a list, of which all must hold; none when nothing is written."""
    if is_null(entry.node):
        return ()
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = [_expression(file, entry, node, warn) for node in nodes]
    return tuple(one for one in found if one is not None)


def _embeds(source: str) -> bool:
    """Whether braces stand only within quotes: a text that is a template, within an expression."""
    return "{" not in _QUOTED.sub("", source)


def _expression(file: YamlFile, entry: Entry, node: yaml.Node, warn: Warn) -> Expression | None:
    if not isinstance(node, yaml.ScalarNode) or is_null(node) or not node.value.strip():
        hint = (
            "Quote the whole expression when it holds ': '." if isinstance(node, yaml.MappingNode) else None
        )
        wrong(file, entry, "an expression", node, hint)
        return None
    source, at = str(node.value), file.text_position(node)
    if node.tag == "tag:yaml.org,2002:bool":
        return file.expression(str(file.value(node)).lower(), at)
    if "{{" not in source and "{%" not in source:
        return file.expression(source, at)
    whole = _WHOLE_TEMPLATE.fullmatch(source)
    if not whole and _embeds(source):
        return file.expression(source, at)
    if not whole:
        hint = "Take the braces away; names of variables need none here, and text joins with '~'."
        file.problem(f"'{entry.key}' is an expression already and takes no braces", node, hint)
        return None
    inner = whole["inner"].strip()
    message = f"'{entry.key}' is an expression already: the braces around it are not needed"
    warn(file.source.problem(message, file.position(node), f"Write: {entry.key}: {inner}"))
    return file.expression(source, at)
