"""Finds modules by name and checks, when one is first used, that it keeps the contract.

A name is looked for in the `library/` folders first, then among our own modules, then among installed entry points
of the group `runbook.modules`; the first that has it wins. Nothing is imported before it is used, and entry points
are read only for a name that is nowhere else: reading them costs more than all of ours.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from .contract import (
    ClientFactory,
    Computation,
    FactSource,
    Module,
    Params,
)
from .errors import ContractError, Position, Problem, nearest
from .foreign_modules import INSTEAD_OF
from .model import Value
from .params import check_literals, free_form_field
from .registry_check import check_class
from .registry_text import check_text, names_class

OWN = "runbook.modules"
ENTRY_POINTS = "runbook.modules"


class Registry:
    """All modules that a playbook can call; satisfies the loader's `Catalog`. Threads may share it.

    library: folders of modules of the operator's own, first wins.
    """

    def __init__(self, library: Sequence[Path] = ()) -> None:
        self._library = {name: path for folder in reversed(library) for name, path in _files(folder)}
        self._own = {name: path for folder in _package_folders(OWN) for name, path in _files(folder)}
        self._names = frozenset(self._library) | frozenset(self._own)
        self._loaded: dict[str, Module | Computation] = {}
        self._lock = threading.RLock()

    # ------------------------------------------------------------ for the loader

    def names(self) -> Collection[str]:
        """Modules of the library and our own; installed ones answer to their names all the same."""
        return self._names

    def has(self, name: str) -> bool:
        """Whether there is such a module, installed ones included."""
        return name in self._library or name in self._own or self._find(name) is not None

    def check(
        self, module: str, args: Mapping[str, Value], positions: Mapping[str, Position], at: Position
    ) -> list[Problem]:
        """What is wrong with a call as far as it shows before rendering."""
        found = self._find(module)
        if found is None and module in INSTEAD_OF:
            return [Problem(f"The module '{module}' is not supported", at, INSTEAD_OF[module])]
        if found is None:
            return [Problem(f"There is no module '{module}'", at, nearest(module, self.names()))]
        return check_literals(found.Params, args, positions, at)

    def free_form(self, module: str) -> str | None:
        """The argument that takes the text of a free-form call, if there is one."""
        found = self._find(module)
        return free_form_field(found.Params) if found is not None else None

    def asks_aws(self, module: str) -> bool:
        """Whether it asks AWS for anything: it names the IAM actions for that."""
        permissions = getattr(self._find(module), "permissions", None)
        return permissions is not None and bool(permissions.read or permissions.write)

    def bring(self, folder: Path) -> None:
        """A folder of modules that a role brings along: behind those of the playbook, before our own."""
        with self._lock:
            self._library = {**dict(_files(folder)), **self._library}
            self._names |= frozenset(self._library)

    # ------------------------------------------------------------ for the runner and the command line

    def get(self, name: str) -> Module | Computation:
        """The module of that name. Raises ContractError when there is none, or it does not keep the contract."""
        found = self._find(name)
        if found is None:
            raise ContractError(f"There is no module '{name}'", hint=nearest(name, self.names()))
        return found

    def client_factory(self) -> ClientFactory:
        """What makes service clients; imported when first asked for."""
        made: Callable[[], ClientFactory] = importlib.import_module(f"{OWN}._aws").Clients
        return made()

    def fact_source(self, started: datetime, fact_path: str | None) -> FactSource:
        """What knows the facts of this machine; it is imported when one is read."""
        return _LateFacts(started, fact_path)

    def manual(self, name: str) -> str:
        """The manual page of a module. Raises as `get`."""
        from .manual import manual

        return manual(name, self.get(name))

    def json_schema(self, name: str) -> dict[str, Any]:
        """JSON Schema of a module's arguments. Raises as `get`."""
        from .params_schema import json_schema

        return json_schema(self.get(name).Params)

    # ------------------------------------------------------------ finding

    def _find(self, name: str) -> Module | Computation | None:
        known = self._loaded.get(name)
        if known is not None:
            return known
        with self._lock:
            if name not in self._loaded:
                made = self._load(name)
                if made is None:
                    return None
                self._loaded[name] = made
            return self._loaded[name]

    def _load(self, name: str) -> Module | Computation | None:
        if name in self._library:
            path = self._library[name]
            return _instance(name, _import_file(name, path), str(path))
        if name in self._own:
            return _instance(name, importlib.import_module(f"{OWN}.{name}"), f"{OWN}.{name}")
        return _installed(name)


class _LateFacts:
    """A `FactSource` whose file is imported when it is first asked."""

    def __init__(self, started: datetime, fact_path: str | None) -> None:
        self._started, self._fact_path = started, fact_path
        self._names: dict[tuple[str, ...], frozenset[str]] = {}

    @functools.cached_property
    def _source(self) -> FactSource:
        made: Callable[[datetime, str | None], FactSource] = importlib.import_module(f"{OWN}._facts").Facts
        return made(self._started, self._fact_path)

    def names(self, subset: Sequence[str] = ()) -> frozenset[str]:
        key = tuple(subset)
        if key not in self._names:
            self._names[key] = self._source.names(subset)
        return self._names[key]

    def get(self, name: str) -> Any:
        return self._source.get(name)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_dir():
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                yield path.stem, path


def _package_folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []


def _import_file(name: str, path: Path) -> ModuleType:
    check_text(name, path)
    spec = importlib.util.spec_from_file_location(f"runbook_library.{name}", path)
    assert spec is not None  # noqa: S101 (a .py file has a loader)
    assert spec.loader is not None  # noqa: S101
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # msgspec looks names of annotations up there
    try:
        spec.loader.exec_module(made)
    except Exception as error:
        del sys.modules[spec.name]
        raise ContractError(f"The module {path} can't be loaded: {type(error).__name__}: {error}") from error
    return made


def _installed(name: str) -> Module | Computation | None:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        source = f"{point.value} (installed by {point.dist.name if point.dist else 'a package'})"
        try:
            made = point.load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ContractError(f"The module '{name}', {source}, can't be loaded: {reason}") from error
        if isinstance(made, ModuleType):
            return _instance(name, made, source)
        check_class(name, made, source)
        return cast(Module | Computation, made())
    return None


def _instance(name: str, file: ModuleType, source: str) -> Module | Computation:
    """The module's one object, made from the class named as the file in CamelCase."""
    classes = [
        value
        for key, value in vars(file).items()
        if names_class(key, name) and isinstance(value, type) and not issubclass(value, Params)
    ]
    if not classes:
        camel = "".join(part.capitalize() for part in name.split("_"))
        raise ContractError(f"The module '{name}' ({source}) has no class {camel}")
    check_class(name, classes[0], source)
    return cast(Module | Computation, classes[0]())
