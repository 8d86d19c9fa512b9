"""JSON Schema (2020-12) of a module's arguments, from its Params: what `params_reader` would take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import inspect as types

from .contract import LocalFile, LocalPath, Params, RenderedFile
from .filters_data import TRUE_WORDS
from .params_shape import aliases_of, description_of, mark, shape_of, takes_null
from .params_words import FALSE_WORDS
from .values import Expression

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TEMPLATE: Final[Schema] = {"type": "string", "pattern": r"\{\{|\{%"}
TEXT: Final[Schema] = {"type": ["string", "number"]}
"""A number is taken as it is written."""


def json_schema(params: type[Params]) -> Schema:
    """What may be written as a module's arguments. A template may stand for any value."""
    return {"$schema": DIALECT, **arguments(params)}


def arguments(struct: type) -> Schema:
    """A mapping of arguments."""
    shape = shape_of(struct)
    named = {name: field for name, field in shape.fields.items() if name != shape.rest}
    made: Schema = {
        "type": "object",
        "properties": {
            written: _property(field)
            for name, field in named.items()
            if not mark(field.type, "refused")
            for written in (name, *aliases_of(field))
        },
        "additionalProperties": shape.rest is not None,
    }
    needed = [(name, *aliases_of(field)) for name, field in named.items() if field.required]
    required = [names[0] for names in needed if len(names) == 1]
    either = [{"anyOf": [{"required": [name]} for name in names]} for names in needed if len(names) > 1]
    return {**made, **({"required": required} if required else {}), **({"allOf": either} if either else {})}


def any_of(*schemas: Schema) -> Schema:
    """One of these; those that are themselves such a choice are opened, and equal ones are kept once."""
    flat: list[Schema] = []
    for schema in schemas:
        flat += schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    if {} in flat:
        return {}
    once = [one for at, one in enumerate(flat) if one not in flat[:at]]
    return once[0] if len(once) == 1 else {"anyOf": once}


def or_template(schema: Schema) -> Schema:
    """A template may stand for it, where no text could anyway."""
    if not schema or any(
        "string" in one.get("type", ()) and set(one) == {"type"} for one in _choices(schema)
    ):
        return schema
    return any_of(schema, TEMPLATE)


def _choices(schema: Schema) -> list[Schema]:
    return schema["anyOf"] if set(schema) == {"anyOf"} else [schema]


def _property(field: types.Field) -> Schema:
    schema = _schema(field.type)
    if not field.required:
        schema = any_of(schema, {"type": "null"})  # as if it were not written
    words = description_of(field.type)
    return {"description": words, **schema} if words else schema


def _schema(node: types.Type) -> Schema:
    while isinstance(node, types.Metadata):
        node = node.type
    made = _SCHEMAS.get(type(node))
    return or_template(made(node)) if made is not None else TEXT


def _union(node: types.UnionType) -> Schema:
    some = [_schema(member) for member in node.types if not isinstance(member, types.NoneType)]
    return any_of(*some, *([{"type": "null"}] if takes_null(node) else []))


def _struct(node: types.StructType) -> Schema:
    return {"type": "string"} if node.cls in (LocalFile, LocalPath, RenderedFile) else arguments(node.cls)


def _dataclass(node: types.DataclassType) -> Schema:
    return {"type": ["string", "boolean", "number"]} if node.cls is Expression else {"type": "object"}


def _limits(node: types.IntType | types.FloatType, kind: str) -> Schema:
    words = {"minimum": node.ge, "exclusiveMinimum": node.gt, "maximum": node.le, "exclusiveMaximum": node.lt}
    number = {"type": kind, **{word: limit for word, limit in words.items() if limit is not None}}
    return {"anyOf": [number, {"type": "string", "pattern": r"^\s*[-+]?[\d.]"}]}


def _boolean(_node: types.BoolType) -> Schema:
    words = sorted(TRUE_WORDS | FALSE_WORDS)
    return {"anyOf": [{"type": "boolean"}, {"enum": words}, {"enum": [0, 1]}]}


def _enum(values: list[Any]) -> Schema:
    """A number may be given as text; of a word that YAML takes for a boolean, the boolean means the same."""
    texts = [str(value) for value in values if not isinstance(value, str)]
    words = {text.lower() for text in map(str, values)}
    booleans = [truth for truth, same in ((True, TRUE_WORDS), (False, FALSE_WORDS)) if words & same]
    return {"enum": [*values, *texts, *booleans]}


def _listing(node: Any) -> Schema:
    """Ansible's leniency: one item is a list of one, and a text with commas a list of several."""
    item = _schema(node.item_type)
    return any_of({"type": "array", "items": item}, item, {"type": "string"})


_SCHEMAS: Mapping[type[types.Type], Callable[[Any], Schema]] = {
    types.AnyType: lambda _node: {},
    types.NoneType: lambda _node: {"type": "null"},
    types.BoolType: _boolean,
    types.IntType: lambda node: _limits(node, "integer"),
    types.FloatType: lambda node: _limits(node, "number"),
    types.StrType: lambda _node: TEXT,
    types.LiteralType: lambda node: _enum(list(node.values)),
    types.EnumType: lambda node: _enum([member.value for member in node.cls]),
    types.ListType: _listing,
    types.VarTupleType: _listing,
    types.SetType: _listing,
    types.FrozenSetType: _listing,
    types.DictType: lambda node: {"type": "object", "additionalProperties": _schema(node.value_type)},
    types.StructType: _struct,
    types.DataclassType: _dataclass,
    types.UnionType: _union,
}
