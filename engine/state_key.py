"""Keys made from what only the operator knows: to seal secrets in the state file, to know them again in a plan.

The source is `RUNBOOK_STATE_KEY`, or else the first vault password of the run. Each use has keys of its own, made
by scrypt with a salt that is kept beside what it protects.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

from .vault import Vault

STATE_KEY = "RUNBOOK_STATE_KEY"

SALT = 16
"""Bytes of a salt."""

HINT = f"Give a vault password (--vault-password-file), or set {STATE_KEY} to a text of your own that stays secret."
"""What to do where there is no source of keys."""

NEXT_TIME = f"A run that has a vault password or {STATE_KEY} keeps its secrets sealed, and goes on with them."
"""What to do another time, where a run can't go on without a secret that it did not keep."""

_COST = 2**14
"""Scrypt's N: some 50 ms and 16 MiB for each guess of a password."""


def key_source(vault: Vault, environ: Mapping[str, str]) -> bytes | None:
    """What keys are made from; None: there is nothing that only the operator knows."""
    own = environ.get(STATE_KEY, "")
    if own:
        return own.encode("utf-8", "surrogateescape")
    return vault.passwords[0].secret if vault.passwords else None


def make_salt() -> bytes:
    """A new one, at random."""
    return secrets.token_bytes(SALT)


def make_key(source: bytes, salt: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose: the same source and salt make another key for another one."""
    # Imported here: a run that keeps no secret does without it.
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    made = Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(source)
    return hmac.digest(made, purpose.encode(), "sha256")
