"""Values as `--output json` writes those that JSON lacks (docs/events.md), in the form that Ansible prints."""

from __future__ import annotations

import base64
from typing import Any

SECRET = "<secret>"


def plain(value: Any) -> Any:
    """The value without tags."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key.startswith("$"):
            return _untagged(key, inner)
    return {key: plain(one) for key, one in value.items()}


def _untagged(tag: str, inner: Any) -> Any:
    match tag:
        case "$int":
            return int(inner[0])
        case "$float":
            return float(inner[0])
        case "$set":
            return [plain(one) for one in inner]
        case "$dict":
            return {_key(key): plain(one) for key, one in inner}
        case "$bytes" | "$text":
            return base64.b64decode(inner).decode(errors="surrogateescape")
        case "$secret":
            return SECRET
        case "$time" | "$date":
            return inner
        case _:
            return {tag: plain(inner)}


def _key(key: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[key] if key is None or isinstance(key, bool) else str(plain(key))
