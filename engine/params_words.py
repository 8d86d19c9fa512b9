"""Types and values in plain words, for messages and for the manual."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import inspect as types

from .contract import LocalFile, LocalPath, RenderedFile
from .values import Expression

Where: TypeAlias = tuple[str | int, ...]
"""Path of a value inside the arguments."""

FALSE_WORDS = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})


def shown(where: Where) -> str:
    """`tags.Name`, `rules[0].port`."""
    text = ""
    for step in where:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def given(value: Any) -> str:
    """What was given instead, in few words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:37] + "..."
        return f"'{short}'"
    if isinstance(value, int | float):
        return str(getattr(value, "text", value))
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple | set | frozenset) else f"a {type(value).__name__}"


def description(node: types.Type) -> str:
    """What may be written there: `a whole number from 0 to 5`, `one of: present, absent`."""
    while isinstance(node, types.Metadata):
        node = node.type
    if isinstance(node, types.IntType | types.FloatType):
        return ("a whole number" if isinstance(node, types.IntType) else "a number") + _range(node)
    if isinstance(node, types.StrType):
        return "text" + _length(node)
    if isinstance(node, types.LiteralType):
        return "one of: " + ", ".join(map(str, node.values))
    if isinstance(node, types.EnumType):
        return "one of: " + ", ".join(str(member.value) for member in node.cls)
    if isinstance(node, types.UnionType):
        parts = [description(member) for member in node.types if not isinstance(member, types.NoneType)]
        return " or ".join(dict.fromkeys(parts))
    if isinstance(node, types.ListType | types.VarTupleType | types.SetType | types.FrozenSetType):
        return _listing(node.item_type)
    if isinstance(node, types.TupleType):
        return f"a list of {len(node.item_types)}"
    if isinstance(node, types.StructType | types.DataclassType | types.CustomType):
        return _CLASSES.get(node.cls, "a mapping")
    return _WORDS.get(type(node), type(node).__name__.removesuffix("Type").lower())


def _listing(item: types.Type) -> str:
    inner = description(item)
    plural = _PLURALS.get(inner)
    return f"a list of {plural}" if plural else f"a list, each {inner}" if inner != "anything" else "a list"


_PLURALS = {
    "text": "texts",
    "a whole number": "whole numbers",
    "a number": "numbers",
    "an expression": "expressions",
    "a mapping": "mappings",
}

_WORDS: Mapping[type[types.Type], str] = {
    types.AnyType: "anything",
    types.BoolType: "true or false",
    types.BytesType: "text or bytes",
    types.DictType: "a mapping",
    types.NoneType: "null",
    types.DateTimeType: "a date and time such as 2026-01-31T12:00:00Z",
    types.DateType: "a date such as 2026-01-31",
    types.TimeType: "a time such as 12:00:00",
    types.TimeDeltaType: "a duration",
    types.UUIDType: "a UUID",
    types.DecimalType: "a number",
}

_CLASSES: Mapping[type, str] = {
    Expression: "an expression",
    LocalFile: "the name of a file",
    LocalPath: "the name of a file or folder",
    RenderedFile: "the name of a template file",
    Path: "a path",
}


def _range(node: types.IntType | types.FloatType) -> str:
    low, high = node.ge, node.le
    words = ""
    if low is not None and high is not None:
        words = f" from {low} to {high}"
    elif low is not None:
        words = f" of at least {low}"
    elif high is not None:
        words = f" of at most {high}"
    if node.gt is not None:
        words += f" above {node.gt}"
    if node.lt is not None:
        words += f" below {node.lt}"
    return words + (f" that is a multiple of {node.multiple_of}" if node.multiple_of is not None else "")


def _length(node: types.StrType) -> str:
    words = ""
    if node.min_length == 1 and node.max_length is None:
        words = " that is not empty"
    elif node.min_length is not None and node.max_length is not None:
        words = f" of {node.min_length} to {node.max_length} characters"
    elif node.min_length is not None:
        words = f" of at least {node.min_length} characters"
    elif node.max_length is not None:
        words = f" of at most {node.max_length} characters"
    return words + (f" that matches {node.pattern}" if node.pattern is not None else "")
