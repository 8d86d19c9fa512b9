"""Vault passwords come from files, programs and questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from runbook.errors import UsageError
from runbook.vault_passwords import VaultOptions, read_vault


def nobody(prompt: str) -> str:
    raise AssertionError(prompt)


def read(options: VaultOptions, environ: Mapping[str, str] | None = None) -> list[tuple[str, bytes]]:
    return [(p.label, p.secret) for p in read_vault(options, environ or {}, nobody).passwords]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").write_text("first\n")
    (tmp_path / "two").write_text(" second \n\n")
    for name, text in (("prog", "echo told"), ("my-client.sh", 'echo "$1=$2"'), ("bad", "exit 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_files_with_and_without_a_label() -> None:
    options = VaultOptions(ids=("dev@one", "two", "@one"), files=("two",))
    assert read(options) == [
        ("dev", b"first"), ("default", b"second"), ("default", b"first"), ("default", b"second"),
    ]  # fmt: skip


def test_a_program_prints_it_and_a_client_is_told_the_label() -> None:
    options = VaultOptions(ids=("dev@prog", "prod@my-client.sh"))
    assert read(options) == [("dev", b"told"), ("prod", b"--vault-id=prod")]


def test_the_environment_names_them_too() -> None:
    environ = {"ANSIBLE_VAULT_PASSWORD_FILE": "one", "ANSIBLE_VAULT_IDENTITY_LIST": "a@two, b@one"}
    assert read(VaultOptions(), environ) == [("a", b"second"), ("b", b"first"), ("default", b"first")]
    assert read(VaultOptions(), {**environ, "RUNBOOK_VAULT_PASSWORD_FILE": "two"})[-1] == (
        "default",
        b"second",
    )


def test_a_person_is_asked_with_the_label() -> None:
    asked = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    vault = read_vault(VaultOptions(ids=("dev@prompt",), ask=True), {}, ask)
    assert [p.secret for p in vault.passwords] == [b"typed", b"typed"]
    assert asked == ["Vault password (dev)", "Vault password"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("gone", "can't be read: No such file"), ("bad", "ended with code 3"), ("empty", "is empty")],
)
def test_what_gives_none_is_told(here: Path, name: str, problem: str) -> None:
    (here / "empty").touch()
    with pytest.raises(UsageError, match=problem):
        read(VaultOptions(files=(name,)))
