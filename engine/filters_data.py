"""Filters between values and their text forms: JSON, YAML, base64; choices and types."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2.runtime import Undefined

from .template_guard import MISSING, Missing, type_name
from .values import Secret, Unknown, UnknownValue

TRUE_WORDS = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
"""What an argument that must be true or false may say."""

_TRUE_TO_BOOL = frozenset({"yes", "on", "1", "true"})
"""What the filter `bool` takes for true, as Ansible does."""


# ---------------------------------------------------------------- JSON


def _as_json(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"a value of type {type_name(value)} has no JSON form")


def _spared(options: dict[str, Any]) -> dict[str, Any]:
    """Without the options that only matter to how Ansible keeps its own values."""
    return {k: v for k, v in options.items() if k not in ("vault_to_text", "preprocess_unsafe")}


def to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, default=_as_json, **_spared(options))


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    return json.dumps(
        value,
        default=_as_json,
        **{"separators": (",", ": "), **_spared(options)},
        indent=indent,
        sort_keys=sort_keys,
    )


def from_json(text: str | bytes, **options: Any) -> Any:
    if not isinstance(text, str | bytes):
        raise ValueError(  # noqa: TRY004 (the operator's mistake)
            f"the JSON object must be str, bytes or bytearray, not {type_name(text)}"
        )
    return json.loads(text, **options)


# ---------------------------------------------------------------- YAML


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    from .filters_yaml import Dumper, dump

    return dump(value, Dumper=Dumper, default_flow_style=default_flow_style, **_spared(options))


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool = False, **options: Any) -> str:
    return to_yaml(value, default_flow_style=default_flow_style, indent=indent, **options)


def from_yaml(text: Any) -> Any:
    if not isinstance(text, str | bytes):
        return text
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (it is the safe one)


def from_yaml_all(text: Any) -> Any:
    if not isinstance(text, str | bytes):
        return [] if text is None else text
    import yaml

    return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


# ---------------------------------------------------------------- base64


def b64encode(text: str | bytes, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = text if isinstance(text, bytes) else str(text).encode(encoding)
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()


def b64decode(text: str | bytes, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = text if isinstance(text, bytes) else str(text).encode()
    return (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(data).decode(encoding)


# ---------------------------------------------------------------- choices and types


def to_bool(value: Any) -> bool:
    """Ansible's: `yes`, `on`, `1`, `true` and 1 are true, whatever else there is is not."""
    if isinstance(value, bool):
        return value
    return value.lower() in _TRUE_TO_BOOL if isinstance(value, str) else value == 1


def mandatory(value: Any, msg: str | None = None) -> Any:
    if isinstance(value, Undefined):
        raise ValueError(msg or _mandatory(value))  # noqa: TRY004 (the operator's mistake)
    return value


def _mandatory(value: Undefined) -> str:
    named = isinstance(value, Missing) and value.owner is MISSING and value.wanted is not None
    return f"Mandatory variable '{value.wanted}' not defined." if named else "Mandatory variable not defined."


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def type_debug(value: Any) -> str:
    """The name of its type; a secret's is not secret."""
    if isinstance(value, Unknown):
        raise UnknownValue(value)
    return type_name(Secret.reveal(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "b64decode": b64decode,
    "b64encode": b64encode,
    "bool": to_bool,
    "from_json": from_json,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "mandatory": mandatory,
    "ternary": ternary,
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_nice_yaml": to_nice_yaml,
    "to_yaml": to_yaml,
    "type_debug": type_debug,
}
