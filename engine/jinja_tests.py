"""The tests of templates (`x is ...`): Jinja2's own and Ansible's, by name."""

from __future__ import annotations

import operator as compare
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2.runtime import Undefined
from jinja2.tests import TESTS as JINJA_TESTS

from .filters_data import TRUE_WORDS
from .filters_text import as_text
from .template_guard import Missing
from .values import VAULTED_TEXT, Secret, Unknown, UnknownValue
from .versions import KINDS as VERSIONS

_FALSE_WORDS = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})


def defined(value: Any) -> bool:
    """Not known for an Unknown: what it stands for may lack the attribute."""
    if isinstance(value, Unknown):
        raise UnknownValue(value)
    return not isinstance(value, Undefined)


# ---------------------------------------------------------------- how a registered step ended


def _result(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(  # noqa: TRY004 (the operator's mistake, told in the operator's words)
            "this asks how a step ended: it takes what 'register' holds, not " + type(value).__name__
        )
    return value


def failed(result: Any) -> bool:
    return bool(_result(result).get("failed", False))


def changed(result: Any) -> bool:
    result = _result(result)
    if "changed" in result:
        return bool(result["changed"])
    return any(changed(item) for item in result.get("results", ()) if isinstance(item, Mapping))


# ---------------------------------------------------------------- text and numbers


def regex(
    value: Any = "",
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    if match_type not in ("search", "match", "fullmatch"):
        raise ValueError(f"match_type must be search, match or fullmatch, not '{match_type}'")
    found: Callable[..., Any] = getattr(re.compile(pattern, flags), match_type)
    return found(as_text(value)) is not None


def match(value: Any = "", pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any = "", pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), compare.eq),
    **dict.fromkeys(("!=", "<>", "ne"), compare.ne),
    **dict.fromkeys((">", "gt"), compare.gt),
    **dict.fromkeys((">=", "ge"), compare.ge),
    **dict.fromkeys(("<", "lt"), compare.lt),
    **dict.fromkeys(("<=", "le"), compare.le),
}


def version(
    value: Any,
    version: Any,
    operator: str = "eq",
    strict: bool | None = None,
    version_type: str | None = None,
) -> bool:
    """Compare version numbers: loosely, or as `version_type` says."""
    if operator not in _COMPARE:
        raise ValueError(f"'{operator}' is not a comparison; it is one of {', '.join(_COMPARE)}")
    if strict is not None and version_type:
        raise ValueError("give either 'strict' or 'version_type'")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in VERSIONS:
        raise ValueError(f"version_type must be one of {', '.join(VERSIONS)}, not '{kind}'")
    left, right = _version(value, kind), _version(version, kind)
    try:
        _ = kind == "loose" and left < right  # as Ansible: what has no order is not equal either, but wrong
        return _COMPARE[operator](left, right)
    except TypeError:
        raise ValueError(
            f"'{value}' and '{version}' can't be compared: a number stands where the other has a word"
        ) from None


def _version(value: Any, kind: str) -> Any:
    text = str(getattr(value, "text", value)) if value or value == 0 else ""
    if not text:
        raise ValueError("a version number is empty")
    return VERSIONS[kind](text)


# ---------------------------------------------------------------- collections and truth


def subset(value: Iterable[Any], other: Iterable[Any]) -> bool:
    there = list(other)
    return all(item in there for item in value)


def contains(value: Any, item: Any) -> bool:
    return item in value


def truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, str):
        word = value.strip().lower()
        if word in TRUE_WORDS | _FALSE_WORDS:
            return word in TRUE_WORDS
    return bool(value)


def timed_out(result: Any) -> bool:
    """Whether it ended because its `timeout` was over."""
    told = _result(result).get("timedout")
    return isinstance(told, Mapping) and bool(told.get("period"))


# ---------------------------------------------------------------- addresses and files


def uri(value: Any, schemes: Any = None) -> bool:
    try:
        pieces = urlsplit(value)
        _ = pieces.port
    except (AttributeError, TypeError, ValueError):
        return False
    return not schemes or pieces.scheme in schemes


def url(value: Any, schemes: Any = None) -> bool:
    if not isinstance(value, str) or not uri(value, schemes):
        return False
    pieces = urlsplit(value)
    return bool(pieces.netloc) or pieces.scheme == "file"


def urn(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme == "urn"


VAULT_MARK = b"$ANSIBLE_VAULT;"


def vaulted_file(path: Any) -> bool:
    with Path(path).open("rb") as file:
        return file.read(len(VAULT_MARK)) == VAULT_MARK


def vault_encrypted(value: Any) -> bool:
    """Whether `!vault` wrote it; what stands in a file that is encrypted as a whole is not, as in Ansible."""
    if isinstance(value, Missing):
        value.fail()
    if isinstance(value, Unknown):
        raise UnknownValue(value)
    return isinstance(value, Secret) and value.origin.startswith(VAULTED_TEXT)


_JINJA: Mapping[str, Any] = JINJA_TESTS

_OWN: Mapping[str, Callable[..., Any]] = {
    "all": lambda values: all(values),
    "any": lambda values: any(values),
    "contains": contains,
    "defined": defined,
    "falsy": lambda value, convert_bool=False: not truthy(value, convert_bool),
    "match": match,
    "regex": regex,
    "search": search,
    "secret": lambda value: isinstance(value, Secret),
    "truthy": truthy,
    "undefined": lambda value: not defined(value),
    "uri": uri,
    "url": url,
    "urn": urn,
    "vault_encrypted": vault_encrypted,
    "vaulted_file": vaulted_file,
    **dict.fromkeys(("change", "changed"), changed),
    **dict.fromkeys(("failed", "failure"), failed),
    **dict.fromkeys(("succeeded", "success", "successful"), lambda result: not failed(result)),
    **dict.fromkeys(("skip", "skipped"), lambda result: bool(_result(result).get("skipped", False))),
    "finished": lambda result: bool(_result(result).get("finished", True)),
    "reachable": lambda result: not _result(result).get("unreachable", False),
    "started": lambda result: bool(_result(result).get("started", True)),
    "timedout": timed_out,
    "unreachable": lambda result: bool(_result(result).get("unreachable", False)),
    **dict.fromkeys(("isnan", "nan"), lambda value: value != value),
    **dict.fromkeys(("issubset", "subset"), subset),
    **dict.fromkeys(("issuperset", "superset"), lambda value, other: subset(other, value)),
    **dict.fromkeys(("version", "version_compare"), version),
    **dict.fromkeys(("abs", "is_abs"), lambda path: os.path.isabs(path)),  # noqa: PTH117 (text in, answer out)
    **dict.fromkeys(("directory", "is_dir"), lambda path: os.path.isdir(path)),  # noqa: PTH112
    "exists": lambda path: os.path.exists(path),  # noqa: PTH110
    **dict.fromkeys(("file", "is_file"), lambda path: os.path.isfile(path)),  # noqa: PTH113
    **dict.fromkeys(("is_link", "link"), lambda path: os.path.islink(path)),  # noqa: PTH114
    **dict.fromkeys(("is_mount", "mount"), lambda path: os.path.ismount(path)),
    **dict.fromkeys(("is_same_file", "same_file"), lambda path, other: os.path.samefile(path, other)),  # noqa: PTH121
    "link_exists": lambda path: os.path.lexists(path),
}

TESTS: Mapping[str, Callable[..., Any]] = {**_JINJA, **_OWN}

JINJA_ONLY = frozenset(_JINJA) - frozenset(_OWN)
"""Jinja2's own, which are not among Ansible's `ansible.legacy` ones."""

RESULT_TESTS = frozenset(
    {
        "change", "changed", "failed", "failure", "finished", "reachable", "skip", "skipped", "started",
        "succeeded", "success", "successful", "timedout", "unreachable",
    }
)  # fmt: skip
"""They look at one word of a result only; what else is in it may be Unknown or secret."""

RAW_TESTS = frozenset({"defined", "undefined", "secret", "vault_encrypted"})
