"""Which names are those of secrets, for values that arrive without a word about it: `-e`, an inventory."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from .values import Secret

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_SECRET = re.compile(r"(password|passphrase|passwd|pwd|secret|token|credential|apikey)s?")
_KEY = re.compile(r"keys?")
_SECRET_KEY = re.compile(
    "api|access|private|secret|signing|encryption|master|account|shared|auth|ssh|license"
)
"""What stands before `key` in the name of a secret."""
_ABOUT = re.compile(
    r"(name|id|arn|file|path|url)s?|folder|prefix|length|size|count|ttl|age|version|type|enabled|required"
)
"""Last words of names that tell something about a secret, and not the secret."""


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is to be hidden: `db_password`, `githubToken`, `api_key`; not `kms_key_id`,
    `cache_key`, `password_file`."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or _ABOUT.fullmatch(words[-1]):
        return False
    if any(_SECRET.fullmatch(word) for word in words):
        return True
    pairs = itertools.pairwise(words)
    return any(_SECRET_KEY.fullmatch(first) and _KEY.fullmatch(second) for first, second in pairs)


def boxed(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The same variables, each that has the name of a secret in a box, however deep it stands. `source` is the
    first word of its origin."""
    return {name: _boxed(name, value, source) for name, value in values.items()}


def _boxed(name: Any, value: Any, source: str) -> Any:
    if isinstance(value, Secret) or value is None or isinstance(value, bool):
        return value
    if isinstance(name, str) and is_secret_name(name):
        return Secret(value, f"{source} {name}")
    if isinstance(value, Mapping):
        return {key: _boxed(key, item, source) for key, item in value.items()}
    if isinstance(value, list):
        return [_boxed(None, item, source) for item in value]
    return value
