"""The filters of templates: Jinja2's own and those of Ansible that playbooks use most, by name.

Each is a plain function of plain values; `template_guard.guard` keeps Unknown, Secret and missing values away.
`MOVING` names those that only move items about, so that items inside may be any of these. `RAW` names those that
are made to be handed a missing value. Another filter is another line of `FILTERS`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import itertools
import json
import math
import os
import posixpath
import re
import shlex
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Undefined

from . import filters_lists as lists

TRUE_WORDS = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
_UUID_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
"""Ansible's own, so that `to_uuid` gives the same ids."""


# ---------------------------------------------------------------- to and from text


def _as_json(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, default=_as_json, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    return json.dumps(value, default=_as_json, indent=indent, sort_keys=sort_keys, **options)


def from_json(text: str | bytes) -> Any:
    return json.loads(text)


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(value, default=_as_json))
    return str(yaml.safe_dump(plain, allow_unicode=True, default_flow_style=default_flow_style, **options))


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return to_yaml(value, default_flow_style=False, indent=indent, **options)


def from_yaml(text: str) -> Any:
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (it is the safe one)


def from_yaml_all(text: str) -> list[Any]:
    import yaml

    return list(yaml.safe_load_all(text))


def b64encode(text: str | bytes, encoding: str = "utf-8") -> str:
    return base64.b64encode(text if isinstance(text, bytes) else str(text).encode(encoding)).decode()


def b64decode(text: str, encoding: str = "utf-8") -> str:
    return base64.b64decode(text).decode(encoding)


def text_hash(text: str | bytes, algorithm: str = "sha1") -> str:
    made = hashlib.new(algorithm, usedforsecurity=False)
    made.update(text if isinstance(text, bytes) else str(text).encode())
    return made.hexdigest()


def to_bool(value: Any) -> Any:
    """Ansible's: only its words for true are true; null stays null."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).strip().lower() in TRUE_WORDS


def quote(text: Any) -> str:
    return shlex.quote("" if text is None else str(text))


# ---------------------------------------------------------------- regular expressions


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: Any,
    pattern: str,
    replacement: str,
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
) -> str:
    return re.sub(pattern, replacement, str(value), count=count, flags=_flags(ignorecase, multiline))


def regex_search(
    value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False
) -> Any:
    r"""The text that matched, or a list of the named groups (`\\g<name>`, `\\1`); null when nothing matched."""
    found = re.search(pattern, str(value), _flags(ignorecase, multiline))
    if found is None:
        return None
    if not groups:
        return found.group()
    return [found.group(_group(name)) for name in groups]


def _group(name: str) -> str | int:
    match = re.fullmatch(r"\\g<(\w+)>|\\(\d+)", name)
    if match is None:
        raise ValueError(rf"'{name}' does not name a group; write '\\g<name>' or '\\1'")
    wanted = match[1] or match[2]
    return int(wanted) if wanted.isdigit() else wanted


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return re.findall(pattern, str(value), _flags(ignorecase, multiline))


# ---------------------------------------------------------------- choices, types, paths, time


def mandatory(value: Any, message: str | None = None) -> Any:
    if isinstance(value, Undefined):
        if message is None:
            return getattr(value, "fail", value._fail_with_undefined_error)()  # noqa: SLF001 (Jinja2's own)
        raise ValueError(message)
    return value


def ternary(value: Any, true: Any, false: Any, null: Any = None) -> Any:
    if value is None and null is not None:
        return null
    return true if to_truth(value) else false


def to_truth(value: Any) -> bool:
    return bool(to_bool(value)) if isinstance(value, str) else bool(value)


def url_split(url: str, part: str = "") -> Any:
    pieces = urlsplit(url)
    names = ("scheme", "netloc", "path", "query", "fragment", "hostname", "port", "username", "password")
    if part and part not in names:
        raise ValueError(f"a URL has no part '{part}'; it has {', '.join(names)}")
    return getattr(pieces, part) if part else {name: getattr(pieces, name) for name in names}


def strftime(form: str, second: float | None = None, utc: bool = False) -> str:
    zone = dt.UTC if utc else None
    if second is None:
        return dt.datetime.now(zone).strftime(form)
    return dt.datetime.fromtimestamp(float(second), zone).strftime(form)


def to_datetime(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> dt.datetime:
    return dt.datetime.strptime(text, form)  # noqa: DTZ007 (as the operator's text says)


def logarithm(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)


def root(value: float, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / base)


def split(text: str, separator: str | None = None, maximum: int = -1) -> list[str]:
    return str(text).split(separator, maximum)


FILTERS: Mapping[str, Callable[..., Any]] = {
    **JINJA_FILTERS,
    **lists.FILTERS,
    "b64decode": b64decode,
    "b64encode": b64encode,
    "basename": lambda path: posixpath.basename(str(path)),
    "bool": to_bool,
    "checksum": text_hash,
    "combinations": lambda items, size: [list(c) for c in itertools.combinations(items, size)],
    "dirname": lambda path: posixpath.dirname(str(path)),
    "expanduser": lambda path: str(Path(path).expanduser()),
    "expandvars": lambda path: os.path.expandvars(path),
    "from_json": from_json,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "hash": text_hash,
    "log": logarithm,
    "mandatory": mandatory,
    "md5": lambda text: text_hash(text, "md5"),
    "path_join": lambda parts: posixpath.join(*([parts] if isinstance(parts, str) else parts)),
    "permutations": lambda items, size=None: [list(p) for p in itertools.permutations(items, size)],
    "pow": lambda value, power: math.pow(value, power),
    "quote": quote,
    "realpath": lambda path: str(Path(path).resolve()),
    "regex_escape": lambda text: re.escape(str(text)),
    "regex_findall": regex_findall,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "relpath": lambda path, start=".": os.path.relpath(path, start),
    "root": root,
    "sha1": text_hash,
    "split": split,
    "splitext": lambda path: list(posixpath.splitext(str(path))),
    "strftime": strftime,
    "ternary": ternary,
    "to_datetime": to_datetime,
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_nice_yaml": to_nice_yaml,
    "to_uuid": lambda text: str(uuid.uuid5(_UUID_NAMESPACE, str(text))),
    "to_yaml": to_yaml,
    "tojson": to_json,
    "type_debug": lambda value: type(value).__name__,
    "urldecode": unquote_plus,
    "urlsplit": url_split,
    "urlunquote": unquote,
}

MOVING = frozenset(
    {
        "combine", "count", "dict2items", "first", "flatten", "items", "items2dict", "last", "length", "list",
        "map", "reject", "rejectattr", "select", "selectattr", "zip",
    }
)  # fmt: skip

RAW = frozenset({"d", "default", "mandatory"})
