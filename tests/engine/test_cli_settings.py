"""`ansible.cfg`: which of its settings are followed, from where its paths count, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.cli_settings import read_settings
from runbook.errors import UsageError


def test_settings_are_defaults_of_options_and_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text(
        """
[defaults]
roles_path = ./roles:/other/roles
inventory = inv/hosts,more
library = lib
force_handlers = True
forks = 7
vault_identity_list = a@x, b@y
; host_key_checking = False
[diff]
always = yes
[tags]
run = one, two
"""
    )
    found = read_settings({}, tmp_path)

    assert found is not None
    assert found.warnings == ()
    assert found.options == {
        "roles_path": [str(tmp_path / "roles"), "/other/roles"],
        "inventory": [str(tmp_path / "inv/hosts"), str(tmp_path / "more")],
        "module_path": [str(tmp_path / "lib")],
        "force_handlers": True,
        "forks": 7,
        "vault_ids": ["a@x", "b@y"],
        "diff": True,
        "tags": ["one", "two"],
    }


def test_the_environment_may_name_the_file_or_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ansible.cfg").write_text("[defaults]\ninventory = web1,\n")
    for named in ("sub", "sub/ansible.cfg"):
        found = read_settings({"ANSIBLE_CONFIG": named}, tmp_path)
        assert found is not None
        assert found.options == {"inventory": ["web1,"]}
    assert read_settings({}, tmp_path) is None


def test_what_would_change_a_playbooks_meaning_and_is_not_followed_is_told(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nhash_behaviour = merge\ngathering = implicit\n")
    found = read_settings({}, tmp_path)
    assert found is not None
    assert len(found.warnings) == 1
    assert "hash_behaviour = merge" in found.warnings[0]


@pytest.mark.parametrize("text", ["no section", "[defaults]\nforks = many\n"])
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "ansible.cfg").write_text(text)
    with pytest.raises(UsageError, match=r"ansible\.cfg can't be read"):
        read_settings({}, tmp_path)
