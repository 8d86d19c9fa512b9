"""Typed values as plain data: what `register` holds and the journal keeps."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

import msgspec

_ATOMS = (str, int, float, bool, bytes, type(None))


def plain(value: Any) -> Any:
    """Structs and dataclasses as dicts, tuples and sets as lists, enums as their values.

    Unknown and Secret stand as they are: they are values, not containers. A field that is `msgspec.UNSET` is not
    there.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, msgspec.Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: plain(item) for name, item in fields if item is not msgspec.UNSET}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
