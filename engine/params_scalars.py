"""Single values into the types of arguments, as lenient as Ansible: `yes` is true, a number may be text."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as types

from .filters_data import TRUE_WORDS
from .params_words import FALSE_WORDS
from .values import SourceFloat, SourceInt

_INTEGER = re.compile(r"[+-]?\d+")
_CONVERTED: Mapping[type[types.Type], type] = {
    types.DateTimeType: dt.datetime,
    types.DateType: dt.date,
    types.TimeType: dt.time,
    types.TimeDeltaType: dt.timedelta,
    types.UUIDType: uuid.UUID,
    types.DecimalType: Decimal,
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """The value is not of that type."""

    hint: str | None = None


_MISFIT = Misfit()


def _none(value: Any, _node: types.NoneType) -> Any:
    return None if value is None else _MISFIT


def _boolean(value: Any, _node: types.BoolType) -> Any:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else Misfit("Write true or false.")


def _integer(value: Any, node: types.IntType) -> Any:
    whole = (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
        or (isinstance(value, str) and _INTEGER.fullmatch(value.strip()))
    )
    return int(value) if whole and _in_range(int(value), node) else _MISFIT


def _number(value: Any, node: types.FloatType) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _MISFIT
    try:
        number = float(value)
    except ValueError:
        return _MISFIT
    return number if _in_range(number, node) else _MISFIT


def _in_range(number: float, node: types.IntType | types.FloatType) -> bool:
    return (
        (node.ge is None or number >= node.ge)
        and (node.gt is None or number > node.gt)
        and (node.le is None or number <= node.le)
        and (node.lt is None or number < node.lt)
        and (node.multiple_of is None or number % node.multiple_of == 0)
    )


def _text(value: Any, node: types.StrType) -> Any:
    if isinstance(value, bool):
        return Misfit("Put it in quotes if it is meant as text.")
    if isinstance(value, SourceInt | SourceFloat):
        value = value.text
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        return _MISFIT
    fits = (
        (node.min_length is None or len(value) >= node.min_length)
        and (node.max_length is None or len(value) <= node.max_length)
        and (node.pattern is None or re.search(node.pattern, value))
    )
    return value if fits else _MISFIT


def _binary(value: Any, _node: types.BytesType) -> Any:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else _MISFIT


def _choice(value: Any, node: types.LiteralType) -> Any:
    return _chosen(value, {str(choice): choice for choice in node.values})


def _enumerated(value: Any, node: types.EnumType) -> Any:
    if isinstance(value, node.cls):
        return value
    return _chosen(value, {str(member.value): member for member in node.cls})


def _chosen(value: Any, choices: Mapping[str, Any]) -> Any:
    if isinstance(value, bool) and str(value) not in choices:
        # YAML read `on` as true; take the choice that was meant if only one can be.
        words = [word for word in choices if word.lower() in (TRUE_WORDS if value else FALSE_WORDS)]
        if len(words) == 1:
            return choices[words[0]]
    text = getattr(value, "text", value)
    known = isinstance(text, str | int | float) and str(text) in choices
    return choices[str(text)] if known else _MISFIT


def _converted(value: Any, node: types.Type) -> Any:
    try:
        return msgspec.convert(value, _CONVERTED[type(node)], strict=False)
    except msgspec.ValidationError as error:
        return Misfit(f"{error}.")


def _custom(value: Any, node: types.CustomType) -> Any:
    if isinstance(value, node.cls):
        return value
    return Path(value) if node.cls is Path and isinstance(value, str) else _MISFIT


SCALARS: Mapping[type[types.Type], Callable[[Any, Any], Any]] = {
    types.NoneType: _none,
    types.BoolType: _boolean,
    types.IntType: _integer,
    types.FloatType: _number,
    types.StrType: _text,
    types.BytesType: _binary,
    types.LiteralType: _choice,
    types.EnumType: _enumerated,
    types.CustomType: _custom,
    **dict.fromkeys(_CONVERTED, _converted),
}
