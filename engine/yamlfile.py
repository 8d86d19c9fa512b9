"""YAML files: plain data in which every node knows its place and operator text with braces is a Template.

YAML 1.1 as PyYAML's safe loader reads it, with less: unknown tags and nodes that hold themselves are problems. Of
equal keys the last counts, with a warning, as in Ansible. Problems are collected, so that all of a file are told
together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from .errors import LoadError, Position, Problem
from .model import Value
from .source import Source, read_source
from .values import Expression, Template, Vaulted
from .vault import Vault, is_sealed
from .yamlerrors import bare_template, braces_in_flow, control_characters, cut_item, explain, nested_too_deep
from .yamlscalars import SCALARS, TAG

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BRACES = re.compile(r"\{[{%#]")
_MOST_SYNTAX_ERRORS = 10
_BUSY = object()
_VAULT = ("!vault", "!vault-encrypted")
_PAIRS = (f"{TAG}omap", f"{TAG}pairs")
_COLLECTIONS = frozenset({f"{TAG}map", f"{TAG}seq", f"{TAG}set", *_PAIRS, "!unsafe"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: str
    position: Position
    """Of the key."""
    node: yaml.Node


class YamlFile:
    """One YAML file: its nodes as data, and the problems that were found in it so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = control_characters(source)
        self.warnings: list[Problem] = []
        """What works and is hardly meant: equal keys, templates as keys."""
        self.texts: list[Template | Expression] = []
        """Every template and expression that was handed out, for a check of their syntax."""
        self._later: list[Template | Expression] = []
        """Those whose mistakes fail their task when its turn comes."""
        self.torn = False
        """Some of it could not be read, so what seems to be missing may be there."""
        self._constructor = SafeConstructor()
        self._values: dict[tuple[int, bool], Any] = {}
        deep = nested_too_deep(source)
        if deep:
            self.problems.append(deep)
        self.root: yaml.Node | None = None if self.problems else self._compose()
        self.unreadable = tuple(self.problems)
        """Problems of its YAML."""

    @property
    def path(self) -> str:
        return self.source.path

    # ------------------------------------------------------------ problems

    def problem(self, message: str, at: Position | yaml.Node, hint: str | None = None) -> None:
        """Note a problem at a place of this file."""
        place = at if isinstance(at, Position) else self.position(at)
        self.problems.append(self.source.problem(message, place, hint))

    def warn(self, message: str, at: Position | yaml.Node, hint: str | None = None) -> None:
        """Note something that works and is hardly meant."""
        place = at if isinstance(at, Position) else self.position(at)
        self.warnings.append(self.source.problem(message, place, hint))

    def position(self, node: yaml.Node) -> Position:
        return Position(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def leave_to_task(self, texts: Sequence[Template | Expression]) -> None:
        """Their mistakes are warnings: their task fails when its turn comes, which the playbook deals with."""
        self._later += texts

    def settled(self) -> list[Problem]:
        """All problems, those of templates included, once each, in the order of their places."""
        later = set(map(id, self._later))
        self.warnings += map(self.source.show, syntax_problems(self._later))
        now = [text for text in self.texts if id(text) not in later]
        found = [self.source.show(p) for p in (*self.problems, *syntax_problems(now))]
        return sorted(dict.fromkeys(found), key=lambda p: p.position or Position(self.path, 0, 0))

    # ------------------------------------------------------------ syntax

    def _compose(self) -> yaml.Node | None:
        lines = list(self.source.lines)
        for _ in range(_MOST_SYNTAX_ERRORS):
            loader = _Loader("\n".join(lines))
            try:
                node: yaml.Node | None = loader.get_single_node()
            except yaml.MarkedYAMLError as error:
                problem = explain(error, self.source)
                first = not self.problems
                # What was cut away may have held the anchor.
                if first or "alias" not in (error.problem or ""):
                    self.problems.append(problem)
                self.torn = True
                if not cut_item(lines, problem, error):
                    return None
            else:
                return node
            finally:
                loader.dispose()
        return None

    # ------------------------------------------------------------ shapes

    def entries(self, node: yaml.Node | None, what: str) -> list[Entry]:
        """The entries of a mapping whose keys are text; a problem and nothing when it is no mapping."""
        if not isinstance(node, yaml.MappingNode):
            if node is not None and not is_null(node):
                self.problem(
                    f"{what} must be a mapping of 'key: value', not {kind(node)}", node, self._quote(node)
                )
            return []
        found = []
        for key, value in self._pairs(node):
            if isinstance(key, yaml.ScalarNode):
                found.append(Entry(key.value, self.position(key), value))
            else:
                self._odd_key(key)
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The items of a list; a problem and nothing when it is no list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node is not None and not is_null(node):
            self.problem(f"{what} must be a list, not {kind(node)}", node, "A list's items start with '- '.")
        return []

    def _quote(self, node: yaml.Node) -> str | None:
        found = bare_template(self.source, node.start_mark.line + 1)
        return found.hint if found else None

    def _odd_key(self, key: yaml.Node) -> None:
        at = self.position(key)
        found = bare_template(self.source, at.line) or braces_in_flow(self.source, at)
        if found:
            self.problems.append(found)
        else:
            self.problem(f"A key must be text, not {kind(key)}", key)

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Keys and values, `<<` merged as YAML 1.1 says: what is written here wins, then the earlier of a list."""
        merged = [(k, v) for k, v in node.value if k.tag == f"{TAG}merge"]
        own: dict[object, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == f"{TAG}merge":
                continue
            name = _name_of(key)
            if name in own:
                place = self.position(own[name][0])
                self.warn(
                    f"The key '{key.value}' stands here twice",
                    key,
                    f"First in line {place.line}, column {place.column}. The last one counts.",
                )
            own[name] = (key, value)
        if not merged:
            yield from own.values()
            return
        found = {_name_of(key): (key, value) for key, value in self._merge(merged)}
        yield from {**found, **own}.values()  # what is written here stands where the merged one would

    def _merge(self, merged: list[tuple[yaml.Node, yaml.Node]]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        taken: set[object] = set()
        for _, value in merged:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(source, yaml.MappingNode):
                    self.problem("'<<' takes a mapping or a list of them", source)
                    continue
                for key, inner in self._pairs(source):
                    name = _name_of(key)
                    if name not in taken:
                        taken.add(name)
                        yield key, inner

    # ------------------------------------------------------------ values

    def value(self, node: yaml.Node, *, raw: bool = False) -> Value:
        """The node as plain data. `raw`: text stays text, whatever braces it holds (`!unsafe`)."""
        raw = raw or node.tag == "!unsafe"
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, raw)
        known = self._values.get((id(node), raw))
        if known is _BUSY:
            self.problem("This holds itself", node)
            return None
        if known is None:
            self._values[id(node), raw] = _BUSY
            try:
                known = self._values[id(node), raw] = self._collection(node, raw)
            except RecursionError:
                self.problem("This is nested too deep", node)
        return known

    def _collection(self, node: yaml.Node, raw: bool) -> Value:
        if node.tag not in _COLLECTIONS:
            self._refuse_tag(node)
            return None
        if isinstance(node, yaml.SequenceNode):
            items = [self.value(item, raw=raw) for item in node.value]
            if node.tag in _PAIRS:
                return [pair for item in items if isinstance(item, dict) for pair in map(list, item.items())]
            return items
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 (the only kind that is left)
        made = {}
        for key, value in self._pairs(node):
            if not isinstance(key, yaml.ScalarNode):
                self._odd_key(key)
                continue
            name = self._scalar(key, True)
            if not raw and isinstance(name, str) and _BRACES.search(name):
                hint = 'Write the whole mapping as one template: "{{ {name: value} }}"'
                self.warn("A key is not rendered: this one keeps its braces", key, hint)
            made[name] = self.value(value, raw=raw)
        return set(made) if node.tag == f"{TAG}set" else made

    def _scalar(self, node: yaml.ScalarNode, raw: bool) -> Value:
        text: str = node.value
        if node.tag in (f"{TAG}str", "!unsafe", f"{TAG}value", f"{TAG}merge"):
            if raw or not _BRACES.search(text):
                return text
            template = Template(text, self.text_position(node))
            self.texts.append(template)
            return template
        if node.tag in _VAULT:
            return self._vaulted(node)
        construct = SCALARS.get(node.tag)
        if construct is None:
            self._refuse_tag(node)
            return None
        try:
            return construct(self._constructor, node)
        except (ValueError, yaml.YAMLError) as error:
            what = node.tag.removeprefix(TAG)
            self.problem(
                f"'{text}' looks like a YAML {what} but is none: {error}", node, "Quote it if it is text."
            )
            return None

    def _vaulted(self, node: yaml.ScalarNode) -> Vaulted | None:
        if is_sealed(node.value):
            return Vaulted(node.value.strip(), self.position(node))
        self.problem(
            f"'{node.tag}' holds no text of a vault",
            node,
            "`runbook vault encrypt_string` writes it.",
        )
        return None

    def text_position(self, node: yaml.ScalarNode) -> Position:
        """Where the first character of a text stands, behind its quote or in the first line of its block."""
        at = self.position(node)
        if node.style in ("'", '"'):
            return Position(at.file, at.line, at.column + 1)
        if node.style in ("|", ">"):
            for number in range(at.line, len(self.source.lines)):
                line = self.source.lines[number]
                if line.strip():
                    return Position(at.file, number + 1, len(line) - len(line.lstrip()) + 1)
        return at

    def text(self, value: str, at: Position) -> str | Template:
        """Operator text that was cut out of a longer one."""
        if not _BRACES.search(value):
            return value
        template = Template(value, at)
        self.texts.append(template)
        return template

    def expression(self, source: str, at: Position) -> Expression:
        made = Expression(source, at)
        self.texts.append(made)
        return made

    def _refuse_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(TAG, "!!")
        self.problem(f"The YAML tag '{tag}' is not known here", node, "Known: !unsafe, !vault.")


def read_yaml(path: str, vault: Vault | None = None) -> YamlFile:
    """Read a YAML file; what is wrong with its text is in its `problems`. Raises LoadError: can't be read."""
    return YamlFile(read_source(path, vault))


def is_null(node: yaml.Node) -> bool:
    return bool(node.tag == f"{TAG}null")


def _name_of(key: yaml.Node) -> object:
    """What tells a key from others of its mapping."""
    return (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)


_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "null": "nothing",
          "map": "a mapping", "seq": "a list"}  # fmt: skip


def kind(node: yaml.Node) -> str:
    """What a node is, in plain words."""
    if isinstance(node, yaml.ScalarNode) and _BRACES.search(node.value):
        return "a template"
    return _KINDS.get(node.tag.removeprefix(TAG), "a value with the tag " + node.tag.replace(TAG, "!!"))


def syntax_problems(texts: Sequence[Template | Expression]) -> list[Problem]:
    """What is wrong with the Jinja2 of operator texts."""
    if not texts:
        return []
    from .template import check_syntax

    fine: set[tuple[type, str]] = set()
    problems = []
    for text in texts:
        same = (type(text), text.source)
        problem = None if same in fine else check_syntax(text)
        if problem is None:
            fine.add(same)
        else:
            problems.append(problem)
    return problems


def settle(files: Sequence[YamlFile], warn: Callable[[Problem], None] | None = None) -> None:
    """Raise LoadError with the problems of all files, if there are any; tell `warn` their warnings."""
    problems = [problem for file in files for problem in file.settled()]
    if problems:
        raise LoadError(list(dict.fromkeys(problems)))
    if warn is not None:
        for warning in dict.fromkeys(warning for file in files for warning in file.warnings):
            warn(warning)
