"""Folders of variables: one file, or one folder of files, for each name."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import LoadError
from runbook.varfiles import VarFolder
from runbook.yamlfile import YamlFile


def names(folder: Path, name: str) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in VarFolder(folder).files(name)]


@pytest.mark.parametrize("ending", ["", ".yml", ".yaml", ".json"])
def test_a_file_may_have_any_of_the_endings(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"web{ending}").write_text("a: 1\n")
    (tmp_path / "web.txt").write_text("not: this\n")
    files: list[YamlFile] = []
    assert VarFolder(tmp_path).read("web", files) == {"a": 1}
    assert [file.path for file in files] == [str(tmp_path / f"web{ending}")]


def test_files_of_a_folder_are_read_in_order_and_the_later_wins(tmp_path: Path) -> None:
    for name, text in {
        "b.yml": "x: b\n",
        "a.yml": "x: a\ny: a\n",
        "deep/c.json": '{"z": 1}',
        ".git/d.yml": "x: no\n",
    }.items():
        (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / name).write_text(text)
    (tmp_path / "web" / "notes.txt").write_text("x: [")
    assert names(tmp_path, "web") == ["web/a.yml", "web/b.yml", "web/deep/c.json"]
    assert VarFolder(tmp_path).read("web", []) == {"x": "b", "y": "a", "z": 1}


def test_of_two_claims_to_a_name_the_first_counts_and_the_other_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.yml").touch()
    (tmp_path / "web").mkdir()
    folder = VarFolder(tmp_path)
    assert folder.files("web") == []
    assert [str(tmp_path / "web.yml") in warning.message for warning in folder.warnings] == [True]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    folder = VarFolder(tmp_path / "none")
    assert not folder
    assert folder.files("web") == []


def test_a_broken_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.yml").symlink_to(tmp_path / "gone")
    with pytest.raises(LoadError, match="There is no file"):
        VarFolder(tmp_path).read("web", [])
