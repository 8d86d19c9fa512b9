"""Options mean the same wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.cli import cli
from runbook.cli_options import SANDBOX_INVENTORY, inventory_sources


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNBOOK_INVENTORY", raising=False)


def test_the_sandbox_is_the_target_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inventory_sources([]) == ()
    SANDBOX_INVENTORY.parent.mkdir()
    SANDBOX_INVENTORY.write_text("")
    assert inventory_sources([]) == (str(SANDBOX_INVENTORY),)
    monkeypatch.setenv("RUNBOOK_INVENTORY", "mine.yml")
    assert inventory_sources([]) == ("mine.yml",)
    assert inventory_sources(["a", "b,"]) == ("a", "b,")


COMMON = {
    "play": "-i -l -e -t --skip-tags --start-at-task -f --assume --state -D -v --output -C --fresh --list-tasks "
    "--list-hosts --list-tags --syntax-check",
    "plan": "-i -l -e -t --skip-tags --start-at-task --state -D -v --output --detailed-exitcode",
    "resume": "-e -f --assume --state -D -v --output",
    "runs": "--state --output --salvage",
    "doc": "-t --json",
    "schema": "",
    "lint": "--format --config --rules",
    "inventory": "-i -l -e --list --host --graph --vars -y --export --playbook-dir",
    "sandbox": "",
}


@pytest.mark.parametrize("command", sorted(COMMON))
def test_each_command_has_its_options(command: str) -> None:
    known = {option for p in cli.commands[command].params for option in p.opts if option.startswith("-")}

    assert set(COMMON[command].split()) <= known
