"""Files that arguments name are looked for beside the playbook."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from runbook.contract import TemplateSyntax
from runbook.errors import Failed
from runbook.playbook_files import PlaybookFiles, placed
from runbook.scope import VariableScope
from runbook.template import Templates


@pytest.fixture
def files(tmp_path: Path) -> PlaybookFiles:
    for name in ("files", "templates"):
        (tmp_path / name).mkdir()
    templates = Templates(tmp_path)
    return PlaybookFiles(tmp_path, templates, VariableScope(templates, [{"who": "you"}]))


def test_a_file_in_its_folder_wins_over_one_beside_the_playbook(files: PlaybookFiles) -> None:
    (files.base / "a.txt").write_bytes(b"beside")
    assert files.local("a.txt").content == b"beside"
    (files.base / "files" / "a.txt").write_bytes(b"in files")
    found = files.local("a.txt")

    assert found.content == b"in files"
    assert found.path == str(files.base / "files" / "a.txt")


def test_a_file_is_data_and_a_template_is_rendered(files: PlaybookFiles) -> None:
    (files.base / "files" / "t").write_text("hi {{ who }}")
    (files.base / "templates" / "t").write_text("hi {{ who }}")

    assert files.local("t").content == b"hi {{ who }}"
    assert files.rendered("t").text == "hi you"


def test_a_file_or_folder_is_found_and_keeps_its_slash(files: PlaybookFiles) -> None:
    (files.base / "files" / "tree").mkdir()

    assert files.find("tree") == str(files.base / "files" / "tree")
    assert files.find("tree/") == str(files.base / "files" / "tree") + os.sep
    with pytest.raises(Failed, match="Could not find or access 'tree'"):
        files.find("tree", "templates")


def test_a_template_may_have_marks_and_line_ends_of_its_own(files: PlaybookFiles) -> None:
    (files.base / "templates" / "t").write_text(
        "  <% if who %>\n<< who >> {{ who }}\n  <% endif %>\n{# no #}\n"
    )
    syntax = TemplateSyntax(
        newline_sequence="\r\n",
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
    )
    assert files.render("t", "/out", syntax).text == "you {{ who }}\r\n"


def test_a_template_knows_itself(files: PlaybookFiles) -> None:
    (files.base / "templates" / "t").write_text(
        "{{ template_path }} {{ template_destpath }} {{ ansible_managed }}"
    )

    assert files.render("t", "/out", TemplateSyntax()).text == "t /out Ansible managed"


def test_an_absolute_path_is_taken_as_it_is(files: PlaybookFiles, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")

    assert files.local(str(tmp_path / "x")).content == b"x"


def test_what_is_not_there_is_told_with_where_it_was_looked_for(files: PlaybookFiles) -> None:
    with pytest.raises(Failed) as refused:
        files.rendered("nix.j2")
    base = files.base
    assert str(refused.value) == (
        f"Could not find or access 'nix.j2' (looked at {base / 'templates' / 'nix.j2'} and {base / 'nix.j2'})"
    )


def test_a_template_that_is_no_text(files: PlaybookFiles) -> None:
    (files.base / "templates" / "bad").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(Failed, match="Can't read the template"):
        files.rendered("bad")


def test_a_place_need_not_be_there(tmp_path: Path) -> None:
    assert placed(tmp_path, "out/x").path == str(tmp_path / "out" / "x")
    assert placed(tmp_path, "out/").path.endswith(f"out{os.sep}")
