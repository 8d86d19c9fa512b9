"""The filters `vault` and `unvault`: text as `ansible-vault` encrypts it. The cryptography is the library's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .vault import Password, is_sealed, parse, seal, unseal

_LABEL = "filter_default"
"""The vault id that Ansible's filter puts into the header."""


def _bytes(what: str, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{what} must be text, not {type(value).__name__}")  # noqa: TRY004 (the operator's mistake)
    return value.encode()


def vault(
    data: Any,
    secret: Any,
    salt: Any = None,
    vault_id: str = _LABEL,
    wrap_object: bool = False,  # noqa: ARG001 (a value of Ansible's own; the text is the same)
) -> str:
    """The text, encrypted. A salt of its own makes it the same each time."""
    given = None if salt is None else _bytes("the salt", salt)
    return seal(_bytes("what is encrypted", data), Password(vault_id, _bytes("the password", secret)), given)


def unvault(text: Any, secret: Any, vault_id: str = _LABEL) -> str:  # noqa: ARG001 (one password opens it or none does)
    """What was encrypted; text that is not encrypted as it is. Raises ValueError when the password is another."""
    password, content = _bytes("the password", secret), _bytes("the encrypted text", text)
    if not is_sealed(content):
        return content.decode()
    opened = unseal(parse(content.decode("ascii", "replace")), password)
    if opened is None:
        raise ValueError("the password does not open this text")
    return opened.decode("utf-8", "surrogateescape")


FILTERS: Mapping[str, Callable[..., Any]] = {"unvault": unvault, "vault": vault}
