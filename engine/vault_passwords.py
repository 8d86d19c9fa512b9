"""Where vault passwords come from: files, programs and questions, as Ansible's options name them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError
from .vault import DEFAULT, Password, Vault

PASSWORD_FILES = ("RUNBOOK_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_PASSWORD_FILE")
IDENTITIES = "ANSIBLE_VAULT_IDENTITY_LIST"
"""Comma list of LABEL@SOURCE in the environment."""

_ASKED = ("prompt", "prompt_ask_vault_pass")
_CLIENT = "-client"
"""The end of a program's name, behind which it is told the label that is wanted."""

Ask = Callable[[str], str]
"""Asks a person, without an echo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultOptions:
    """What the command line says of vault passwords; never a password itself."""

    ids: tuple[str, ...] = ()
    """`--vault-id`: LABEL@SOURCE, or a source alone; the source `prompt` asks."""
    files: tuple[str, ...] = ()
    ask: bool = False


def read_vault(options: VaultOptions, environ: Mapping[str, str], ask: Ask) -> Vault:
    """The vault with all passwords that the options and the environment name, in their order.

    Raises UsageError for a file that can't be read, a program that fails, and an empty password.
    """
    return Vault(tuple(_passwords(options, environ, ask)))


def _passwords(options: VaultOptions, environ: Mapping[str, str], ask: Ask) -> Iterator[Password]:
    listed = filter(None, map(str.strip, environ.get(IDENTITIES, "").split(",")))
    for ident in (*listed, *options.ids):
        label, sign, source = ident.partition("@")
        if not sign:
            label, source = DEFAULT, ident
        yield _password(label or DEFAULT, source, ask)
    for name in (*options.files, *_named(environ)):
        yield _password(DEFAULT, name, ask)
    if options.ask:
        yield _password(DEFAULT, "prompt", ask)


def _named(environ: Mapping[str, str]) -> Iterable[str]:
    return [environ[name] for name in PASSWORD_FILES if environ.get(name)][:1]


def _password(label: str, source: str, ask: Ask) -> Password:
    if source in _ASKED:
        which = f"Vault password ({label})" if label != DEFAULT else "Vault password"
        secret = ask(which).encode()
    else:
        path = Path(source.removeprefix("@")).expanduser()
        secret = _of_program(path, label) if _runs(path) else _of_file(path)
    if not secret:
        raise UsageError(f"The vault password from {source} is empty")
    return Password(label, secret)


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _of_file(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"The vault password file {path} can't be read: {error.strerror}") from error


def _of_program(path: Path, label: str) -> bytes:
    """What a program prints. One whose name ends with `-client` is told the label."""
    words = [str(path.absolute())]
    if path.stem.endswith(_CLIENT):
        words += ["--vault-id", label]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # noqa: S603 (the operator's own program)
    except OSError as error:
        hint = "It is executable, so it is run; take that away when it holds the password itself (chmod -x)."
        raise UsageError(
            f"The program {path} for the vault password can't be run: {error}", hint=hint
        ) from error
    if done.returncode:
        raise UsageError(f"The program {path} for the vault password ended with code {done.returncode}")
    return done.stdout.strip(b"\r\n")


__all__ = ["Ask", "VaultOptions", "read_vault"]
