"""Which files are linted, and what the loader says of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LoadError, Problem
from .identity import Siblings
from .lint_config import Config
from .lint_view import FileView, kind_of, view
from .loader import look_through
from .loader_call import Catalog, Modules
from .loader_session import Inherited, Session
from .loader_tasks import read_list
from .role_files import roles_folders
from .varfiles import vars_of
from .vault import is_sealed
from .yamlfile import YamlFile, read_yaml, syntax_problems

_YAML = (".yml", ".yaml")
_ELSEWHERE = frozenset({"node_modules", "venv", "site-packages", "__pycache__", "collections"})
_AROUND = ("templates/**/*", "inventory/**/*", "group_vars/**/*", "host_vars/**/*", "../inventory/**/*",
           "../templates/*", "../defaults/*", "../vars/*")  # fmt: skip
_LARGE = 200_000
"""Bytes: a larger file is data, and no template."""


@dataclass(slots=True)
class Gathered:
    """What was read, each file once, with what the loader said."""

    views: dict[str, FileView] = field(default_factory=dict)
    syntax: list[Problem] = field(default_factory=list)
    jinja: list[Problem] = field(default_factory=list)
    arguments: list[Problem] = field(default_factory=list)
    load: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def yaml_files(paths: Sequence[str], config: Config) -> list[Path]:
    """The YAML files that PATHS name, those in folders included. Raises LoadError for a path that is not there."""
    found: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found.update(dict.fromkeys(one for one in _walk(path) if config.reads(one)))
        elif path.exists():
            found[path] = None
        else:
            raise LoadError([Problem(f"There is no file or folder {name}")])
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one not in _ELSEWHERE)
        yield from (Path(at, name) for name in sorted(names) if name.endswith(_YAML) and name[0] != ".")


def gather(paths: Sequence[Path], catalog: Catalog) -> Gathered:
    """Read the files: playbooks first, since they bring what they import in its own place."""
    made = Gathered()
    kinds: dict[Path, str] = {}
    for path in paths:
        try:
            file = read_yaml(str(path))
        except LoadError as error:
            made.load += error.problems
            continue
        if is_sealed(file.source.text):
            continue  # nobody gave a password, and nothing is to be found in ciphertext
        kinds[path] = kind_of(file) or ("broken" if file.problems else "")
    for kind in ("playbook", "tasks", "handlers", "vars", "broken"):
        for path, found in kinds.items():
            if found == kind and os.path.normpath(path) not in made.views:
                _read(made, str(path), kind, catalog)
    return made


def _read(made: Gathered, path: str, kind: str, catalog: Catalog) -> None:
    session = Session(catalog, made.warnings.append)
    try:
        if kind == "playbook":
            session = look_through(path, catalog, roles_path=roles_folders(()), warn=made.warnings.append)
        else:
            _look_into(session, path, kind)
    except LoadError as error:
        made.load += error.problems
    modules = Modules(catalog)
    for file in session.files:
        name = os.path.normpath(file.path)
        if name in made.views:
            continue
        _sort(made, file, session)
        own = kind if file.path == path else _kind(file, kind)
        made.views[name] = view(file, own, modules)


def _look_into(session: Session, path: str, kind: str) -> None:
    file = session.open(path)
    if file is None or file.root is None or kind == "broken":
        return
    if kind == "vars":
        vars_of(file)
    else:
        read_list(session)(file, Inherited(), Siblings(path), kind == "handlers", ())


def _kind(file: YamlFile, otherwise: str) -> str:
    found = kind_of(file)
    return found or ("tasks" if otherwise == "playbook" else otherwise)


def _sort(made: Gathered, file: YamlFile, session: Session) -> None:
    """Which of the loader's words belong to which rule."""
    made.syntax += file.unreadable
    made.jinja += [file.source.show(problem) for problem in syntax_problems(file.texts)]
    made.warnings += file.warnings
    refused = {file.source.show(problem) for problem in session.modules.refused}
    for problem in dict.fromkeys(map(file.source.show, file.problems)):
        if problem not in file.unreadable:
            (made.arguments if problem in refused else made.load).append(problem)


def around(paths: Sequence[str]) -> list[str]:
    """Texts of files that are not linted and may set or read variables: templates, inventories."""
    found: dict[Path, None] = {}
    for folder in {Path(path).parent for path in paths}:
        for pattern in _AROUND:
            found.update(dict.fromkeys(sorted(folder.glob(pattern))))
    texts = []
    for path in found:
        try:
            if path.is_file() and path.stat().st_size < _LARGE:
                texts.append(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return texts
