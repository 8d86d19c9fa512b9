"""`runbook doc`: manual pages and lists of modules, filters, tests and lookups, for people and for programs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ContractError, UsageError, nearest
from .filters import FILTERS
from .jinja_tests import TESTS
from .lookups import LOOKUPS
from .module_names import module_name
from .registry import Registry

_TABLES: Mapping[str, Mapping[str, Any]] = {"filter": FILTERS, "test": TESTS, "lookup": LOOKUPS}
_PREFIX = "ansible.builtin."


def told(registry: Registry, kind: str, name: str | None, *, as_json: bool = False) -> str:
    """The page of one name, or the list of all of its kind: `module`, `filter`, `test`, `lookup`.

    Raises ContractError for a module that is not there, UsageError for another name.
    """
    if kind == "module":
        return _module(registry, name, as_json=as_json)
    table = {known.removeprefix(_PREFIX): function for known, function in _TABLES[kind].items()}
    if name is not None:
        short = name.removeprefix(_PREFIX)
        if short not in table:
            raise UsageError(f"There is no {kind} '{name}'", hint=nearest(short, table))
        table = {short: table[short]}
    pages = {known: _page(table[known]) for known in sorted(table)}
    if as_json:
        return json.dumps(pages, indent=2)
    return (
        _listed({known: page.partition("\n")[0] for known, page in pages.items()})
        if name is None
        else (
            "\n".join(
                f"{known}\n{'=' * len(known)}\n\n{page or 'No description.'}" for known, page in pages.items()
            )
        )
    )


def as_text(registry: Registry) -> str:
    """The modules, each with the first line of its manual page."""
    return _listed({name: _summary(registry, name) for name in sorted(registry.names())})


def _module(registry: Registry, name: str | None, *, as_json: bool) -> str:
    if name is None:
        if as_json:
            return json.dumps({one: _summary(registry, one) for one in sorted(registry.names())}, indent=2)
        return as_text(registry)
    short = module_name(name)
    page = registry.manual(short)
    if not as_json:
        return page
    return json.dumps(
        {"name": short, "description": _doc(registry, short), "arguments": registry.json_schema(short)},
        indent=2,
    )


def _listed(summaries: Mapping[str, str]) -> str:
    width = max(map(len, summaries), default=0)
    return "\n".join(f"{name.ljust(width)}  {summary}".rstrip() for name, summary in summaries.items())


def _summary(registry: Registry, name: str) -> str:
    """One module that can't be used is no reason to hide the others."""
    try:
        return _doc(registry, name).partition("\n")[0]
    except ContractError as error:
        return f"(can't be used: {error.message})"


def _doc(registry: Registry, name: str) -> str:
    module = type(registry.get(name))
    return inspect.cleandoc(module.__doc__ or inspect.getdoc(inspect.getmodule(module)) or "")


def _page(function: Callable[..., Any]) -> str:
    return inspect.cleandoc(getattr(function, "__doc__", None) or "")
