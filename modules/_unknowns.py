"""Arguments of a dry run that are known after apply only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from runbook.values import Unknown


def first_unknown(*values: object) -> Unknown | None:
    """The first Unknown that is, or stands in, one of the values."""
    for value in values:
        found = _within(value)
        if found is not None:
            return found
    return None


def _within(value: object) -> Unknown | None:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Mapping):
        return first_unknown(*value.values())
    if isinstance(value, list | tuple):
        return first_unknown(*value)
    if isinstance(value, msgspec.Struct):
        return first_unknown(*(getattr(value, name) for name in value.__struct_fields__))
    return None
