"""Templates before they are rendered: parsed, and checked for what can be known at load."""

from __future__ import annotations

import functools
from pathlib import Path

from jinja2 import TemplateSyntaxError, meta, nodes

from .errors import Problem, nearest
from .filters import FILTERS, JINJA_ONLY, MOVING, RAW
from .jinja_tests import JINJA_ONLY as JINJA_ONLY_TESTS
from .jinja_tests import RAW_TESTS, RESULT_TESTS, TESTS
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
    known = guarded()
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        table, word = (known[0], "filter") if isinstance(node, nodes.Filter) else (known[1], "test")
        if node.name is not None and node.name not in table:
            position, excerpt = origin_of(template).place(node.lineno, node.name)
            hint = nearest(node.name.removeprefix(BUILTIN).removeprefix(LEGACY), table)
            return Problem(f"There is no {word} '{node.name}'", position, hint, excerpt)
    return None


def origin_of(template: Template | Expression) -> Origin:
    return Origin(template.source, template.position)


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
