"""What a struct of arguments looks like: its fields by the names that playbooks use, and their marks."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import inspect as types

from .errors import nearest
from .params_words import description
from .values import Expression


@dataclass(frozen=True, slots=True)
class Shape:
    """A struct's fields, looked up once."""

    fields: Mapping[str, types.Field]
    rest: str | None
    """The field that takes arguments with names of their own."""
    names: Mapping[str, str]
    """Field names by all the names that may be written: their own and their aliases."""

    def offer(self, name: str) -> str:
        """A hint for a name that is not there."""
        known = [field for field, info in self.fields.items() if not mark(info.type, "refused")]
        named = ", ".join(known)
        return nearest(name, self.names) or (f"It takes: {named}." if named else "It takes none.")

    def about(self, name: str) -> str:
        """One line on a field: what may be written there, and what it is for."""
        node = self.fields[name].type
        words = description_of(node)
        return f"{name}: {description(node)}." + (f" {words}" if words else "")


@functools.cache
def shape_of(struct: type) -> Shape:
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)  # noqa: S101 (the callers' types are structs)
    fields = {field.encode_name: field for field in info.fields}
    rest = next((name for name, field in fields.items() if mark(field.type, "rest")), None)
    names = {alias: name for name, field in fields.items() for alias in aliases_of(field)}
    return Shape(fields, rest, {**names, **{name: name for name in fields if name != rest}})


def aliases_of(field: types.Field) -> tuple[str, ...]:
    """The other names of a field."""
    found: tuple[str, ...] = mark(field.type, "aliases") or ()
    return found


def mark(node: types.Type, name: str) -> Any:
    """What one of the contract's marks says of a field: true, names, a reason; None: it does not carry it."""
    while isinstance(node, types.Metadata):
        if found := (node.extra or {}).get(name):
            return found
        node = node.type
    if isinstance(node, types.UnionType):
        return next((found for member in node.types if (found := mark(member, name))), None)
    return None


def description_of(node: types.Type) -> str:
    """The `description` of a field's `msgspec.Meta`."""
    while isinstance(node, types.Metadata):
        words = (node.extra_json_schema or {}).get("description")
        if words:
            return str(words)
        node = node.type
    return ""


def members(node: types.Type) -> list[types.Type]:
    """The types that a value there may have: a union's, without marks and constraints' wrappers."""
    if isinstance(node, types.Metadata):
        return members(node.type)
    if isinstance(node, types.UnionType):
        return [inner for member in node.types for inner in members(member)]
    return [node]


def item_of(node: types.Type) -> types.Type | None:
    """The type of a collection's items."""
    if isinstance(node, types.ListType | types.VarTupleType | types.SetType | types.FrozenSetType):
        return node.item_type
    return node.value_type if isinstance(node, types.DictType) else None


def is_expression(node: types.Type) -> bool:
    """Whether an operator's bare text there is an expression."""
    for member in members(node):
        item = item_of(member)
        if isinstance(member, types.DataclassType) and member.cls is Expression:
            return True
        if item is not None and is_expression(item):
            return True
    return False


def takes_null(node: types.Type) -> bool:
    return any(isinstance(member, types.NoneType | types.AnyType) for member in members(node))


def marked_paths(node: types.Type, name: str) -> Iterator[tuple[str, ...]]:
    """Paths to marked fields below a type; `*` stands for every item of a list or mapping."""
    if mark(node, name):
        yield ()
        return
    for member in members(node):
        item = item_of(member)
        if item is not None:
            yield from (("*", *path) for path in marked_paths(item, name))
        elif isinstance(member, types.StructType):
            for field in member.fields:
                yield from ((field.encode_name, *path) for path in marked_paths(field.type, name))


__all__ = [
    "Shape",
    "aliases_of",
    "description_of",
    "is_expression",
    "item_of",
    "mark",
    "marked_paths",
    "members",
    "shape_of",
    "takes_null",
]
