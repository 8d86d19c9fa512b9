"""The options that give vault passwords, as Ansible users know them."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .errors import UsageError

if TYPE_CHECKING:
    from .vault import Vault
    from .vault_passwords import VaultOptions

F = TypeVar("F", bound=Callable[..., Any])


def vault_options(function: F) -> F:
    """`--vault-id`, `--vault-password-file`, `--ask-vault-pass`."""
    for decorate in (
        click.option(
            "-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault_pass", is_flag=True,
            help="Ask for the vault password.",
        ),
        click.option(
            "--vault-password-file", "--vault-pass-file", "vault_password_files", multiple=True, metavar="FILE",
            help="The vault password is here; a program prints it.",
        ),
        click.option(
            "--vault-id", "vault_ids", multiple=True, metavar="LABEL@SOURCE",
            help="A vault password with its label; the source is a file, a program or `prompt`.",
        ),
    ):  # fmt: skip
        function = decorate(function)
    return function


def given_options(given: Mapping[str, Any]) -> VaultOptions:
    """What the options say."""
    from .vault_passwords import VaultOptions

    return VaultOptions(
        ids=given["vault_ids"], files=given["vault_password_files"], ask=given["ask_vault_pass"]
    )


def opened_vault(options: VaultOptions) -> Vault:
    """The vault with all passwords of the options and of the environment. Raises UsageError."""
    from .vault_passwords import read_vault

    return read_vault(options, os.environ, ask_hidden)


def ask_hidden(prompt: str) -> str:
    """What is typed, without an echo. Raises UsageError without a terminal, click.Abort when it is interrupted."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{prompt}: nobody can be asked", hint="--vault-password-file FILE asks nobody.")
    try:
        return getpass.getpass(f"{prompt}: ")
    except (EOFError, KeyboardInterrupt):
        raise click.Abort from None
