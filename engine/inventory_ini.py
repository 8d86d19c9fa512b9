"""Inventories in INI form: `[group]`, `[group:children]`, `[group:vars]`, a host with its variables on a line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

from .errors import Position, Problem, nearest
from .inventory_text import BadRange, InventoryText, expand_hosts, is_name, split_port
from .keyword_values import is_variable
from .model import Value
from .source import Source
from .values import SourceFloat, Template

_SECTION = re.compile(r"\[(?P<group>[^:\]]+)(?::(?P<kind>\w+))?\]\s*(?:[#;].*)?")
_KINDS = ("hosts", "children", "vars")
_BRACES = re.compile(r"\{[{%#]")


class IniFile:
    """One INI inventory, and what is wrong with it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.texts: list[Template] = []

    def read(self, into: InventoryText) -> None:
        """Read all sections; hosts before the first belong to no group."""
        group, kind = "ungrouped", "hosts"
        children: list[tuple[str, Position]] = []
        for number, line in enumerate(self.source.lines, 1):
            text = line.strip()
            if not text or text[0] in "#;":
                continue
            at = self.source.position(number, line.index(text[0]) + 1)
            if text.startswith("[") and (found := _SECTION.fullmatch(text)):
                group, kind = self._section(found["group"].strip(), found["kind"] or "hosts", at)
                into.group(group)
            elif text.startswith("[") and text.endswith("]"):
                self._problem(
                    "This is no section", at, "Sections are [group], [group:children] and [group:vars]."
                )
            elif kind == "hosts":
                self._host(text, at, group, into)
            elif kind == "children":
                name = text.partition("#")[0].strip()
                children.append((name, at))
                into.group(group).children[name] = None
            else:
                self._variable(text, at, group, into)
        for name, at in children:
            if name not in into.groups:
                hint = nearest(name, into.groups) or f"Write a section [{name}]."
                self._problem(f"There is no group '{name}'", at, hint)

    def _problem(self, message: str, at: Position, hint: str | None = None) -> None:
        self.problems.append(self.source.problem(message, at, hint))

    def _section(self, group: str, kind: str, at: Position) -> tuple[str, str]:
        if not is_name(group):
            self._problem(f"'{group}' can't be the name of a group", at)
        if kind not in _KINDS:
            self._problem(f"A section can't be of the kind '{kind}'", at, nearest(kind, _KINDS))
            return group, "hosts"
        return group, kind

    def _host(self, text: str, at: Position, group: str, into: InventoryText) -> None:
        try:
            words = _words(text)
        except ValueError:
            self._problem("A quote in this line is never closed", at)
            return
        name, port = split_port(words[0])
        own: dict[str, Value] = {} if port is None else {"ansible_port": port}
        for word in words[1:]:
            key, sign, value = word.partition("=")
            if not sign or not is_variable(key):
                hint = "After the host's name come its variables as key=value; quote values with spaces."
                self._problem(f"'{word}' is no key=value", at, hint)
            else:
                own[key] = self._value(value, at)
        try:
            for host in expand_hosts(name):
                if is_name(host):
                    into.add_host(host, group, own)
                else:
                    self._problem(f"'{host}' can't be the name of a host", at)
        except BadRange as error:
            self._problem(f"The range can't be used: {error}", at)

    def _variable(self, text: str, at: Position, group: str, into: InventoryText) -> None:
        key, sign, value = text.partition("=")
        if not sign or not is_variable(key.strip()):
            self._problem(f"This is no variable of the group '{group}'", at, "Write: key=value")
        else:
            into.group(group).vars[key.strip()] = self._value(value.strip(), at)

    def _value(self, text: str, at: Position) -> Value:
        """Numbers, quoted text, lists, `True`, `False` and `None` as Python writes them; all else is text."""
        if _BRACES.search(text):
            template = Template(text.strip("'\"") if text[:1] == text[-1:] else text, at)
            self.texts.append(template)
            return template
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(value, float) and str(value) != text:
            return SourceFloat(value, text)
        plain = isinstance(value, str | int | float | list | dict | bool | None)
        return value if plain else text


def _words(text: str) -> list[str]:
    """Words of a line; a comment starts with a `#` behind a space. Raises ValueError: an open quote."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    return list(_until_comment(lexer))


def _until_comment(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("#"):
            return
        yield word
