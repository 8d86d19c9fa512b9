"""JSON documents, compared by value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from runbook.errors import Failed


def to_text(value: Any) -> str:
    """A value as compact JSON, keys in their order. Raises Failed for what JSON has no form for."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{to_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_text, value)) + "]"
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Failed(
            f"{value!r} has no form in JSON.", hint="Texts, numbers, true, false, null, lists, maps."
        ) from error


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Failed(f"The key {key!r} of a JSON object is not a text.", hint="Put it in quotes.")
    return json.dumps(key, ensure_ascii=False)


def parse(text: str) -> Any:
    """A JSON text as values; numbers with a point as Decimal, so that no digit is lost. Raises ValueError."""
    return json.loads(text, parse_float=Decimal)


def equal(one: Any, other: Any) -> bool:
    """Whether two parsed documents say the same: the order of keys is nothing, 10.10 is 10.1, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return one == other
    return type(one) is type(other) and bool(one == other)
