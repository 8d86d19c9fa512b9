"""Text that `ansible-vault` encrypts: its format, and the passwords that open it.

The format is Ansible's (documentation, "Format of files encrypted with Ansible Vault"): a header line
`$ANSIBLE_VAULT;1.1;AES256`, or `;1.2;AES256;LABEL`, then 80 hex digits a line. They spell three hex texts in lines
of their own: salt, HMAC-SHA256 of the ciphertext, ciphertext (AES256-CTR, PKCS#7). Keys and counter come from
PBKDF2-SHA256 with 10,000 rounds. The cryptography itself is the library's, imported when something is opened.
"""

from __future__ import annotations

import os
import threading
from binascii import Error as NotHex
from binascii import hexlify, unhexlify
from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import Position, VaultError

HEADER = "$ANSIBLE_VAULT"
DEFAULT = "default"
"""The label of a password that was given without one."""

_ROUNDS = 10_000
_KEY, _COUNTER = 32, 16
"""Bytes: two keys (cipher, HMAC), then the counter."""
_SALT = 32
_BLOCK = 128
"""Bits of a block of the padding."""
_WIDTH = 80

GIVE_ONE = "Give one: --vault-password-file FILE, --ask-vault-pass or --vault-id LABEL@SOURCE."


@dataclass(frozen=True, slots=True)
class Password:
    """A vault password and the label (vault id) that it was given with."""

    label: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted text, taken apart."""

    label: str
    salt: bytes
    mac: bytes
    ciphertext: bytes


def is_sealed(content: str | bytes) -> bool:
    """Whether this is the text of a vault."""
    head = content[:200] if isinstance(content, str) else content[:200].decode("ascii", "replace")
    return head.lstrip().startswith(HEADER)


def parse(text: str, at: Position | None = None) -> Sealed:
    """Take the text of a vault apart. Raises VaultError: it is damaged, or of a kind that is not known."""
    header, *lines = text.strip().splitlines() or [""]
    words = header.strip().split(";")
    if words[0] != HEADER or len(words) < 3:
        raise VaultError(
            f"This is no text of a vault: it does not begin with '{HEADER};1.1;AES256'", position=at
        )
    if words[1] not in ("1.1", "1.2") or words[2] != "AES256":
        kind = ";".join(words[1:3])
        raise VaultError(
            f"Vaults of the kind '{kind}' can't be opened", position=at, hint="Known: 1.1, 1.2; AES256."
        )
    try:
        inner = unhexlify("".join(line.strip() for line in lines))
        salt, mac, ciphertext = map(unhexlify, inner.split(b"\n"))
    except (NotHex, ValueError):
        raise VaultError(
            "This text of a vault is damaged", position=at, hint="Was all of it copied?"
        ) from None
    return Sealed(words[3] if words[1] == "1.2" and len(words) > 3 else "", salt, mac, ciphertext)


def seal(plain: bytes, password: Password, salt: bytes | None = None) -> str:
    """Encrypt as `ansible-vault` does: lines of text, the last with its line end. salt: None makes a new one."""
    salt = salt or os.urandom(_SALT)
    ciphertext, mac = _encrypted(plain, password.secret, salt)
    digits = hexlify(b"\n".join(map(hexlify, (salt, mac, ciphertext)))).decode()
    label = password.label if password.label != DEFAULT else ""
    header = f"{HEADER};1.2;AES256;{label}" if label else f"{HEADER};1.1;AES256"
    lines = [digits[start : start + _WIDTH] for start in range(0, len(digits), _WIDTH)]
    return "\n".join([header, *lines, ""])


def unseal(sealed: Sealed, password: bytes) -> bytes | None:
    """What was encrypted; None: with another password."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, hmac, padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key, mac_key, counter = _keys(password, sealed.salt)
    checked = hmac.HMAC(mac_key, hashes.SHA256())
    checked.update(sealed.ciphertext)
    try:
        checked.verify(sealed.mac)
    except InvalidSignature:
        return None
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    unpadder = padding.PKCS7(_BLOCK).unpadder()
    padded = cipher.update(sealed.ciphertext) + cipher.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _encrypted(plain: bytes, password: bytes, salt: bytes) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives import hashes, hmac, padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key, mac_key, counter = _keys(password, salt)
    padder = padding.PKCS7(_BLOCK).padder()
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    ciphertext = cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    made = hmac.HMAC(mac_key, hashes.SHA256())
    made.update(ciphertext)
    return ciphertext, made.finalize()


def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    length = 2 * _KEY + _COUNTER
    made = PBKDF2HMAC(hashes.SHA256(), length, salt, _ROUNDS).derive(password)
    return made[:_KEY], made[_KEY : 2 * _KEY], made[2 * _KEY :]


class Vault:
    """Opens texts of vaults with the passwords of a run; each text once. Threads may share it."""

    def __init__(self, passwords: Sequence[Password] = ()) -> None:
        self.passwords = tuple(passwords)
        self._opened: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def open(self, text: str, at: Position | None = None) -> bytes:
        """What was encrypted. Raises VaultError, with the place `at`, when no password opens it."""
        known = self._opened.get(text)
        if known is None:
            known = self._open(parse(text, at), at)
            with self._lock:
                self._opened[text] = known
        return known

    def read(self, content: bytes, path: str) -> bytes:
        """The content of a file, opened when it is the text of a vault. Raises VaultError."""
        if not is_sealed(content):
            return content
        return self.open(content.decode("ascii", "replace"), Position(path, 1, 1))

    def _open(self, sealed: Sealed, at: Position | None) -> bytes:
        if not self.passwords:
            raise VaultError("This is encrypted, and no vault password was given", position=at, hint=GIVE_ONE)
        ours = [one for one in self.passwords if one.label == sealed.label]
        for password in (*ours, *(one for one in self.passwords if one not in ours)):
            plain = unseal(sealed, password.secret)
            if plain is not None:
                return plain
        which = f" of the vault id '{sealed.label}'" if sealed.label else ""
        given = ", ".join(dict.fromkeys(one.label for one in self.passwords))
        raise VaultError(
            f"No vault password that was given opens this text{which}, or it is damaged",
            position=at,
            hint=f"Passwords were given for: {given}.",
        )
