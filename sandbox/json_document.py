"""A JSON document as the JSON commands see it: numbers keep their text, members their order.

Errors carry the texts of valkey-json (https://github.com/valkey-io/valkey-json, `src/json/util.cc`).
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonpath
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEEPEST = 128  # `json.max-path-limit`


class JsonError(Exception):
    """A refusal; the text begins with the error code."""


SYNTAX = "SYNTAXERR Failed to parse JSON string due to syntax error"
NO_PATH = "NONEXISTENT JSON path does not exist"
BAD_PATH = "SYNTAXERR Invalid JSON path"
NOT_IN_OBJECT = "ERROR Cannot insert a member into a non-object value"
OUT_OF_BOUNDS = "OUTOFBOUNDARIES Array index is out of bounds"
NOT_A_NUMBER = "WRONGTYPE JSON element is not a number"
TOO_DEEP = "LIMIT Document path nesting limit is exceeded"


class Integer(int):
    """A whole number that keeps the text it was written with."""

    text: str


class Decimal(float):
    """A number with a fraction or an exponent that keeps the text it was written with: `10.10`, `1e5`."""

    text: str


def _integer(text: str) -> Integer:
    number = Integer(text)
    number.text = text
    return number


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if math.isinf(number):
        raise JsonError(SYNTAX)
    number.text = text
    return number


def _constant(_text: str) -> None:
    raise JsonError(SYNTAX)  # NaN and Infinity are Python's, not JSON's


def parse(text: bytes) -> Any:
    """The value that `text` writes. Raises JsonError."""
    try:
        value = json.loads(
            text.decode("utf-8"), parse_int=_integer, parse_float=_decimal, parse_constant=_constant
        )
        write(value).decode("utf-8")
    except (ValueError, RecursionError):  # UnicodeDecodeError and lone surrogates are ValueErrors too
        raise JsonError(SYNTAX) from None
    return value


@dataclass(frozen=True)
class Format:
    """How JSON.GET writes: what stands for each step of indent, at line ends, and after a colon."""

    indent: str = ""
    newline: str = ""
    space: str = ""


def write(value: Any, form: Format = Format()) -> bytes:
    """`value` as text. Raises JsonError when it is nested too deep."""
    return "".join(_pieces(value, form, 0)).encode("utf-8")


def _pieces(value: Any, form: Format, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise JsonError(TOO_DEEP)
    if isinstance(value, dict):
        entries: list[tuple[str, Any]] = [
            (f"{json.dumps(key, ensure_ascii=False)}:{form.space}", each) for key, each in value.items()
        ]
        yield from _container("{", "}", entries, form, depth)
    elif isinstance(value, list):
        yield from _container("[", "]", [("", each) for each in value], form, depth)
    else:
        yield value.text if isinstance(value, Integer | Decimal) else json.dumps(value, ensure_ascii=False)


def _container(
    opening: str, closing: str, entries: Sequence[tuple[str, Any]], form: Format, depth: int
) -> Iterator[str]:
    yield opening
    for number, (label, each) in enumerate(entries):
        yield f"{',' if number else ''}{form.newline}{form.indent * (depth + 1)}{label}"
        yield from _pieces(each, form, depth + 1)
    if entries:
        yield f"{form.newline}{form.indent * depth}"
    yield closing


def type_name(value: Any) -> str:
    """What JSON.TYPE calls it."""
    if isinstance(value, bool):
        return "boolean"
    for kind, name in (
        (dict, "object"),
        (list, "array"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
    ):
        if isinstance(value, kind):
            return name
    return "null"


@dataclass(frozen=True)
class Path:
    """A path into a document. `text` as it was given; `legacy` when it has no `$` and so means one value."""

    text: str
    legacy: bool
    query: jsonpath.JSONPath

    @property
    def is_root(self) -> bool:
        """True for `$` and `.`."""
        return not self.query.segments

    def find(self, document: Any) -> list[tuple[str | int, ...]]:
        """Where it leads: member names and indices from the root, once for each value."""
        return [match.parts for match in self.query.finditer(document)]

    def values(self, document: Any) -> list[Any]:
        """The values that it leads to."""
        return self.query.findall(document)

    def one(self, document: Any) -> Any:
        """The first value. Raises JsonError if there is none: this is how legacy paths read."""
        values = self.values(document)
        if not values:
            raise JsonError(NO_PATH)
        return values[0]


@functools.lru_cache(maxsize=512)
def path(raw: bytes) -> Path:
    """Read a path: JSONPath when it begins with `$`, else the older syntax (`.a.b[0]`, `a.b`, `.`).

    Raises JsonError.
    """
    text = raw.decode("utf-8", "surrogateescape")
    legacy = not text.startswith("$")
    standard = text
    if legacy:
        standard = "$" if text == "." else f"${text}" if text[:1] in (".", "[") else f"$.{text}"
    try:
        query = jsonpath.compile(standard)
    except (jsonpath.JSONPathError, ValueError, RecursionError):
        raise JsonError(BAD_PATH) from None
    if not isinstance(query, jsonpath.JSONPath):
        raise JsonError(BAD_PATH)
    return Path(text, legacy, query)


def put(document: Any, where: Path, value: Any, *, only_new: bool = False, only_old: bool = False) -> bool:
    """Set every place that `where` leads to; where it leads nowhere, add a member to each parent object.

    False when `only_new` (NX) or `only_old` (XX) forbids it. Raises JsonError.
    """
    places = where.find(document)
    if places:
        if only_new:
            return False
        for place in places:
            _parent(document, place)[place[-1]] = value
        return True
    parents, name = _parents(document, where)
    if only_old:
        return False
    for parent in parents:
        parent[name] = value
    return True


def _parents(document: Any, where: Path) -> tuple[list[dict[str, Any]], str]:
    """The objects that would get the member which `where` ends with, and its name."""
    segments = where.query.segments
    above = jsonpath.JSONPath(env=where.query.env, segments=segments[:-1]).findall(document)
    last = segments[-1]
    selector = last.selectors[0] if len(last.selectors) == 1 else None
    if not above or not isinstance(last, JSONPathChildSegment):
        raise JsonError(NO_PATH)
    if isinstance(selector, IndexSelector) and any(isinstance(each, list) for each in above):
        raise JsonError(OUT_OF_BOUNDS)
    if not isinstance(selector, NameSelector):
        raise JsonError(NO_PATH)
    objects = [each for each in above if isinstance(each, dict)]
    if not objects:
        raise JsonError(NOT_IN_OBJECT)
    return objects, selector.name


def remove(document: Any, where: Path) -> int:
    """Delete every place that `where` leads to, not the root; gives how many."""
    places = where.find(document)
    # The later ones of an array first, and what is inside before what holds it.
    for place in sorted(places, key=_deepest_last, reverse=True):
        del _parent(document, place)[place[-1]]
    return len(places)


def _deepest_last(place: tuple[str | int, ...]) -> tuple[int, list[int]]:
    return len(place), [part if isinstance(part, int) else 0 for part in place]


def add(document: Any, where: Path, amount: Any) -> tuple[Any, list[Any]]:
    """Add `amount` to every number that `where` leads to.

    Gives the document (a new one, if it is itself that number) and the new numbers, None for other values.
    Raises JsonError when there is no place, or for a legacy path no number.
    """
    places = where.find(document)
    if not places:
        raise JsonError(NO_PATH)
    results: list[Any] = []
    for place in places:
        old = _at(document, place)
        if isinstance(old, bool) or not isinstance(old, int | float):
            results.append(None)
            continue
        new = old + amount
        number = _integer(str(new)) if isinstance(new, int) else _decimal(_number_text(new))
        results.append(number)
        if place:
            _parent(document, place)[place[-1]] = number
        else:
            document = number
    if where.legacy and all(each is None for each in results):
        raise JsonError(NOT_A_NUMBER)
    return document, results


def _number_text(value: float) -> str:
    return f"{value:.17g}"


def _parent(document: Any, place: tuple[str | int, ...]) -> Any:
    return _at(document, place[:-1])


def _at(document: Any, place: Sequence[str | int]) -> Any:
    for part in place:
        document = document[part]
    return document
