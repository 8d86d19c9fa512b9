"""Filters, tests and lookups of the operator's own: files in the shape of Ansible's plugins, and entry points.

A file in `filter_plugins/`, `test_plugins/` or `lookup_plugins/`, beside the playbook or in a role, holds
`class FilterModule` with `filters()`, `class TestModule` with `tests()`, or, named as the lookup,
`class LookupModule` with `run(terms, variables=None, **options)`. One that imports ansible is refused, by name,
when a name is needed that it may hold. Nothing is read before a name is asked for that is not one of ours.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ContractError
from .lookups_base import Lookup, Site

FILTERS, TESTS, LOOKUPS = "filter", "test", "lookup"
_CLASSES = {FILTERS: ("FilterModule", "filters"), TESTS: ("TestModule", "tests")}


@dataclass(slots=True)
class _Found:
    functions: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Files that can't be used, with the reason."""


class Plugins:
    """The plugins of one playbook. Threads may share it.

    base: the playbook's folder. Its own plugins come first, then those of the roles beside it, then entry points.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._folders: list[Path] = []
        self._found: dict[str, _Found] = {}
        self._lookups: dict[str, Lookup | None] = {}
        self._lock = threading.RLock()

    def add(self, role: Path) -> None:
        """A role's folder, whose plugins belong to this playbook, too."""
        with self._lock:
            if role not in self._folders:
                self._folders.append(role)
                self._found.clear()
                self._lookups.clear()

    def names(self, kind: str) -> Iterator[str]:
        """Names that files bring along."""
        return iter(self._read(kind).functions)

    def function(self, kind: str, name: str) -> Callable[..., Any] | None:
        """The filter or test of that name; None: there is none. Raises ContractError when a file may hold it that
        can't be used."""
        found = self._read(kind)
        if name not in found.functions:
            made = _installed(kind, name)
            if made is None:
                if found.refused:
                    raise ContractError(
                        f"There is no {kind} '{name}' that can be used: {'; '.join(found.refused)}"
                    )
                return None
            found.functions[name] = made
        function: Callable[..., Any] = found.functions[name]
        return function

    def lookup(self, name: str) -> Lookup | None:
        """The lookup of that name. Raises ContractError when its file can't be used."""
        with self._lock:
            if name not in self._lookups:
                self._lookups[name] = self._look_for(name)
            return self._lookups[name]

    def _look_for(self, name: str) -> Lookup | None:
        for folder in self._places(LOOKUPS):
            path = folder / f"{name}.py"
            if path.is_file():
                reason = _unusable(path)
                if reason is not None:
                    raise ContractError(f"The lookup '{name}' can't be used: {reason}")
                return _as_lookup(_loaded(path).LookupModule)
        made = _installed(LOOKUPS, name)
        return None if made is None else _as_lookup(made)

    def _places(self, kind: str) -> Iterator[Path]:
        yield self._base / f"{kind}_plugins"
        roles = self._base / "roles"
        known = [*self._folders, *(sorted(roles.iterdir()) if roles.is_dir() else ())]
        for role in dict.fromkeys(known):
            yield role / f"{kind}_plugins"

    def _read(self, kind: str) -> _Found:
        with self._lock:
            if kind not in self._found:
                self._found[kind] = made = _Found()
                for folder in self._places(kind):
                    for path in sorted(folder.glob("*.py")):
                        _collect(path, kind, made)
            return self._found[kind]


@functools.cache
def plugins_of(base: Path) -> Plugins:
    """The plugins of a folder; the same ones each time."""
    return Plugins(base)


def _collect(path: Path, kind: str, found: _Found) -> None:
    class_name, method = _CLASSES[kind]
    reason = _unusable(path)
    if reason is None:
        try:
            functions = getattr(getattr(_loaded(path), class_name)(), method)()
        except ContractError as error:
            reason = error.message
        except Exception as error:  # noqa: BLE001 (the operator's code; told where its name is needed)
            reason = f"{path} has no {class_name} with {method}(): {type(error).__name__}: {error}"
        else:
            found.functions = {**functions, **found.functions}
    if reason is not None:
        found.refused.append(reason)


def _unusable(path: Path) -> str | None:
    """Why a file is not even imported; None: it may be."""
    import ast

    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        return f"{path} can't be read: {error}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        if any(name.split(".")[0] in ("ansible", "ansible_collections") for name in names):
            return (
                f"{path}:{node.lineno} imports ansible, which runbook does without; write it in plain Python"
            )
    return None


@functools.cache
def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"runbook_plugins.{path.parent.name}.{path.stem}", path)
    assert spec is not None  # noqa: S101 (a .py file has a loader)
    assert spec.loader is not None  # noqa: S101
    made = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(made)
    except Exception as error:
        raise ContractError(f"{path} can't be loaded: {type(error).__name__}: {error}") from error
    return made


def _as_lookup(plugin: Any) -> Lookup:
    """A class with `run(terms, variables, **options)`, or a function of the same, as a lookup of ours."""
    run = plugin().run if isinstance(plugin, type) else plugin

    def look(site: Site, *terms: Any, **options: Any) -> list[Any]:
        return list(run(list(terms), variables=_Variables(site), **options))

    return look


class _Variables(Mapping[str, Any]):
    """All variables, rendered when read."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __getitem__(self, name: str) -> Any:
        if not self._site.has(name):
            raise KeyError(name)
        return self._site.variable(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._site.names())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _installed(kind: str, name: str) -> Any:
    from importlib.metadata import entry_points

    for point in entry_points(group=f"runbook.{kind}s", name=name):
        try:
            return point.load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ContractError(f"The {kind} '{name}' ({point.value}) can't be loaded: {reason}") from error
    return None
