"""Templates before they are rendered: parsed, and checked for what can be known at load."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes

from .errors import ContractError, Problem, nearest
from .filters import FILTERS, JINJA_ONLY, MOVING, RAW
from .jinja_tests import JINJA_ONLY as JINJA_ONLY_TESTS
from .jinja_tests import RAW_TESTS, RESULT_TESTS, TESTS
from .plugins import FILTERS as FILTER_PLUGINS
from .plugins import TESTS as TEST_PLUGINS
from .plugins import plugins_of
from .template_errors import Origin, syntax_problem
from .template_guard import guard
from .template_jinja import Environment
from .template_names import BUILTIN, LEGACY, Table
from .template_parse import parse
from .values import Expression, Template


def check_syntax(template: Template | Expression) -> Problem | None:
    """What is wrong with its Jinja2, seen without rendering it: syntax, and names of filters and tests."""
    try:
        tree = parse(_syntax(), template)
    except TemplateSyntaxError as error:
        return syntax_problem(error, origin_of(template))
    for node, word in unknown_names(tree, *guarded()):
        position, excerpt = origin_of(template).place(node.lineno, node.name)
        try:
            if plugin_near(template, word, node.name) is not None:
                continue
        except ContractError as error:
            return Problem(error.message, position, error.hint, excerpt)
        table = guarded()[word == TEST_PLUGINS]
        hint = nearest(node.name.removeprefix(BUILTIN).removeprefix(LEGACY), table)
        return Problem(f"No {word} named '{node.name}'", position, hint, excerpt)
    return None


def unknown_names(tree: nodes.Template, filters: Table, tests: Table) -> Iterator[tuple[Any, str]]:
    """Where filters and tests are called that the tables have not, with what they are."""
    for node in _certain(tree):
        if isinstance(node, nodes.Filter | nodes.Test):
            table, word = (
                (filters, FILTER_PLUGINS) if isinstance(node, nodes.Filter) else (tests, TEST_PLUGINS)
            )
            if node.name is not None and node.name not in table:
                yield node, word


def _certain(node: nodes.Node) -> Iterator[nodes.Node]:
    """All that is surely evaluated: in branches, Jinja2 takes names of filters that are not there, too."""
    for child in node.iter_child_nodes():
        if not isinstance(child, nodes.CondExpr | nodes.If):
            yield child
            yield from _certain(child)


def plugin_near(template: Template | Expression, kind: str, name: str) -> Any:
    """A filter or test that a plugin file brings along which lies beside the template's own file, or above it.

    Raises ContractError when a file may hold it that can't be used.
    """
    if template.position is None or name.startswith(BUILTIN):
        return None
    folder = Path(template.position.file).resolve().parent
    for place in (folder, *folder.parents[:3]):
        found = plugins_of(place).function(kind, name.removeprefix(LEGACY))
        if found is not None:
            return guard(found, passes=kind == FILTER_PLUGINS)
    return None


def origin_of(template: Template | Expression) -> Origin:
    kind = "expression" if isinstance(template, Expression) else "template"
    return Origin(template.source, template.position, kind=kind)


@functools.cache
def guarded() -> tuple[Table, Table]:
    """Filters and tests, each kept from what it must not see."""
    filters = {
        name: function if name in RAW else guard(function, moves=name in MOVING, passes=True)
        for name, function in FILTERS.items()
    }
    tests = {
        name: function if name in RAW_TESTS else guard(function, moves=name in RESULT_TESTS)
        for name, function in TESTS.items()
    }
    return Table(filters, JINJA_ONLY), Table(tests, JINJA_ONLY_TESTS)


@functools.cache
def _syntax() -> Environment:
    return Environment(Path(), *guarded())


def names_of(template: Template | Expression) -> set[str]:
    """Variables that it reads and does not set itself. Raises TemplateSyntaxError."""
    return meta.find_undeclared_variables(parse(_syntax(), template))
