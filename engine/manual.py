"""A module's manual page and JSON schema, from its docstring and its Params."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect as types

from .contract import Computation, LocalFile, LocalPath, Module, Params, RenderedFile
from .params_shape import aliases_of, description_of, mark, shape_of, takes_null
from .params_words import description
from .values import Expression


def manual(name: str, module: Module | Computation) -> str:
    """The page that `runbook doc NAME` prints: what it does, its arguments, its result, what it may call."""
    parts = [name, "=" * len(name), "", _docstring(module) or "No description.", "", "Arguments"]
    parts += list(_fields(module.Params)) or ["  none"]
    result = getattr(module, "Result", None)
    if result is not None:
        parts += ["", "Result", *_result(result)]
    permissions = getattr(module, "permissions", None)
    for title, actions in (("look", permissions.read), ("change", permissions.write)) if permissions else ():
        if actions:
            parts += ["", f"IAM actions to {title}", *(f"  {action}" for action in actions)]
    return "\n".join(parts) + "\n"


def _docstring(module: Module | Computation) -> str:
    doc = type(module).__doc__ or getattr(inspect.getmodule(type(module)), "__doc__", None)
    return inspect.cleandoc(doc) if doc else ""


def _result(struct: type[msgspec.Struct]) -> Iterator[str]:
    try:
        yield from (f"  {name}: {description(field.type)}" for name, field in shape_of(struct).fields.items())
    except TypeError:
        # A result may hold what no argument can (`str | Unknown`); its names are still worth reading.
        yield from (f"  {name}" for name in struct.__struct_fields__)


def _fields(struct: type[Params]) -> Iterator[str]:
    for name, field in shape_of(struct).fields.items():
        yield f"  {name}: {description(field.type)}{_notes(field)}"
        words = description_of(field.type)
        if words:
            yield f"      {words}"


def _notes(field: types.Field) -> str:
    notes = []
    if field.required:
        notes.append("required")
    elif field.default not in (None, "", msgspec.NODEFAULT):
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        notes.append(f"default {default}")
    if names := aliases_of(field):
        notes.append(f"also {', '.join(names)}")
    for extra, words in (
        ("secret", "secret"),
        ("free_form", "takes free-form text"),
        ("rest", "by its own names"),
        ("no_effect", "taken, without effect"),
        ("refused", "refused"),
    ):
        if found := mark(field.type, extra):
            notes.append(f"{words}: {found}" if isinstance(found, str) else words)
    return f" ({', '.join(notes)})" if notes else ""


# ---------------------------------------------------------------- JSON Schema (2020-12)


def json_schema(params: type[Params]) -> dict[str, Any]:
    """What may be written as a module's arguments. A template may stand for any value."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(params)}


def _object(struct: type) -> dict[str, Any]:
    shape = shape_of(struct)
    named = {name: field for name, field in shape.fields.items() if name != shape.rest}
    made: dict[str, Any] = {
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


_TEMPLATE = {"type": "string", "pattern": r"\{\{|\{%"}


def _property(field: types.Field) -> dict[str, Any]:
    schema = _schema(field.type)
    words = description_of(field.type)
    takes_text = not schema or "string" in schema.get("type", ())
    return {**({"description": words} if words else {}), **(schema if takes_text else _or_template(schema))}


def _or_template(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*schema.get("anyOf", [schema]), _TEMPLATE]}


def _schema(node: types.Type) -> dict[str, Any]:
    while isinstance(node, types.Metadata):
        node = node.type
    made = _SCHEMAS.get(type(node))
    return made(node) if made is not None else {"type": "string"}


def _union(node: types.UnionType) -> dict[str, Any]:
    some = [_schema(member) for member in node.types if not isinstance(member, types.NoneType)]
    some += [{"type": "null"}] if takes_null(node) else []
    return some[0] if len(some) == 1 else {"anyOf": some}


def _struct(node: types.StructType) -> dict[str, Any]:
    return {"type": "string"} if node.cls in (LocalFile, LocalPath, RenderedFile) else _object(node.cls)


def _dataclass(node: types.DataclassType) -> dict[str, Any]:
    return {"type": ["string", "boolean"]} if node.cls is Expression else {"type": "object"}


def _limits(node: types.IntType | types.FloatType, kind: str) -> dict[str, Any]:
    words = {"minimum": node.ge, "exclusiveMinimum": node.gt, "maximum": node.le, "exclusiveMaximum": node.lt}
    return {"type": kind, **{word: limit for word, limit in words.items() if limit is not None}}


def _listing(node: Any) -> dict[str, Any]:
    return {"type": "array", "items": _schema(node.item_type)}


_SCHEMAS: Mapping[type[types.Type], Callable[[Any], dict[str, Any]]] = {
    types.AnyType: lambda _node: {},
    types.NoneType: lambda _node: {"type": "null"},
    types.BoolType: lambda _node: {"type": "boolean"},
    types.IntType: lambda node: _limits(node, "integer"),
    types.FloatType: lambda node: _limits(node, "number"),
    types.StrType: lambda _node: {"type": ["string", "number"]},
    types.LiteralType: lambda node: {"enum": list(node.values)},
    types.EnumType: lambda node: {"enum": [member.value for member in node.cls]},
    types.ListType: _listing,
    types.VarTupleType: _listing,
    types.SetType: _listing,
    types.FrozenSetType: _listing,
    types.DictType: lambda node: {"type": "object", "additionalProperties": _schema(node.value_type)},
    types.StructType: _struct,
    types.DataclassType: _dataclass,
    types.UnionType: _union,
}
