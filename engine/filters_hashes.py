"""Filters that make digests, ids and password hashes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .errors import nearest

_NAMESPACE = "361E6D51-FAEC-444A-9079-341386DA8E2E"
"""Ansible's own, so that `to_uuid` gives the same ids."""


def text_hash(text: Any, hashtype: str = "sha1") -> str:
    try:
        made = hashlib.new(hashtype, usedforsecurity=False)
    except ValueError:
        hint = nearest(hashtype, hashlib.algorithms_available) or ""
        raise ValueError(f"unsupported hash type {hashtype}. {hint}".rstrip()) from None
    made.update(text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def to_uuid(text: Any, namespace: Any = _NAMESPACE) -> str:
    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(namespace)
    except (AttributeError, ValueError):
        raise ValueError(f"Invalid value '{namespace}' for 'namespace': it is not a UUID") from None
    return str(uuid.uuid5(space, str(text)))


def password_hash(
    password: Any,
    hashtype: str = "sha512",
    salt: Any = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    from .passwords import encrypt

    return encrypt(password, hashtype, salt=salt, salt_size=salt_size, rounds=rounds, ident=ident)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "checksum": lambda text: text_hash(text),
    "hash": text_hash,
    "md5": lambda text: text_hash(text, "md5"),
    "password_hash": password_hash,
    "sha1": lambda text: text_hash(text),
    "to_uuid": to_uuid,
}
