"""Conditions and keywords: values as yes or no."""

from __future__ import annotations

from typing import Any

from .template_guard import Unusable, type_name
from .values import Omit, Secret, Unknown


def as_truth(value: Any) -> bool | Unknown:
    """A condition's value, which must be true or false, as in Ansible. Unknown stays Unknown; a Secret is opened.

    Raises Unusable for any other value: what it would count as is what goes wrong unseen.
    """
    value = Secret.reveal(value)
    if isinstance(value, bool | Unknown):
        return value
    if type(value) is Omit:
        raise Unusable("A condition came to 'omit'", hint="Give `default` true or false here.")
    raise Unusable(
        f"Conditional result ({bool(value)}) was derived from value of type '{type_name(value)}'."
        " Conditionals must have a boolean result.",
        hint=_BOOLEAN_HINTS.get(type(value), "Compare it: `== ...`."),
    )


def as_flag(value: Any) -> bool | Unknown:
    """A keyword's value as yes or no: the words for booleans mean what they say, anything else is true unless it is
    empty, zero or null. Unknown stays Unknown; a Secret is opened."""
    value = Secret.reveal(value)
    if isinstance(value, bool | Unknown):
        return value
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE_WORDS
    return bool(value)


_FALSE_WORDS = frozenset({"", "false", "no", "off", "n", "f", "0"})

_BOOLEAN_HINTS = {
    str: "Write what is asked: `x | length > 0`, `x == '...'`, or `x | bool` for words such as yes and no.",
    list: "Write what is asked: `x | length > 0`.",
    dict: "Write what is asked: `x | length > 0`.",
    int: "Write what is asked: `x > 0`, or `x | bool`.",
    type(None): "Write what is asked: `x is none`, `x is defined`, or `x is not none`.",
}
