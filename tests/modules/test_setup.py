"""`setup` and `gather_facts`: which facts, of whom, in which shape."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from tests.support.plays import Folder, Played


def play(folder: Folder, tasks: str, **options: object) -> Played:
    lines = "\n".join(f"    {line}" for line in tasks.strip().splitlines())
    return folder.play(f"- hosts: all\n  gather_facts: false\n  tasks:\n{lines}\n", **options)


def test_facts_are_gathered_kept_and_filtered(folder: Folder) -> None:
    folder.inventory = "localhost,"
    played = play(
        folder,
        """
- {name: all, setup: , register: r}
- {name: subset, setup: {gather_subset: "!all,!min,user"}}
- {name: some, gather_facts: {filter: [nodename, "ansible_user_*"]}}
- {name: none, setup: {filter: nothing}}
- {name: kept, debug: {msg: "{{ ansible_nodename }} {{ ansible_facts.nodename }} {{ r is changed }}"}}
- {name: wrong, setup: {gather_subset: [hardwear]}, ignore_errors: true}
""",
    )
    facts = played.outcome("all").result["ansible_facts"]
    assert facts["ansible_nodename"] == platform.node()
    assert facts["gather_subset"] == ["all"]
    assert facts["module_setup"] is True
    subset = played.outcome("subset").result["ansible_facts"]
    assert subset["ansible_user_uid"] == os.getuid()
    assert "ansible_nodename" not in subset
    some = played.outcome("some").result["ansible_facts"]
    assert {"ansible_nodename", "ansible_user_id"} < set(some)
    assert "gather_subset" not in some
    assert played.outcome("none").result["ansible_facts"] == {}
    assert played.message("kept") == f"{platform.node()} {platform.node()} False"
    assert "Bad subset 'hardwear'" in played.message("wrong")


def test_the_machines_own_facts(folder: Folder, tmp_path: Path) -> None:
    folder.inventory = "localhost,"
    for name, text, mode in (
        ("ini.fact", "[one]\nkey=value\n", 0o644),
        ("json.fact", '{"list": [1, 2]}', 0o644),
        ("run.fact", "#!/bin/sh\necho '{\"said\": true}'\n", 0o755),
        ("bad.fact", "what is this", 0o644),
        ("fails.fact", "#!/bin/sh\nexit 3\n", 0o755),
        ("no.txt", "x", 0o644),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    played = play(folder, f"- {{name: own, setup: {{fact_path: {tmp_path}, filter: ansible_local}}}}")
    found = played.outcome("own").result["ansible_facts"]["ansible_local"]
    assert found["ini"] == {"one": {"key": "value"}}
    assert found["json"] == {"list": [1, 2]}
    assert found["run"] == {"said": True}
    assert found["bad"].startswith("error loading facts as JSON or ini")
    assert found["fails"].startswith("Failure executing fact script")
    assert "no" not in found
    assert "rc: 3" in played.notices


def test_another_host_has_no_facts_and_no_error(folder: Folder) -> None:
    folder.inventory = "far,"
    played = play(folder, "- {name: asked, setup: }")
    assert played.code == 0
    assert played.outcome("asked").result["ansible_facts"] == {}
    assert "'far' is not this machine" in played.notices


def test_secrets_of_the_environment_stay_secret(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.inventory = "localhost,"
    monkeypatch.setenv("DB_PASSWORD", "tr0ub4dor")
    played = play(
        folder,
        """
- {name: env, setup: {gather_subset: ["!all", "!min", env]}}
- {name: used, assert: {that: ansible_env.DB_PASSWORD == 'tr0ub4dor'}}
""",
    )
    assert played.code == 0
    assert repr(played.outcome("env").result["ansible_facts"]["ansible_env"]["DB_PASSWORD"]) == "********"
