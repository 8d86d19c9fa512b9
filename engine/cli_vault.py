"""`runbook vault`: texts and files in the format of `ansible-vault`, by its words and options."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .cli_vault_options import ask_hidden, given_options, opened_vault, vault_options
from .errors import UsageError, nearest

if TYPE_CHECKING:
    from .vault import Password, Vault

F = TypeVar("F", bound=Callable[..., Any])

STREAM = "-"
"""The name of the standard input and output."""

ENCRYPT_IDENTITY = "ANSIBLE_VAULT_ENCRYPT_IDENTITY"

_files = click.argument("files", nargs=-1, type=click.Path())
_output = click.option("--output", metavar="FILE", help="Where it is written; - is the standard output.")
_identity = click.option(
    "--encrypt-vault-id", metavar="LABEL", help="Encrypt with the password of this label."
)


@click.group()
def vault() -> None:
    """Encrypt and decrypt files and texts, as ansible-vault does."""


@vault.command()
@_files
@vault_options
@_identity
@_output
def encrypt(files: Sequence[str], encrypt_vault_id: str | None, output: str | None, **given: Any) -> int:
    """Encrypt FILES in their place; without any, what is typed or piped in."""
    from .vault import is_sealed, seal

    password = _to_encrypt(_opened(given, new=True), encrypt_vault_id)
    for name in _names(files, output):
        content = _read(name)
        if is_sealed(content):
            raise UsageError(f"{_shown(name)} is encrypted already")
        _write(output or name, seal(content, password).encode(), like=name)
    _say("Encryption successful", files)
    return 0


@vault.command()
@_files
@vault_options
@_output
def decrypt(files: Sequence[str], output: str | None, **given: Any) -> int:
    """Decrypt FILES in their place; without any, what is piped in."""
    opened = _opened(given)
    for name in _names(files, output):
        _write(output or name, _plain(opened, name), like=name)
    _say("Decryption successful", files)
    return 0


@vault.command()
@_files
@vault_options
def view(files: Sequence[str], **given: Any) -> int:
    """Show what FILES hold."""
    opened = _opened(given)
    for name in _names(files):
        sys.stdout.buffer.write(_plain(opened, name))
    return 0


@vault.command()
@_files
@vault_options
@click.option("--new-vault-id", metavar="LABEL@SOURCE", help="The new password with its label.")
@click.option("--new-vault-password-file", metavar="FILE", help="The new password is here.")
def rekey(
    files: Sequence[str], new_vault_id: str | None, new_vault_password_file: str | None, **given: Any
) -> int:
    """Encrypt FILES with another password."""
    from .vault import seal
    from .vault_passwords import VaultOptions, read_vault

    if not files:
        raise UsageError("`vault rekey` needs a file")
    opened = _opened(given)
    plain = {name: _plain(opened, name) for name in files}
    ids = (new_vault_id,) if new_vault_id else ()
    named = (new_vault_password_file,) if new_vault_password_file else ()
    new = read_vault(VaultOptions(ids=ids, files=named, ask=not (ids or named)), {}, _ask_twice)
    for name, content in plain.items():
        _write(name, seal(content, new.passwords[0]).encode(), like=name)
    _say("Rekey successful", files)
    return 0


@vault.command()
@click.argument("file", type=click.Path())
@vault_options
@_identity
def edit(file: str, encrypt_vault_id: str | None, **given: Any) -> int:
    """Open FILE in EDITOR and encrypt what was written, with its password."""
    from .vault import parse, seal

    opened = _opened(given)
    before = _plain(opened, file)
    after = _edited(before, Path(file).suffix)
    if after != before:
        label = encrypt_vault_id or parse(_read(file).decode("ascii", "replace")).label
        known = {one.label: one for one in opened.passwords}
        password = known.get(label) or opened.passwords[0]
        _write(file, seal(after, password).encode(), like=file)
    return 0


@vault.command()
@click.argument("file", type=click.Path())
@vault_options
@_identity
def create(file: str, encrypt_vault_id: str | None, **given: Any) -> int:
    """Write a new FILE in EDITOR and encrypt it."""
    from .vault import seal

    if Path(file).exists():
        raise UsageError(f"{file} is there already", hint=f"runbook vault edit {file}")
    password = _to_encrypt(_opened(given, new=True), encrypt_vault_id)
    _write(file, seal(_edited(b"", Path(file).suffix), password).encode(), like=file)
    return 0


@vault.command("encrypt_string")
@click.argument("texts", nargs=-1)
@vault_options
@_identity
@_output
@click.option("-n", "--name", "names", multiple=True, help="The name of the variable; of each TEXT in turn.")
@click.option("--stdin-name", help="The name of the variable that is piped in.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the text.")
@click.option("--show-input", is_flag=True, help="Show what is typed.")
def encrypt_string(
    texts: Sequence[str],
    names: Sequence[str],
    stdin_name: str | None,
    encrypt_vault_id: str | None,
    output: str | None,
    prompt: bool,
    show_input: bool,
    **given: Any,
) -> int:
    """Encrypt TEXTS as values of YAML, ready to be pasted. `-` is what is piped in."""
    password = _to_encrypt(_opened(given, new=True), encrypt_vault_id)
    found: list[tuple[str | None, str]] = []
    if prompt:
        name = names[0] if names else None
        found.append((name, _asked_text("Text to encrypt", show=show_input)))
    if stdin_name is not None or STREAM in texts or not (texts or prompt):
        found.append((stdin_name, _read(STREAM).decode("utf-8", "surrogateescape")))
    plain = [text for text in texts if text != STREAM]
    found += [(names[at] if at < len(names) else None, text) for at, text in enumerate(plain)]
    shown = "\n".join(_as_yaml(name, text, password) for name, text in found)
    _write(output or STREAM, f"{shown}\n".encode(), like=STREAM)
    _say("Encryption successful", output)
    return 0


# ---------------------------------------------------------------- passwords


def _opened(given: Mapping[str, Any], *, new: bool = False) -> Vault:
    """The vault with the passwords that are named; when none is, the person is asked (twice for a new one)."""
    from .vault_passwords import VaultOptions, read_vault

    found = opened_vault(given_options(given))
    if found.passwords:
        return found
    return read_vault(VaultOptions(ask=True), {}, _ask_twice if new else ask_hidden)


def _ask_twice(prompt: str) -> str:
    first = ask_hidden(f"New {prompt[:1].lower()}{prompt[1:]}")
    if ask_hidden("Once more, to be sure") != first:
        raise UsageError("The two passwords are not the same")
    return first


def _to_encrypt(opened: Vault, label: str | None) -> Password:
    """Which of the passwords encrypts. Raises UsageError when that can't be told."""
    wanted = label or os.environ.get(ENCRYPT_IDENTITY)
    known = {one.label: one for one in reversed(opened.passwords)}
    if wanted is None and len(known) > 1:
        raise UsageError(
            f"Passwords with the labels {', '.join(sorted(known))} were given",
            hint="Say which one encrypts: --encrypt-vault-id LABEL.",
        )
    if wanted is not None and wanted not in known:
        hint = nearest(wanted, known) or f"There are: {', '.join(sorted(known))}."
        raise UsageError(f"No vault password was given for the label '{wanted}'", hint=hint)
    return known[wanted] if wanted is not None else opened.passwords[0]


# ---------------------------------------------------------------- texts and files


def _names(files: Sequence[str], output: str | None = None) -> Sequence[str]:
    if output is not None and len(files) > 1:
        raise UsageError("--output takes what one file holds, and several are named")
    return files or (STREAM,)


def _shown(name: str) -> str:
    return "The standard input" if name == STREAM else name


def _read(name: str) -> bytes:
    if name == STREAM:
        if sys.stdin.isatty():
            click.echo("Type the text; Ctrl-D ends it.", err=True)
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror}") from error


def _plain(opened: Vault, name: str) -> bytes:
    from .vault import is_sealed

    content = _read(name)
    if not is_sealed(content):
        raise UsageError(f"{_shown(name)} is not encrypted")
    return opened.read(content, _shown(name))


def _write(name: str, content: bytes, *, like: str) -> None:
    """Replace a file at once, with the mode that it had; a new one is private."""
    if name == STREAM:
        sys.stdout.buffer.write(content)
        return
    place = Path(name)
    place = place.resolve() if place.is_symlink() else place
    source = place if place.exists() else Path(like)
    mode = source.stat().st_mode & 0o7777 if like != STREAM and source.exists() else 0o600
    try:
        made, fresh = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(made, "wb") as file:
                file.write(content)
            Path(fresh).chmod(mode if place.exists() else 0o600)
            Path(fresh).replace(place)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{name} can't be written: {error.strerror}") from error


def _edited(content: bytes, suffix: str) -> bytes:
    """What a person makes of it in an editor; the file between is private and goes away."""
    with tempfile.TemporaryDirectory(prefix="runbook-vault-") as folder:
        place = Path(folder) / f"text{suffix}"
        place.touch(mode=0o600)
        place.write_bytes(content)
        click.edit(filename=str(place))
        return place.read_bytes()


def _asked_text(prompt: str, *, show: bool) -> str:
    return str(click.prompt(prompt)) if show else ask_hidden(prompt)


def _as_yaml(name: str | None, text: str, password: Password) -> str:
    from .vault import seal

    lines = seal(text.encode("utf-8", "surrogateescape"), password).splitlines()
    head = f"{name}: !vault |" if name else "!vault |"
    return "\n".join([head, *(f"          {line}" for line in lines)])


def _say(what: str, written: object) -> None:
    """A word for a person, when it does not stand in the way of the text itself."""
    if written and sys.stderr.isatty():
        click.echo(what, err=True)
