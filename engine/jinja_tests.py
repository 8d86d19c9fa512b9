"""The tests of templates (`x is ...`): Jinja2's own and Ansible's, by name."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2.runtime import Undefined
from jinja2.tests import TESTS as JINJA_TESTS

from .filters import TRUE_WORDS
from .values import Secret, Unknown, UnknownValue

_FALSE_WORDS = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})


def defined(value: Any) -> bool:
    """Not known for an Unknown: what it stands for may lack the attribute."""
    if isinstance(value, Unknown):
        raise UnknownValue(value)
    return not isinstance(value, Undefined)


# ---------------------------------------------------------------- how a registered step ended


def _result(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(  # noqa: TRY004 (the operator's mistake, told in the operator's words)
            "this asks how a step ended: it takes what 'register' holds, not " + type(value).__name__
        )
    return value


def failed(result: Any) -> bool:
    return bool(_result(result).get("failed", False))


def changed(result: Any) -> bool:
    result = _result(result)
    if "changed" in result:
        return bool(result["changed"])
    return any(changed(item) for item in result.get("results", ()) if isinstance(item, Mapping))


# ---------------------------------------------------------------- text and numbers


def regex(
    value: Any,
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    if match_type not in ("search", "match", "fullmatch"):
        raise ValueError(f"match_type must be search, match or fullmatch, not '{match_type}'")
    found: Callable[..., Any] = getattr(re.compile(pattern, flags), match_type)
    return found(str(value)) is not None


def match(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "match")


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
}


def version(value: Any, other: Any, how: str = "eq", strict: bool = False) -> bool:
    """Compare version numbers part by part: numbers as numbers, a number above a word (`1.0` above `1.0rc1`)."""
    if how not in _COMPARE:
        raise ValueError(f"'{how}' is not a comparison; it is one of {', '.join(_COMPARE)}")
    left, right = _version(value, strict), _version(other, strict)
    longest = max(len(left), len(right))
    pad = (1, 0, "")
    padded = ([*v, *[pad] * (longest - len(v))] for v in (left, right))
    return _COMPARE[how](*padded)


def _version(value: Any, strict: bool) -> list[tuple[int, int, str]]:
    text = str(getattr(value, "text", value)).strip()
    if not text or (strict and not re.fullmatch(r"\d+(\.\d+)+([ab]\d+)?", text)):
        raise ValueError(f"'{text}' is not a version number")
    parts = re.findall(r"\d+|[A-Za-z]+", text.removeprefix("v"))
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


# ---------------------------------------------------------------- collections and truth


def subset(value: Iterable[Any], other: Iterable[Any]) -> bool:
    there = list(other)
    return all(item in there for item in value)


def contains(value: Any, item: Any) -> bool:
    return item in value


def truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, str):
        word = value.strip().lower()
        if word in TRUE_WORDS | _FALSE_WORDS:
            return word in TRUE_WORDS
    return bool(value)


_JINJA: Mapping[str, Any] = JINJA_TESTS

TESTS: Mapping[str, Callable[..., Any]] = {
    **_JINJA,
    "all": lambda values: all(values),
    "any": lambda values: any(values),
    "abs": lambda path: os.path.isabs(path),  # noqa: PTH117 (text in, answer out)
    "change": changed,
    "changed": changed,
    "contains": contains,
    "defined": defined,
    "directory": lambda path: os.path.isdir(path),  # noqa: PTH112
    "exists": lambda path: os.path.lexists(path),
    "failed": failed,
    "failure": failed,
    "falsy": lambda value, convert_bool=False: not truthy(value, convert_bool),
    "file": lambda path: os.path.isfile(path),  # noqa: PTH113
    "finished": lambda result: bool(_result(result).get("finished", True)),
    "link": lambda path: os.path.islink(path),  # noqa: PTH114
    "match": match,
    "nan": lambda value: value != value,
    "reachable": lambda result: not _result(result).get("unreachable", False),
    "regex": regex,
    "search": regex,
    "secret": lambda value: isinstance(value, Secret),
    "skip": lambda result: bool(_result(result).get("skipped", False)),
    "skipped": lambda result: bool(_result(result).get("skipped", False)),
    "started": lambda result: bool(_result(result).get("started", True)),
    "subset": subset,
    "succeeded": lambda result: not failed(result),
    "success": lambda result: not failed(result),
    "successful": lambda result: not failed(result),
    "superset": lambda value, other: subset(other, value),
    "truthy": truthy,
    "undefined": lambda value: not defined(value),
    "unreachable": lambda result: bool(_result(result).get("unreachable", False)),
    "version": version,
    "version_compare": version,
}

RESULT_TESTS = frozenset(
    {
        "change", "changed", "failed", "failure", "finished", "reachable", "skip", "skipped", "started",
        "succeeded", "success", "successful", "unreachable",
    }
)  # fmt: skip
"""They look at one word of a result only; what else is in it may be Unknown or secret."""

RAW_TESTS = frozenset({"defined", "undefined", "secret"})
