"""A run put together from real parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.assembly import View, load, play, rehearsal
from runbook.errors import UsageError
from runbook.inventory import load_inventory
from runbook.options import Options

SIMPLE = "- {hosts: localhost, tasks: [{name: hello, debug: {msg: hi}}, {name: act, command: 'true'}]}\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "site.yml"
    file.write_text(SIMPLE)
    return file


def test_without_an_inventory_the_sandbox_is_the_target(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("colour: red\n")
    variables = rehearsal(load_inventory((), playbook_dir=tmp_path)).hosts["localhost"].vars

    assert variables["aws"] == {"endpoint_url": "sandbox"}
    assert variables["colour"] == "red"


def test_a_library_beside_the_playbook_is_used(book: Path) -> None:
    library = book.parent / "library"
    library.mkdir()
    (library / "odd.py").write_text("")

    assert "odd" in load([str(book)], ()).registry.names()


def test_a_dry_run_leaves_no_state_file(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = book.parent / "state" / "state.db"

    assert play(load([str(book)], ()), Options(check=True), state, View()) == (0, True)
    assert not state.parent.exists()
    assert "Dry run done" in capsys.readouterr().out
    assert play(load([str(book)], ()), Options(), state, View(json=True)) == (0, True)
    assert state.exists()
    assert capsys.readouterr().out.startswith('{"event":"run_started"')


def test_warnings_of_the_playbook_are_told(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book.write_text("- {hosts: localhost, tasks: [{debug: {}, when: '{{ true }}'}]}\n")
    play(load([str(book)], ()), Options(check=True), Path(), View())

    assert "site.yml:1:" in capsys.readouterr().out


def test_a_first_task_that_is_not_there_is_told_before_anything_runs(book: Path) -> None:
    with pytest.raises(UsageError, match="There is no task 'nix' to start at"):
        play(load([str(book)], ()), Options(start_at="nix"), book.parent / "state.db", View())
    assert not (book.parent / "state.db").exists()
