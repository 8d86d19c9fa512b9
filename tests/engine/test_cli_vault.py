"""`runbook vault`: files and texts in ansible-vault's format."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from runbook.vault import Password, Vault, seal

from tests.support.cli import Desk

ONE, TWO = Password("default", b"first"), Password("prod", b"second")
PASSWORD = "--vault-password-file=one"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "one").write_text("first\n")
    (tmp_path / "two").write_text("second\n")
    (tmp_path / "f.yml").write_text("a: 1\n")
    return Desk(tmp_path)


def opened(path: Path, password: Password = ONE) -> bytes:
    return Vault([password]).open(path.read_text())


def test_a_file_there_and_back_with_its_mode(desk: Desk) -> None:
    file = desk.folder / "f.yml"
    file.chmod(0o640)
    assert desk.run("vault", "encrypt", PASSWORD, "f.yml").code == 0
    assert opened(file) == b"a: 1\n"
    assert desk.run("vault", "view", PASSWORD, "f.yml").stdout == "a: 1\n"
    assert desk.run("vault", "decrypt", PASSWORD, "f.yml").code == 0
    assert file.read_text() == "a: 1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(one.name for one in desk.folder.iterdir()) == ["f.yml", "one", "two"]


def test_another_password(desk: Desk) -> None:
    file = desk.folder / "f.yml"
    file.write_text(seal(b"a: 1\n", ONE))
    assert desk.run("vault", "rekey", PASSWORD, "--new-vault-id=prod@two", "f.yml").code == 0
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert opened(file, TWO) == b"a: 1\n"


def test_texts_ready_to_be_pasted(desk: Desk) -> None:
    ended = desk.run("vault", "encrypt_string", PASSWORD, "--name=a", "x", "y")
    first, second = ended.stdout.split("!vault |\n")[1:]
    assert ended.stdout.startswith("a: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n")
    assert [Vault([ONE]).open(text) for text in (first, second)] == [b"x", b"y"]


def test_which_password_encrypts_must_be_said(desk: Desk) -> None:
    both = ("--vault-id=dev@one", "--vault-id=prod@two")
    refused = desk.run("vault", "encrypt", *both, "f.yml")
    assert (refused.code, "--encrypt-vault-id LABEL" in refused.stderr) == (1, True)
    assert desk.run("vault", "encrypt", *both, "--encrypt-vault-id=prod", "f.yml").code == 0
    assert opened(desk.folder / "f.yml", TWO) == b"a: 1\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("decrypt f.yml", "f.yml is not encrypted"),
        ("view gone", "gone can't be read"),
        ("create f.yml", "is there already"),
        ("encrypt f.yml one --output x", "--output takes what one file holds"),
    ],
)
def test_what_can_not_be_done_is_told(desk: Desk, words: str, problem: str) -> None:
    ended = desk.run("vault", words.split()[0], PASSWORD, *words.split()[1:])
    assert ended.code == 1
    assert problem in ended.stderr
    assert (desk.folder / "f.yml").read_text() == "a: 1\n"


def test_a_play_with_a_vaulted_variable(desk: Desk) -> None:
    value = "".join(f"        {line}\n" for line in seal(b"hunter22", ONE).splitlines())
    (desk.folder / "site.yml").write_text(
        f"- hosts: localhost\n  vars:\n    pw: !vault |\n{value}"
        "  tasks:\n  - assert: {that: pw == 'hunter22'}\n  - shell: 'echo {{ pw }}'\n"
    )
    ended = desk.run("play", "site.yml", PASSWORD, "-v")
    assert ended.code == 0
    assert "hunter22" not in ended.stdout
    assert "********" in ended.stdout
    refused = desk.run("play", "site.yml", "--fresh")
    assert refused.code == 2
    assert "site.yml:3:9: This is encrypted, and no vault password was given" in refused.stdout
