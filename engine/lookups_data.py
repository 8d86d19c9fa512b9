"""Lookups in variables, in the environment and in their own terms."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2.runtime import Undefined

from .lookups_base import Lookup, Site, flag, number, words
from .template_guard import Missing


def env(_site: Site, *terms: Any, default: Any = "") -> list[Any]:
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise ValueError(f"the name of a variable must be text, not {type(term).__name__}")  # noqa: TRY004
        name = term.split()[0] if term.split() else ""
        value: Any = os.environ.get(name, default)
        if isinstance(value, Undefined):
            value = Missing(hint=f"The environment variable '{name}' is not set")
        found.append(value)
    return found


_NONE = object()


def variables(site: Site, *terms: Any, default: Any = _NONE) -> list[Any]:
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise ValueError(f"Variable name must be 'str' not '{type(term).__name__}'")  # noqa: TRY004
        value = site.variable(term)
        if type(value) is Missing and value.cause is None:
            value = Missing(hint=f"No variable named '{term}' was found") if default is _NONE else default
        found.append(value)
    return found


def varnames(site: Site, *terms: Any) -> list[Any]:
    names = list(dict.fromkeys(site.names()))
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise ValueError(f'Invalid setting identifier, "{term}" is not a string, it is a {type(term)}')  # noqa: TRY004
        try:
            pattern = re.compile(term)
        except re.error as error:
            raise ValueError(f'Unable to use "{term}" as a search parameter: {error}') from None
        found += [name for name in names if pattern.search(name)]
    return found


# ---------------------------------------------------------------- lists


def _flat(terms: Sequence[Any]) -> list[Any]:
    return [item for term in terms for item in (term if isinstance(term, list | tuple) else [term])]


def _deep(items: Any) -> list[Any]:
    return [inner for item in items for inner in (_deep(item) if isinstance(item, list | tuple) else [item])]


def as_items(_site: Site, *terms: Any) -> list[Any]:
    return _flat(terms)


def as_list(_site: Site, *terms: Any) -> list[Any]:
    return list(terms)


def indexed(_site: Site, *terms: Any) -> list[Any]:
    return [[number, item] for number, item in enumerate(_flat(terms))]


def nested(_site: Site, *terms: Any) -> list[Any]:
    if not terms:
        raise ValueError("with_nested requires at least one element in the nested list")
    lists = [term if isinstance(term, list | tuple) else [term] for term in terms]
    return [_deep(combination) for combination in itertools.product(*lists)]


def together(_site: Site, *terms: Any) -> list[Any]:
    if not terms:
        raise ValueError("with_together requires at least one element in each list")
    lists = [term if isinstance(term, list | tuple) else [term] for term in terms]
    return [_flat(row) for row in itertools.zip_longest(*lists)]


def random_choice(_site: Site, *terms: Any) -> list[Any]:
    return [random.SystemRandom().choice(terms)] if terms else []


def as_dict(_site: Site, *terms: Any) -> list[Any]:
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, Mapping):
            what = f"{term!r} of type {type(term)}"
            raise ValueError(f"the 'dict' lookup plugin expects a dictionary, got {what}")  # noqa: TRY004
        found += [{"key": key, "value": value} for key, value in term.items()]
    return found


# ---------------------------------------------------------------- subelements


def subelements(_site: Site, *terms: Any) -> list[Any]:
    """Each item with each element of one of its lists; the item comes without that list."""
    if not 2 <= len(terms) <= 3 or not isinstance(terms[1], str):
        raise ValueError(
            "subelements takes a list or mapping, the name of a list in each item, and flags if need be"
        )
    items, path = terms[0], terms[1].split(".")
    flags = terms[2] if len(terms) == 3 else {}
    if not isinstance(items, list | tuple | Mapping) or not isinstance(flags, Mapping):
        raise ValueError(  # noqa: TRY004 (the operator's mistake)
            "subelements takes a list or mapping first, and a mapping of flags (skip_missing) third"
        )
    found: list[Any] = []
    for item in items.values() if isinstance(items, Mapping) else items:
        if not isinstance(item, Mapping):
            raise ValueError(f"subelements takes mappings, and one item is {type(item).__name__}")  # noqa: TRY004
        if item.get("skipped", False) is not False:
            continue
        elements, rest = _apart(item, path, flag(flags.get("skip_missing", False)))
        found += [[rest, element] for element in elements]
    return found


def _apart(
    item: Mapping[Any, Any], path: Sequence[str], lenient: bool
) -> tuple[Sequence[Any], dict[Any, Any]]:
    """The list at a path in an item, and the item without it."""
    name, rest = path[0], {key: value for key, value in item.items() if key != path[0]}
    if name not in item:
        if lenient:
            return [], rest
        raise ValueError(f"an item has no '{name}'; it has {', '.join(map(str, item)) or 'nothing'}")
    value = item[name]
    if len(path) == 1:
        if not isinstance(value, list | tuple):
            raise ValueError(f"'{name}' should be a list in each item, and is {type(value).__name__}")
        return value, rest
    if not isinstance(value, Mapping):
        raise ValueError(f"'{name}' should be a mapping in each item, and is {type(value).__name__}")  # noqa: TRY004
    elements, inner = _apart(value, path[1:], lenient)
    return elements, {**item, name: inner}


# ---------------------------------------------------------------- sequence

_SHORT = re.compile(r"(?:(\d+)-)?(\d+)(?:/(\d+))?(?::(.+))?")
_SEQUENCE = ("start", "end", "count", "stride", "format")


_MOST = 10_000_000
"""Numbers that a sequence may have: it is a list, and an error is better than a machine without memory."""


def sequence(_site: Site, *terms: Any, **options: Any) -> list[Any]:
    """Numbers as text: `start=1 end=5 stride=2 format=host%02d`, or `1-5/2:host%02d`."""
    found: list[Any] = []
    for term in terms or ("",):
        if not isinstance(term, str):
            raise ValueError(f"a sequence is told in text, not {type(term).__name__}")  # noqa: TRY004
        found += _numbers({**options, **_told(term)})
    return found


def _told(term: str) -> dict[str, Any]:
    short = _SHORT.fullmatch(term.strip())
    if short:
        found = dict(zip(("start", "end", "stride", "format"), short.groups(), strict=True))
        return {name: value for name, value in found.items() if value is not None}
    told: dict[str, Any] = {}
    for word in words(term):
        name, equals, value = word.partition("=")
        if not equals or name not in _SEQUENCE:
            raise ValueError(
                f"unrecognized arguments to with_sequence: {word!r}; there are {', '.join(_SEQUENCE)}"
            )
        told[name] = value
    return told


def _check_sequence(told: Mapping[str, Any]) -> None:
    for name in told:
        if name not in _SEQUENCE:
            known = ", ".join(_SEQUENCE)
            raise ValueError(f"unrecognized arguments to with_sequence: {name!r}; there are {known}")
    if "end" in told and "count" in told:
        raise ValueError("can't specify both count and end in with_sequence")
    if "end" not in told and "count" not in told:
        raise ValueError("must specify count or end in with_sequence")


def _numbers(told: Mapping[str, Any]) -> list[str]:
    _check_sequence(told)
    start = number("start", told.get("start", 1))
    stride = number("stride", told.get("stride", 1))
    form = str(told.get("format", "%d"))
    if "end" not in told and number("count", told["count"]) == 0:
        return []
    end = _end(told, start, stride)
    if stride > 0 and end < start:
        raise ValueError("to count backwards make stride negative")
    if stride < 0 and end > start:
        raise ValueError("to count forward don't make stride negative")
    if stride == 0:
        return []
    if (end - start) // stride > _MOST:
        raise ValueError(f"a sequence of more than {_MOST:,} numbers does not fit into memory")
    if form.count("%") != 1:
        raise ValueError(f"bad formatting string: {form}; it must have one '%'")
    try:
        return [form % at for at in range(start, end + (1 if stride > 0 else -1), stride)]
    except (TypeError, ValueError):
        raise ValueError(f"the format '{form}' does not fit a number") from None


def _end(told: Mapping[str, Any], start: int, stride: int) -> int:
    """The last number that there may be."""
    if "end" in told:
        return number("end", told["end"])
    return (
        start + number("count", told["count"]) * stride - 1
    )  # Ansible's; one more if the stride is negative


LOOKUPS: Mapping[str, Lookup] = {
    "dict": as_dict,
    "env": env,
    "indexed_items": indexed,
    "items": as_items,
    "list": as_list,
    "nested": nested,
    "random_choice": random_choice,
    "sequence": sequence,
    "subelements": subelements,
    "together": together,
    "varnames": varnames,
    "vars": variables,
}
