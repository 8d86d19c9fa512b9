"""What Python, Jinja2 and the libraries of filters say of a mistake in an expression, in plain words."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import yaml
from jinja2 import TemplateNotFound

from .errors import nearest
from .filters import FILTERS
from .jinja_tests import TESTS

Told: TypeAlias = tuple[str, str | None]
"""Message and hint."""

_KINDS: Mapping[str, str] = {
    "bool": "a boolean",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bytes": "bytes",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a mapping",
    "NoneType": "nothing (null)",
    "builtin_function_or_method": "a function",
    "method": "a function",
    "function": "a function",
}

_CONVERT = "Convert one of them: '| int', '| string'; '~' joins anything to text."


def _kind(name: str) -> str:
    return _KINDS.get(name, f"of the type {name}")


def worded(error: Exception) -> Told | None:
    """In plain words; None: what it says itself is plain enough."""
    for kind, tell in _BY_TYPE:
        if isinstance(error, kind):
            return tell(error)
    said = str(error)
    for pattern, words in _SAID:
        found = pattern.search(said)
        if found:
            return words(found)
    return None


def culprit(error: BaseException) -> str | None:
    """The filter or test that failed, as far as the traceback tells."""
    function = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_name == "guarded":
            function = step.tb_frame.f_locals.get("function", function)
        step = step.tb_next
    if function is None:
        return None
    names = [name for table in (FILTERS, TESTS) for name, known in table.items() if known is function]
    return min(names, key=len, default=None)


# ---------------------------------------------------------------- by the type of the error


def _pattern(error: Any) -> Told:
    return f"The pattern {error.pattern!r} is wrong: {error}", _PATTERNS


_PATTERNS = (
    "In double quotes of YAML a backslash is written twice; a bracket that means itself gets one before it."
)


def _json(error: Any) -> Told:
    return f"This is no JSON: {error.msg} (line {error.lineno}, column {error.colno})", _start(error.doc)


def _start(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return f"It is: {shown!r}" if text.strip() else "It is empty."


def _yaml(error: Any) -> Told:
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"This is no YAML: {getattr(error, 'problem', None) or 'it can not be read'}{where}", None


def _not_found(error: Any) -> Told:
    return str(error.message or f"There is no template '{error.name}'"), None


def _zero(_error: Any) -> Told:
    return "A division by zero", None


_BY_TYPE: tuple[tuple[type[Exception], Callable[[Any], Told]], ...] = (
    (re.error, _pattern),
    (json.JSONDecodeError, _json),
    (yaml.YAMLError, _yaml),
    (binascii.Error, lambda error: (f"This is no base64: {str(error)[:1].lower()}{str(error)[1:]}", None)),
    (UnicodeDecodeError, lambda _error: ("These bytes are no text in UTF-8", "Name their encoding.")),
    (TemplateNotFound, _not_found),
    (ZeroDivisionError, _zero),
    (RecursionError, lambda _error: ("This is nested too deep", None)),
    (MemoryError, lambda _error: ("This makes more than fits into memory", None)),
)


# ---------------------------------------------------------------- by what the error says


def _operands(found: re.Match[str]) -> Told:
    return f"'{found[1]}' can't work on {_kind(found[2])} and {_kind(found[3])}", _CONVERT


def _compared(found: re.Match[str]) -> Told:
    return f"{_kind(found[2])} and {_kind(found[3])} can't be compared by '{found[1]}'".capitalize(), _CONVERT


def _joined(found: re.Match[str]) -> Told:
    return f"Text and {_kind(found[1])} can't be added", "'~' joins anything to text."


def _not_a_list(found: re.Match[str]) -> Told:
    return f"A list is needed here, and this is {_kind(found[1])}", None


def _no_items(found: re.Match[str]) -> Told:
    return f"There are no items in {_kind(found[1])}", None


def _not_called(found: re.Match[str]) -> Told:
    return f"This is {_kind(found[1])} and can't be called", "Filters stand behind a '|'."


def _too_many(found: re.Match[str]) -> Told:
    most = int(found[1].split()[-1]) - 1
    return f"Too many arguments: it takes {most or 'none'} in its brackets, and got {int(found[2]) - 1}", None


def _missing(found: re.Match[str]) -> Told:
    return f"An argument is missing: {found[1]}", None


def _no_filter(found: re.Match[str]) -> Told:
    table: Mapping[str, Any] = FILTERS if found[1] == "filter" else TESTS
    return f"No {found[1]} named '{found[2]}'", nearest(found[2], table)


_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Told]], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"unsupported operand type\(s\) for (\S+?)(?: or pow\(\))?: '(\w+)' and '(\w+)'", _operands),
        (r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'", _compared),
        (r'can only concatenate \w+ \(not "(\w+)"\) to str', _joined),
        (r"'(\w+)' object is not (?:iterable|reversible|an iterator)", _not_a_list),
        (r"argument of type '(\w+)' is not iterable", _not_a_list),
        (r"'(\w+)' object is not subscriptable", _no_items),
        (r"'(\w+)' object is not callable", _not_called),
        (r"object of type '(\w+)' has no len\(\)", _not_a_list),
        (r"takes (\d+|from \d+ to \d+) positional arguments? but (\d+) (?:was|were) given", _too_many),
        (r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)", _missing),
        (
            r"got an unexpected keyword argument '(\w+)'",
            lambda found: (f"It has no argument '{found[1]}'", None),
        ),
        (r"No (filter|test) named '([\w.]+)'", _no_filter),
        (
            r"(?:string|list|byte) indices must be integers.*not '?(\w+)'?",
            lambda found: (f"An item is asked for by {_kind(found[1])} where only its number can be", None),
        ),
        (
            r"invalid literal for int\(\) with base \d+: (.+)",
            lambda found: (f"{found[1]} is no whole number", None),
        ),
        (r"could not convert string to float: (.+)", lambda found: (f"{found[1]} is no number", None)),
        (
            r"unhashable type: '(\w+)'",
            lambda found: (f"Only plain values can be told apart here, not {_kind(found[1])}", None),
        ),
        (
            r"time data (.+) does not match format (.+)",
            lambda found: (
                f"{found[1]} is no time of the form {found[2]}",
                "Give another format in brackets.",
            ),
        ),
    )
)
