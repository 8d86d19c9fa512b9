"""Encrypted values and files: opened when they are read, secret from then on, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.errors import LoadError, VaultError
from runbook.inventory import load_inventory
from runbook.inventory_list import as_json
from runbook.inventory_view import View
from runbook.scope import VariableScope
from runbook.secrets import Masker
from runbook.source import Source
from runbook.template import Templates
from runbook.values import Expression, Secret, Template, Vaulted
from runbook.varfiles import load_vars, vars_of
from runbook.vault import Password, Vault, seal
from runbook.yamlfile import YamlFile, read_yaml

PASSWORD = Password("default", b"secret1")
VAULT = Vault([PASSWORD])


def sealed(text: str, indent: str = "  ") -> str:
    return "".join(f"{indent}{line}\n" for line in seal(text.encode(), PASSWORD).splitlines())


def variables(text: str) -> dict[str, Any]:
    file = YamlFile(Source("v.yml", text))
    assert file.root is not None
    found: dict[str, Any] = file.value(file.root)
    assert file.settled() == []
    return found


def scope(text: str, vault: Vault = VAULT, masker: Masker | None = None) -> VariableScope:
    return VariableScope(Templates(vault=vault, masker=masker), [variables(text)])


@pytest.mark.parametrize("tag", ["!vault", "!vault-encrypted"])
def test_a_value_is_opened_when_it_is_read(tag: str) -> None:
    found = scope(f"a: {tag} |\n{sealed('hello')}b: '{{{{ a }}}} you'\n")
    a, b = found.get("a"), found.get("b")
    assert (type(a), Secret.reveal(a), a.origin) == (Secret, "hello", "vault text v.yml:1:4")
    assert (type(b), Secret.reveal(b)) == (Secret, "hello you")
    assert found.evaluate(Expression("a == 'hello' and a | length == 5 and 'ell' in a")) is not False


def test_its_text_is_data() -> None:
    assert Secret.reveal(scope(f"a: !vault |\n{sealed('{{ x }}')}").get("a")) == "{{ x }}"


def test_it_is_masked_from_then_on() -> None:
    masker = Masker()
    found = scope(f"a: !vault |\n{sealed('hello')}", masker=masker)
    assert masker.mask("hello") == "hello"
    found.get("a")
    assert masker.mask("say hello") == "say ********"


def test_without_a_password_only_its_use_fails() -> None:
    found = scope(f"a: {{user: me}}\nb:\n  user: me\n  pass: !vault |\n{sealed('x', '    ')}", Vault())
    assert found.evaluate(Expression("b.user")) == "me"
    with pytest.raises(VaultError, match=r"(?s)v.yml:4:9: .*no vault password.*--ask-vault-pass"):
        found.evaluate(Expression("b.pass ~ 'x'"))


def test_a_value_that_is_no_vault_is_told_at_load() -> None:
    file = YamlFile(Source("v.yml", "a: !vault hello\n"))
    assert file.root is not None
    file.value(file.root)
    assert [p.message for p in file.settled()] == ["'!vault' holds no text of a vault"]


class TestFiles:
    def write(self, path: Path, text: str) -> Path:
        path.write_text(seal(text.encode(), PASSWORD))
        return path

    def test_all_values_of_a_file_of_variables_are_secret(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "v.yml", "a: x\nb: [1, {c: '{{ a }}'}]\nd: true\ne:\n")
        found = load_vars(str(path), vault=VAULT)
        assert Secret.reveal(found["a"]) == "x"
        assert Secret.reveal(found["b"][1]["c"]) == Template("{{ a }}")
        assert (found["d"], found["e"]) == (True, None)
        read = VariableScope(Templates(vault=VAULT), [found])
        assert Secret.reveal(read.evaluate(Expression("b[1].c"))) == "x"

    def test_its_lines_are_not_shown_in_problems(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "v.yml", "ok: 1\npassword: !nix hunter2\n")
        with pytest.raises(LoadError, match=r"v\.yml:2:11: The YAML tag") as caught:
            load_vars(str(path), vault=VAULT)
        assert "hunter2" not in str(caught.value)

    def test_a_missing_password_is_told_with_the_file(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "v.yml", "a: x\n")
        with pytest.raises(LoadError, match=r"v.yml:1:1: This is encrypted, and no vault password was given"):
            load_vars(str(path), vault=Vault())

    def test_inventories_and_their_folders_of_variables(self, tmp_path: Path) -> None:
        hosts = self.write(tmp_path / "hosts", "h a=1\n[g]\nh\n[g:vars]\nb=2\nansible_group_priority=3\n")
        (tmp_path / "group_vars").mkdir()
        self.write(tmp_path / "group_vars" / "g.yml", "c: 3\n")
        (tmp_path / "host_vars").mkdir()
        (tmp_path / "host_vars" / "h").write_text(f"d: !vault |\n{sealed('4')}")
        found = load_inventory([str(hosts)], vault=VAULT)
        read = {name: found.hosts["h"].vars[name] for name in "abcd"}
        assert [Secret.reveal(read[name]) for name in "abc"] == [1, 2, 3]
        assert isinstance(read["d"], Vaulted)
        assert '"__ansible_vault": "$ANSIBLE_VAULT' in as_json(View(inventory=found))
        assert '"a": "********"' in as_json(View(inventory=found))


def test_lint_which_has_no_password_finds_nothing_in_ciphertext(tmp_path: Path) -> None:
    (tmp_path / "v.yml").write_text(seal(b"a: 1\n", PASSWORD))
    file = read_yaml(str(tmp_path / "v.yml"))
    assert (vars_of(file), file.settled()) == ({}, [])
    with pytest.raises(LoadError, match="no vault password was given"):
        load_vars(str(tmp_path / "v.yml"))
