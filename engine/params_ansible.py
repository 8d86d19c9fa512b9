"""What Ansible's modules say of arguments that do not fit: playbooks ask for these words in their results."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import inspect as types

from .params_words import Where, shown


class Kind(enum.IntEnum):
    """What is wrong with an argument, in the order in which Ansible looks; it tells the first kind only."""

    MISSING = 1
    TYPE = 2
    CHOICE = 3
    OTHER = 4
    UNKNOWN = 5


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is wrong: in our words, and what Ansible's are made of."""

    where: Where
    message: str
    hint: str | None = None
    kind: Kind = Kind.OTHER
    words: str = ""


_OTHER_NAMES: Mapping[str, str] = {
    "command": "ansible.legacy.command", "shell": "ansible.legacy.command", "copy": "ansible.legacy.copy",
    "template": "ansible.legacy.copy", "uri": "ansible.legacy.uri",
}  # fmt: skip
"""Modules that others call for them, or by another name."""
_MISSING: Mapping[str, str] = {
    "copy": "dest is required",
    "template": "src and dest are required",
    "fetch": "src and dest are required",
    "group_by": "the 'key' param is required when using group_by",
}
_OWN_WORDS = frozenset({"fail", "group_by", "set_stats"})

_BOOLEANS = "1, 0, '1', '0', 'yes', 'no', 'y', 'n', 'true', 'false', 't', 'f', 'on', 'off'"

_TYPES: Mapping[type[types.Type], str] = {
    types.BoolType: "bool", types.IntType: "int", types.FloatType: "int", types.StrType: "str",
    types.DictType: "dict", types.StructType: "dict", types.ListType: "list", types.VarTupleType: "list",
}  # fmt: skip


def in_ansibles_words(module: str, said: Sequence[Said], names: Iterable[str]) -> str:
    """What a module of Ansible would say. `names`: all that the module knows, aliases included."""
    first = min(one.kind for one in said)
    found = [one for one in said if one.kind is first]
    if first is Kind.MISSING:
        within = found[0].where[:-1]
        listed = sorted(str(one.where[-1]) for one in found if one.where[:-1] == within)
        plain = "missing required arguments: " + ", ".join(listed)
        return f"{plain} found in {_path(within)}" if within else _MISSING.get(module, plain)
    if first is Kind.UNKNOWN:
        return _unsupported(module, [shown(one.where) for one in found], names)
    return found[0].words or found[0].message


def _unsupported(module: str, unknown: Sequence[str], names: Iterable[str]) -> str:
    listed = ", ".join(sorted(unknown))
    if module in _OWN_WORDS:
        return f"Invalid options for {module}: {listed}"
    if module == "include_vars":
        return f"{listed} is not a valid option in include_vars"
    name = _OTHER_NAMES.get(module, module)
    known = ", ".join(sorted(names))
    return f"Unsupported parameters for ({name}) module: {listed}. Supported parameters include: {known}."


def misfit_words(value: Any, node: types.Type, where: Where) -> tuple[Kind, str]:
    """For a value that is not of the type: the kind, and Ansible's words for it."""
    while isinstance(node, types.Metadata):
        node = node.type
    name = str(where[-1]) if where else ""
    within = f" found in {_path(where[:-1])}" if len(where) > 1 else ""
    choices = _choices(node)
    if choices:
        return Kind.CHOICE, f"value of {name} must be one of: {', '.join(choices)}, got: {value}{within}"
    wanted = next((word for kind, word in _TYPES.items() if isinstance(node, kind)), None)
    if wanted is None:
        return Kind.TYPE, ""
    given = _type(value)
    told = f"argument '{name}' is of type {given}{within} and we were unable to convert to {wanted}: "
    return Kind.TYPE, told + _why(value, wanted)


def _choices(node: types.Type) -> list[str]:
    if isinstance(node, types.UnionType):
        return [word for member in node.types for word in _choices(member)]
    if isinstance(node, types.EnumType):
        return [str(member.value) for member in node.cls]
    return [str(value) for value in node.values] if isinstance(node, types.LiteralType) else []


def _why(value: Any, wanted: str) -> str:
    if wanted == "bool" and isinstance(value, str | int | float):
        return f"The value '{value}' is not a valid boolean. Valid booleans include: {_BOOLEANS}"
    if wanted == "int":
        return f'"{_plain(value)!r}" cannot be converted to an int'
    if wanted == "dict" and isinstance(value, str):
        return "dictionary requested, could not parse JSON or key=value"
    return f"<class '{_type(value)}'> cannot be converted to a {wanted}"


def _type(value: Any) -> str:
    kinds = (bool, int, float, str, dict, list)
    return next((kind.__name__ for kind in kinds if isinstance(value, kind)), type(value).__name__)


def _plain(value: Any) -> Any:
    """Without the memory of how a number was written."""
    return next((kind(value) for kind in (bool, int, float) if isinstance(value, kind)), value)


def _path(where: Where) -> str:
    return " -> ".join(str(step) for step in where if isinstance(step, str))
