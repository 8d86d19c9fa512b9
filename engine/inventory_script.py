"""Inventory scripts: programs that print hosts and groups as JSON, asked with `--list` and, when they print no
`_meta`, with `--host NAME`. They are the operator's own: their texts with braces are templates, as in Ansible."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import LoadError, Position, Problem
from .inventory_text import GROUP_KEYS, InventoryText, is_name
from .model import Value
from .values import Template

_BRACES = re.compile(r"\{[{%#]")
META = "_meta"


def read_script(path: Path, into: InventoryText, warn: Callable[[Problem], None]) -> str:
    """Run a script and read what it prints; the text that it printed. Raises LoadError when it fails or prints
    something else."""
    script = _Script(path, warn)
    text = script.run("--list")
    script.read(script.mapping(text, "--list"), into)
    return text


class _Script:
    def __init__(self, path: Path, warn: Callable[[Problem], None]) -> None:
        self._path = path
        self._warn = warn

    # ------------------------------------------------------------ running

    def run(self, *words: str) -> str:
        shown = " ".join((str(self._path), *words))
        try:
            done = subprocess.run(  # noqa: S603 (the operator's own program, without a shell)
                [str(self._path.absolute()), *words], capture_output=True, check=False
            )
        except OSError as error:
            hint = (
                "A program begins with '#!' and is executable; a file of hosts is not executable (chmod -x)."
            )
            raise _wrong(f"The inventory script {self._path} can't be run: {error}", hint) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "backslashreplace").strip()
            raise _wrong(f"The inventory script `{shown}` ended with code {done.returncode}", said or None)
        return done.stdout.decode("utf-8", "backslashreplace")

    def mapping(self, text: str, word: str) -> Mapping[str, Any]:
        shown = f"`{self._path} {word}`"
        try:
            found = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise _wrong(f"The inventory script {shown} prints no JSON: {error}") from error
        if not isinstance(found, dict):
            raise _wrong(f"The inventory script {shown} must print a mapping, not {type(found).__name__}")
        return found

    # ------------------------------------------------------------ reading

    def read(self, listed: Mapping[str, Any], into: InventoryText) -> None:
        meta = listed.get(META)
        known = meta.get("hostvars") if isinstance(meta, dict) else None
        for name, value in listed.items():
            if name != META:
                self._group(name, value, into)
        mine = [name for name in into.hosts if into.origins.get(name) == into.source or name in (known or {})]
        for host in mine:
            found = (
                known.get(host, {}) if known is not None else self.mapping(self.run("--host", host), "--host")
            )
            into.hosts[host].update(self._vars(found, f"the host '{host}'"))

    def _group(self, name: str, value: Any, into: InventoryText) -> None:
        if not is_name(name):
            raise _wrong(f"{self._path}: '{name}' can't be the name of a group")
        into.group(name)
        if isinstance(value, list):
            value = {"hosts": value}
        elif isinstance(value, dict) and not any(key in value for key in GROUP_KEYS):
            message = (
                f"{self._path}: the group '{name}' has neither hosts, children nor vars: it is read as a host"
            )
            self._warn(Problem(message))
            value = {"hosts": [name], "vars": value}
        if not isinstance(value, dict):
            raise _wrong(f"{self._path}: the group '{name}' must be a mapping or a list of hosts")
        for host in self._names(value.get("hosts"), name, "hosts"):
            into.add_host(host, name, {})
        for child in self._names(value.get("children"), name, "children"):
            into.group(child)
            into.group(name).children[child] = None
        into.set_vars(name, self._vars(value.get("vars"), f"the group '{name}'"))

    def _names(self, value: Any, group: str, key: str) -> list[str]:
        names = list(value) if isinstance(value, dict | list) else [] if value is None else [value]
        for name in names:
            if not isinstance(name, str) or not is_name(name):
                raise _wrong(f"{self._path}: {name!r} can't be one of the {key} of the group '{group}'")
        return names

    def _vars(self, value: Any, whose: str) -> dict[str, Value]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _wrong(f"{self._path}: the variables of {whose} must be a mapping")
        return {name: self._text(item) for name, item in value.items()}

    def _text(self, value: Any) -> Value:
        if isinstance(value, str):
            return Template(value, Position(str(self._path), 1, 1)) if _BRACES.search(value) else value
        if isinstance(value, list):
            return [self._text(item) for item in value]
        if isinstance(value, dict):
            return {key: self._text(item) for key, item in value.items()}
        return value


def _wrong(message: str, hint: str | None = None) -> LoadError:
    return LoadError([Problem(message, hint=hint)])
