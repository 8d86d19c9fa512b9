"""Password hashes in the forms of crypt(3), as Ansible makes them. Imports passlib: only for who needs it."""

from __future__ import annotations

import warnings
from typing import Any

from passlib.hash import bcrypt, md5_crypt, sha256_crypt, sha512_crypt  # type: ignore[import-untyped]

_KINDS: dict[str, Any] = {
    "md5": md5_crypt,
    "blowfish": bcrypt,
    "bcrypt": bcrypt,
    "sha256": sha256_crypt,
    "sha512": sha512_crypt,
}
_ROUNDS = {"sha256": 535000, "sha512": 656000, "bcrypt": 12, "blowfish": 12}
"""Ansible's defaults, which are not the library's: equal hashes need equal rounds."""


def encrypt(
    password: Any,
    hashtype: str,
    *,
    salt: Any = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The hash, with a salt of its own making when none is given. Raises ValueError."""
    kind = hashtype.removesuffix("_crypt")
    if kind not in _KINDS:
        raise ValueError(
            f"{hashtype} is not in the list of supported passlib algorithms: {', '.join(_KINDS)}"
        )
    if not isinstance(password, str | bytes):
        raise ValueError(f"the password must be text, not {type(password).__name__}")  # noqa: TRY004
    options: dict[str, Any] = {"rounds": rounds or _ROUNDS.get(kind), "salt": str(salt) if salt else None}
    options["salt_size"] = salt_size
    if kind in ("bcrypt", "blowfish"):
        options["ident"] = ident or "2b"
    used = {key: value for key, value in options.items() if value is not None}
    if kind == "md5":
        used.pop("rounds", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a salt whose last bits count for nothing is no news to the operator
        return str(_KINDS[kind].using(**used).hash(password))
