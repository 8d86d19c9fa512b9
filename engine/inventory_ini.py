"""Inventories in INI form: `[group]`, `[group:children]`, `[group:vars]`, a host with its variables on a line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Collection
from typing import Any

from .errors import Position, Problem, nearest
from .inventory_text import UNGROUPED, BadRange, InventoryText, expand_hosts, is_name, split_port
from .keyword_values import NAMES, is_variable
from .model import Value
from .source import Source
from .values import SourceFloat, SourceInt, Template

_SECTION = re.compile(r"\[(?P<group>[^:\]]+)(?::(?P<kind>\w+))?\]\s*(?:[#;].*)?")
_KINDS = ("hosts", "children", "vars")
_GLUED_HASH = re.compile(r"""(?:[^\s"'#\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|\s+(?!#))*?[^\s"'#]#""")
"""A `#` right behind other text, outside of quotes."""
_BRACES = re.compile(r"\{[{%#]")


class IniFile:
    """One INI inventory, and what is wrong with it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.texts: list[Template] = []
        self._needed: list[tuple[str, Position]] = []
        """Groups that are named before they are there."""

    def read(self, into: InventoryText) -> None:
        """Read all sections; hosts before the first belong to no group."""
        group, kind = UNGROUPED, "hosts"
        known = set(into.groups)
        for number, line in enumerate(self.source.lines, 1):
            text = line.strip()
            if not text or text[0] in "#;":
                continue
            at = self.source.position(number, line.index(text[0]) + 1)
            if text.startswith("[") and (found := _SECTION.fullmatch(text)):
                group, kind = self._section(found["group"].strip(), found["kind"] or "hosts", at)
                into.group(group)
                if kind == "vars":
                    self._needed.append((group, at))
                else:
                    known.add(group)
            elif text.startswith("[") and text.endswith("]"):
                self._problem(
                    "This is no section", at, "Sections are [group], [group:children] and [group:vars]."
                )
            elif kind == "hosts":
                self._host(text, at, group, into)
            elif kind == "children":
                name = text.partition("#")[0].strip()
                self._needed.append((name, at))
                into.group(group).children[name] = None
            else:
                self._variable(text, at, group, into)
        self._check_needed(known)

    def _check_needed(self, known: Collection[str]) -> None:
        for name, at in self._needed:
            if name not in known:
                hint = nearest(name, known) or f"Write a section [{name}]."
                self._problem(f"There is no group '{name}'", at, hint)

    def _warn(self, message: str, at: Position, hint: str) -> None:
        self.warnings.append(self.source.problem(message, at, hint))

    def _problem(self, message: str, at: Position, hint: str | None = None) -> None:
        self.problems.append(self.source.problem(message, at, hint))

    def _section(self, group: str, kind: str, at: Position) -> tuple[str, str]:
        if not is_name(group) or " " in group:
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
        self._look_for_hash(text, at)
        name, port = split_port(words[0])
        own: dict[str, Value] = {} if port is None else {"ansible_port": port}
        for word in words[1:]:
            key, sign, value = word.partition("=")
            if not sign:
                hint = "After the host's name come its variables as key=value; quote values with spaces."
                self._problem(f"'{word}' is no key=value", at, hint)
            else:
                self._check_name(key, at)
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
        if not sign:
            self._problem(f"This is no variable of the group '{group}'", at, "Write: key=value")
        else:
            self._check_name(key.strip(), at)
            into.set_vars(group, {key.strip(): self._value(value.strip(), at)})

    def _check_name(self, key: str, at: Position) -> None:
        if not is_variable(key):
            hint = f"{NAMES} It can be read as vars['{key}'] only."
            self._warn(f"No expression can name the variable '{key}'", at, hint)

    def _look_for_hash(self, text: str, at: Position) -> None:
        glued = _GLUED_HASH.match(text)
        if glued:
            hint = 'Quote the value: key="a#b".'
            self._warn(f"'{glued[0][-1:]}' begins a comment here, whatever stands before it", at, hint)

    def _value(self, text: str, at: Position) -> Value:
        """As Python writes values: numbers, quoted text, lists, `True`, `None`; all else is text."""
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = text
        if isinstance(value, float) and str(value) != text:
            return SourceFloat(value, text)
        if type(value) is int and str(value) != text and text[0] not in "'\"":
            return SourceInt(value, text)
        return self._operator_text(value, text, at)

    def _operator_text(self, value: Any, text: str, at: Position) -> Value:
        if isinstance(value, str):
            if not _BRACES.search(value):
                return value
            template = Template(value, at)
            self.texts.append(template)
            return template
        if isinstance(value, list | tuple):
            return [self._operator_text(item, text, at) for item in value]
        if isinstance(value, dict):
            return {key: self._operator_text(item, text, at) for key, item in value.items()}
        return value if isinstance(value, int | float | bool | None) else text


def _words(text: str) -> list[str]:
    """Words of a line as a shell splits them; a `#` outside of quotes ends the line. Raises ValueError: an open
    quote."""
    return shlex.split(text, comments=True)
