"""The types of Ansible's argument specifications: what a value is taken for, and why it can't be.

A converter answers the value as that type, or raises TypeError or ValueError with Ansible's reason.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_TRUE = frozenset({"1", "on", "t", "true", "y", "yes", "1.0"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no", "0.0"})
_UNITS = {unit: 1024**power for power, unit in enumerate("BKMGTPEZY")}
_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]+)?\s*")


def _str(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, int | float):
        return [str(value)]
    raise TypeError(f"{type(value)} cannot be converted to a list")


def _dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        raise TypeError(f"{type(value)} cannot be converted to a dict")
    if value.startswith("{"):
        try:
            found = json.loads(value)
        except ValueError:
            raise TypeError("unable to evaluate string as dictionary") from None
        return dict(found)
    if "=" in value:
        pairs = (part.strip() for part in shlex.split(value.replace(",", " ")))
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    raise TypeError("dictionary requested, could not parse JSON or key=value")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower().strip()
    if isinstance(value, str | int | float) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise TypeError(
        f"The value '{value}' is not a valid boolean. Valid booleans include: yes, no, true, false, on, off"
    )


def _int(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    try:
        if isinstance(value, str):
            return int(value.strip())
        if isinstance(value, float) and value.is_integer():
            return int(value)
    except ValueError:
        pass
    raise TypeError(f'"{value!r}" cannot be converted to an int')


def _float(value: Any) -> float:
    try:
        if isinstance(value, str | int | float):
            return float(value)
    except ValueError:
        pass
    raise TypeError(f"{type(value)} cannot be converted to a float")


def _path(value: Any) -> str:
    return str(Path(os.path.expandvars(_str(value))).expanduser())


def _json(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value)
    raise TypeError(f"{type(value)} cannot be converted to a json string")


def _sized(what: str) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        found = _SIZE.fullmatch(str(value))
        unit = (found[2] or "B")[:1].upper() if found else ""
        if found is None or unit not in _UNITS:
            raise TypeError(f"{type(value)} cannot be converted to a {what} value")
        size: int = round(float(found[1]) * _UNITS[unit])
        return size

    return convert


def _raw(value: Any) -> Any:
    return value


TYPES: Mapping[str, Callable[[Any], Any]] = {
    "str": _str,
    "list": _list,
    "dict": _dict,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "path": _path,
    "raw": _raw,
    "json": _json,
    "jsonarg": _json,
    "bytes": _sized("Byte"),
    "bits": _sized("Bit"),
}
