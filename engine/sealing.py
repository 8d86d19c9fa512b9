"""Secrets in the state file: sealed with a key that the file does not hold, or known again by a digest.

A run's salt stands in its header (`RunHeader.salt`). Sealing is AES-256-GCM of the `cryptography` package, with a
key of `state_key`; what a text is about is bound to it, so that no sealed text passes for another.
"""

from __future__ import annotations

import base64
import hmac
import os
import threading
from functools import cached_property

from .state_key import make_key

_NONCE = 12
"""Bytes, new for each text."""
_DIGITS = 16
"""Hex digits of a digest."""


class Seal:
    """Seals, opens and digests for one run. Without a source of keys it can only digest. Threads may share it."""

    def __init__(self, source: bytes | None, salt: bytes) -> None:
        self._source = source
        self._salt = salt
        self._digests: dict[str, str] = {}

    @property
    def has_key(self) -> bool:
        return self._source is not None

    def seal(self, plain: bytes, about: str) -> str:
        """The text that `open` opens. Only with a key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._key).encrypt(nonce, plain, about.encode("utf-8", "surrogatepass"))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, about: str) -> bytes | None:
        """What was sealed; None: there is no key, another one, or the text is damaged."""
        if self._source is None:
            return None
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(sealed)
            return AESGCM(self._key).decrypt(
                data[:_NONCE], data[_NONCE:], about.encode("utf-8", "surrogatepass")
            )
        except (InvalidTag, ValueError):
            return None

    def digest(self, secret: str) -> str:
        """By which a secret is known again, and which tells nothing of it: by the key; without one by scrypt with
        the run's salt, so that each guess costs what a guess of a password costs."""
        known = self._digests.get(secret)
        if known is None:
            plain = secret.encode("utf-8", "surrogatepass")
            if self._source is None:
                made = make_key(plain, self._salt, "digest").hex()
            else:
                made = hmac.digest(self._digest_key, plain, "sha256").hex()
            known = self._digests[secret] = f"{self._mark}{made[:_DIGITS]}"
        return known

    def comparable(self, digest: str) -> bool:
        """Whether this seal would make the same digest of the same secret: with another key it makes another."""
        return digest.startswith(self._mark)

    @cached_property
    def _mark(self) -> str:
        """Which key made a digest, in four hex digits."""
        return "salted " if self._source is None else f"keyed {self._digest_key.hex()[:4]} "

    @cached_property
    def _key(self) -> bytes:
        return self._made("seal")

    @cached_property
    def _digest_key(self) -> bytes:
        return self._made("digest")

    def _made(self, purpose: str) -> bytes:
        assert self._source is not None  # noqa: S101 (asked for with a key only)
        return make_key(self._source, self._salt, purpose)


class Seals:
    """The seals of all runs of a state file, each made once. Threads may share it."""

    def __init__(self, source: bytes | None = None) -> None:
        """source: what keys are made from (`state_key.key_source`)."""
        self._source = source
        self._known: dict[str, Seal] = {}
        self._lock = threading.Lock()

    def of(self, salt: str) -> Seal:
        """That of the run with this salt, in hex digits; a run from before there were salts seals nothing."""
        with self._lock:
            if salt not in self._known:
                self._known[salt] = Seal(self._source if salt else None, bytes.fromhex(salt))
            return self._known[salt]
