"""Vaults: the same format as ansible-vault's, both ways."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from runbook.errors import Position, VaultError
from runbook.vault import Password, Vault, is_sealed, parse, seal, unseal

PLAIN = """\
$ANSIBLE_VAULT;1.1;AES256
37376134373435623832663065353562393363376162316636666565383030666130353737633237
3634316661316366626235383332623434303432316565610a393333313466376635383462333864
34393831653562353836376638323663633736613164643632316637616639363463396161373137
3134663136306635370a316231316233656663336139666230363131303836356132616135326437
6230
"""
"""`ansible-vault encrypt_string hello` with the password `secret1`."""

LABELLED = """\
$ANSIBLE_VAULT;1.2;AES256;prod
33343564323538306436653662663831636636336361343562356263643430636362333036303633
6338663435323133336664646536663937323064343631330a663934303135663266656239316262
30623133323439616631336336303138643066306133313466646332323862663433373133363165
3161613033616432310a393964636531663465646236326236613062633236323931636163343161
3330
"""
"""`hello {{ x }}` with the vault id `prod` and the password `secret2`."""

ONE, PROD = Password("default", b"secret1"), Password("prod", b"secret2")
ORACLE = shutil.which("ansible-vault") or next(
    (str(path) for path in [Path("/tmp/ansible/bin/ansible-vault")] if path.exists()),  # noqa: S108
    None,
)


def test_texts_of_ansible_vault_are_opened() -> None:
    vault = Vault([ONE, PROD])
    assert vault.open(PLAIN) == b"hello"
    assert vault.open(LABELLED) == b"hello {{ x }}"
    assert vault.open(PLAIN.replace("\n", "\r\n  ")) == b"hello"


def test_the_label_is_only_a_hint_which_password_it_was() -> None:
    assert Vault([Password("other", b"nix"), Password("dev", b"secret2")]).open(LABELLED) == b"hello {{ x }}"


@pytest.mark.parametrize("plain", [b"", b"x", b"a" * 15, b"a" * 16, b"two\nlines\n", bytes(range(256))])
@pytest.mark.parametrize("password", [ONE, PROD])
def test_what_is_sealed_can_be_opened(plain: bytes, password: Password) -> None:
    text = seal(plain, password)
    assert Vault([password]).open(text) == plain
    assert max(map(len, text.splitlines())) == 80
    assert text.endswith("\n")
    header = "$ANSIBLE_VAULT;1.1;AES256" if password is ONE else "$ANSIBLE_VAULT;1.2;AES256;prod"
    assert text.splitlines()[0] == header


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert seal(b"x", ONE) != seal(b"x", ONE)


def test_another_password_is_told_with_its_label() -> None:
    with pytest.raises(VaultError, match=r"(?s)v.yml:3:4: .*vault id 'prod'.*given for: default"):
        Vault([ONE]).open(LABELLED, Position("v.yml", 3, 4))


def test_no_password_says_how_to_give_one() -> None:
    with pytest.raises(VaultError, match=r"(?s)no vault password was given.*--vault-password-file"):
        Vault().open(PLAIN)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "no text of a vault"),
        ("", "no text of a vault"),
        ("$ANSIBLE_VAULT;1.0;AES\n00\n", "'1.0;AES' can't be opened"),
        (PLAIN[:-8], "damaged"),
        (PLAIN.replace("37", "3z"), "damaged"),
        ("$ANSIBLE_VAULT;1.1;AES256\n", "damaged"),
    ],
)
def test_what_is_damaged_is_told(text: str, problem: str) -> None:
    with pytest.raises(VaultError, match=problem):
        Vault([ONE]).open(text)


def test_a_changed_ciphertext_is_not_opened() -> None:
    sealed = parse(PLAIN)
    changed = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    assert unseal(parse(PLAIN), b"secret1") == b"hello"
    assert unseal(type(sealed)("", sealed.salt, sealed.mac, changed), b"secret1") is None


def test_files_that_are_no_vault_are_as_they_are() -> None:
    assert Vault().read(b"\x00plain", "f") == b"\x00plain"
    assert Vault([ONE]).read(PLAIN.encode(), "f") == b"hello"
    assert is_sealed(PLAIN)
    assert not is_sealed(b"\xff")


def test_the_secret_is_not_in_the_text_of_a_password() -> None:
    assert "secret1" not in repr(ONE)


@pytest.mark.skipif(ORACLE is None, reason="ansible-vault is not here")
@pytest.mark.parametrize("password", [ONE, PROD])
def test_ansible_vault_opens_ours_and_we_its(password: Password, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(password.secret + b"\n")
    ident = f"--vault-id={password.label}@{tmp_path}/password"
    text = "a: grüße\nb: {{ c }}\n"
    (tmp_path / "ours").write_text(seal(text.encode(), password))
    (tmp_path / "theirs").write_text(text)

    shown = subprocess.run([str(ORACLE), "view", ident, tmp_path / "ours"], capture_output=True, check=True)
    subprocess.run([str(ORACLE), "encrypt", ident, tmp_path / "theirs"], capture_output=True, check=True)

    assert shown.stdout.decode() == text
    assert Vault([password]).open((tmp_path / "theirs").read_text()).decode() == text
