"""A play's `vars_files`: read once for all hosts, or for each host when their names depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import LoadError, Problem, UndefinedVariable
from .model import Play, Value
from .scope import VariableScope
from .search_path import SearchPath
from .template import Templates
from .values import Template, UnknownValue
from .varfiles import load_vars

Layer = Mapping[str, Value]
Scope = Callable[[Sequence[Layer]], VariableScope]
"""Makes the scope in which a name is rendered; it holds these layers of files that were read before."""


class VarsFiles:
    """The files of one play; each file is read once."""

    def __init__(self, play: Play, playbook: str, templates: Templates) -> None:
        self._play = play
        self._templates = templates
        self._places = [Path(play.position.file).resolve().parent, Path(playbook).resolve().parent]
        self._read: dict[str, Layer] = {}
        self._same = not any(map(_varies, play.vars_files))
        self._shared: Sequence[Layer] | None = None

    def layers(self, scope: Scope) -> Sequence[Layer]:
        """The variables of all files, those of the last one first: it wins.

        Raises LoadError for a file that is not there, UndefinedVariable for a name that can't be told.
        """
        if not self._play.vars_files:
            return ()
        if not self._same:
            return self._all(scope)
        if self._shared is None:
            self._shared = self._all(scope)
        return self._shared

    def known(self, scope: Scope) -> Sequence[Layer]:
        """The same, without those whose names depend on what is not known yet: before there is a host."""
        found: list[Layer] = []
        for written in self._play.vars_files:
            try:
                found.insert(0, self._one(written, scope(found)))
            except (UndefinedVariable, UnknownValue):
                continue
        return found

    def _all(self, scope: Scope) -> Sequence[Layer]:
        found: list[Layer] = []
        for written in self._play.vars_files:
            found.insert(0, self._one(written, scope(found)))
        return found

    def _one(self, written: Value, scope: VariableScope) -> Layer:
        choices = written if isinstance(written, list) else [written]
        names = [str(self._templates.render(name, scope)) for name in choices]
        for name in names:
            path = self._find(name)
            if path is not None:
                if path not in self._read:
                    self._read[path] = load_vars(path, vault=self._templates.vault)
                return self._read[path]
        shown = "' nor '".join(names)
        raise LoadError(
            [
                Problem(
                    f"There is no file of variables '{shown}'",
                    self._play.position,
                    "It stands in 'vars_files'.",
                )
            ]
        )

    def _find(self, name: str) -> str | None:
        for place in self._places:
            found = SearchPath((str(place),)).find(name, "vars")
            if found is not None and found.is_file():
                return str(found)
        return None


def _varies(written: Value) -> bool:
    if isinstance(written, list):
        return any(map(_varies, written))
    return isinstance(written, Template)
