"""`include_vars`: which files are meant, and the variables in them. A resume reads the recorded files again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from .attempt import Attempt
from .errors import Failed, LoadError, StepError
from .model import Task, Value, VarsFiles
from .scope import VariableScope
from .search_path import SearchPath
from .template import Templates
from .values import Template, UnknownValue
from .varfiles import load_vars
from .vault import Vault


def included(
    wanted: VarsFiles, task: Task, base: Path, scope: VariableScope, templates: Templates
) -> Attempt:
    """The step's attempt: its directive names the files that were found."""
    found: VarsFiles = msgspec.structs.replace(wanted, found=())
    paths: list[Path] = []
    try:
        paths.extend(_paths(wanted, task, base))  # those before the one that is wrong stay, too
        found = msgspec.structs.replace(wanted, found=tuple(map(str, paths)))
        variables = read(found, scope, templates.vault)
    except (Failed, LoadError) as error:
        why = error.message if isinstance(error, Failed) else str(error)
        facts: dict[str, Any] = {wanted.name: {}} if wanted.name else {}
        empty: dict[str, Any] = {
            "ansible_facts": facts,
            "ansible_included_var_files": [str(path) for path in paths] if wanted.folder else [],
        }
        return Attempt(result={**empty, "message": why, "msg": why}, failed=True)
    shown = _shown(variables, scope.child(variables), templates)
    result = {"ansible_facts": shown, "ansible_included_var_files": list(found.found)}
    return Attempt(result=result, directive=found)


def read(found: VarsFiles, scope: VariableScope, vault: Vault) -> Mapping[str, Value]:
    """The variables of the files, a later one wins. Raises LoadError for files that hold none."""
    merged: dict[str, Value] = {}
    for path in found.found:
        merged.update(load_vars(path, vault=vault))
    if found.name:
        merged = {found.name: merged}
    if not found.merge:
        return merged
    return {name: _joined(scope.get(name, None), value) for name, value in merged.items()}


def _joined(old: Any, new: Value) -> Value:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{key: _joined(old.get(key), value) for key, value in new.items()}}


def _shown(value: Value, scope: VariableScope, templates: Templates) -> Any:
    """What the result tells: what can't be rendered stays as it is written."""
    if isinstance(value, Mapping):
        return {key: _shown(item, scope, templates) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item, scope, templates) for item in value]
    try:
        return templates.render(value, scope)
    except (StepError, UnknownValue):
        return value.source if isinstance(value, Template) else None


# ---------------------------------------------------------------- which files


def _paths(wanted: VarsFiles, task: Task, base: Path) -> Iterator[Path]:
    if wanted.folder:
        yield from _inside(wanted, _folder(wanted.folder, task, base), task)
        return
    search = SearchPath.of(task, base)
    path = search.find(wanted.file, "vars")
    if path is None:
        looked = ", ".join(map(str, search.candidates(wanted.file, "vars")))
        raise Failed(f"Could not find or access '{wanted.file}' (looked at {looked})")
    yield path


def _folder(name: str, task: Task, base: Path) -> Path:
    given = Path(name).expanduser()
    if given.is_absolute():
        return given
    if task.role is None:
        return (base / task.position.file).resolve().parent / given
    return (
        Path(task.role.path, given) if given.parts[:1] == ("vars",) else Path(task.role.path, "vars", given)
    )


def _inside(wanted: VarsFiles, folder: Path, task: Task) -> Iterator[Path]:
    if not folder.is_dir():
        raise Failed(f"{folder} {'is no folder' if folder.exists() else 'directory does not exist'}")
    own = Path(task.role.path, "vars", "main.yml") if task.role is not None else None
    for number, (place, _, names) in enumerate(sorted(os.walk(folder)), 1):
        if wanted.depth and number > wanted.depth:  # Ansible counts folders, however deep they are
            return
        for name in sorted(names):
            path = Path(place, name)
            if path != own and _counts(wanted, path):
                yield path


def _counts(wanted: VarsFiles, path: Path) -> bool:
    """Whether a file of the folder is meant. Raises Failed for another ending."""
    if wanted.matching and not re.search(wanted.matching, path.name):
        return False
    if any(re.search(f"{pattern}$", path.name) for pattern in wanted.ignored):
        return False
    if path.suffix.removeprefix(".") in wanted.endings:
        return True
    if wanted.lenient:
        return False
    raise Failed(f"{path} does not have a valid extension: {', '.join(wanted.endings)}")
