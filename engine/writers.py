"""Who wrote which field of which resource last: a pure fold over recorded changes.

Undo, drift and verification judge by it: a field that a later step wrote says nothing of the earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .model import Change
from .plain import plain
from .values import Unknown


def settled(change: Change) -> Change:
    """The change as plain data, as modules' `undo` gets it: what was not known when it was planned is None."""
    return replace(change, before=_settled(plain(change.before)), after=_settled(plain(change.after)))


def _settled(value: Any) -> Any:
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        return {key: _settled(item) for key, item in value.items()}
    return list(map(_settled, value)) if isinstance(value, list) else value
