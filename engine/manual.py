"""A module's manual page, from its docstring and its Params."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import msgspec
from msgspec import inspect as types

from .contract import Computation, Module, Params
from .params_shape import aliases_of, description_of, mark, shape_of
from .params_words import description


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
