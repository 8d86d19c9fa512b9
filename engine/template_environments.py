"""The environments of one playbook's templates: one for each way in which a template may be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import FileSystemLoader, nodes

from .contract import TemplateSyntax
from .errors import TemplateError
from .filters import JINJA_ONLY
from .jinja_tests import JINJA_ONLY as JINJA_ONLY_TESTS
from .lookups import GLOBALS
from .plugins import FILTERS, TESTS, Plugins
from .template_guard import guard
from .template_jinja import Doors, Environment, MutableEnvironment, ScopeContext
from .template_names import Table
from .template_syntax import guarded, plugin_near, unknown_names
from .values import OMIT, Expression, Template


class Environments(dict[tuple[TemplateSyntax | None, bool], Environment]):
    """Environments by the marks of templates and by whether these may change what they are handed."""

    def __init__(self, base: Path, plugins: Plugins, doors: Doors) -> None:
        super().__init__()
        self._base = base
        self._doors = doors
        self._near: dict[tuple[Any, ...], Environment] = {}
        filters, tests = guarded()
        self.filters = Table(filters, JINJA_ONLY, partial(_brought, plugins, FILTERS))
        self.tests = Table(tests, JINJA_ONLY_TESTS, partial(_brought, plugins, TESTS))

    def __missing__(self, key: tuple[TemplateSyntax | None, bool]) -> Environment:
        syntax, changes = key
        if syntax is None:
            kind = MutableEnvironment if changes else Environment
            made = kind(self._base, self.filters, self.tests)
            made.globals.update(GLOBALS, omit=OMIT)
            made.doors = self._doors
        else:
            try:
                made = self[None, changes].overlay(**msgspec.structs.asdict(syntax))
            except (AssertionError, ValueError) as error:
                raise TemplateError(f"The template's marks can't be used: {error}") from error
        self[key] = made
        return made

    def of_file(self, syntax: TemplateSyntax | None, changes: bool, file: str) -> Environment:
        """For a template file that includes others: these are looked for where it lies, too."""
        places = _places(Path(file), self._base)
        key = (syntax, changes, places)
        if key not in self._near:
            self._near[key] = self[syntax, changes].overlay(loader=FileSystemLoader(places))
        return self._near[key]

    def bring_plugins(self, tree: nodes.Template, template: Template | Expression) -> None:
        """Make known the filters and tests of plugins that lie near a text's own file."""
        tables = {FILTERS: self.filters, TESTS: self.tests}
        for node, kind in unknown_names(tree, self.filters, self.tests):
            found = plugin_near(template, kind, node.name)
            if found is not None:
                tables[kind][node.name] = found


def _places(file: Path, base: Path) -> tuple[str, ...]:
    """Where a template file's includes are looked for, the first wins: its role, the playbook, its own folder."""
    folder = (base / file).parent
    above = next((place for place in (folder, *folder.parents) if place.name == "templates"), None)
    role = [] if above is None else [above, above.parent]
    places = (*role, base / "templates", base, folder / "templates", folder)
    return tuple(dict.fromkeys(map(str, places)))


def _brought(plugins: Plugins, kind: str, name: str) -> Any:
    """A filter or test of a plugin, guarded."""
    function = plugins.function(kind, name)
    return None if function is None else guard(function, passes=kind == FILTERS)


class Extended:
    """An evaluation's variables under some more: what a template sees that it looks up."""

    brittle = True

    def __init__(self, context: ScopeContext, more: Mapping[str, Any]) -> None:
        self._context = context
        self._more = more

    def lookup(self, name: str) -> Any:
        return self._more[name] if name in self._more else self._context.find_local(name)

    def names(self) -> Iterable[str]:
        return (*self._more, *self._context.names())

    def written(self, _path: Sequence[str]) -> str | None:
        return None
