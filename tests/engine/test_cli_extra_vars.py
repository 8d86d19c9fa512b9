"""`-e`: its forms, its mistakes, and what of it is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.cli_extra_vars import read_extra_vars
from runbook.errors import RunbookError
from runbook.values import Secret, Template


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", {"a": "1"}),
        ("", {}),
        ("a=1 b='two words' c=\"x=y\"", {"a": "1", "b": "two words", "c": "x=y"}),
        ("a=", {"a": ""}),
        ("a=b:c", {"a": "b:c"}),
        ("a='b: c'", {"a": "b: c"}),
        ("url=http://x/?q={{ a }}", {"url": Template("http://x/?q={{ a }}")}),
        ('{"a": 1, "b": [true]}', {"a": 1, "b": [True]}),
        ("{a: 1, b: x=y}", {"a": 1, "b": "x=y"}),
        ("a: 1", {"a": 1}),
        ("a:\n  - 1\n", {"a": [1]}),
    ],
)
def test_forms(text: str, values: dict[str, Any]) -> None:
    assert read_extra_vars([text]).values == values


def test_files_and_the_last_one_wins(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("a: 1\nb: {c: 2}\n")

    assert read_extra_vars(["a=0", f"@{file}", "b=3"]).values == {"a": 1, "b": "3"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nix", "-e 'nix' is no variable\n  Write name=value, {name: value} or @file."),
        ("2a=1", "-e '2a=1' is no variable\n  Write name=value, {name: value} or @file."),
        (
            "a='x",
            '-e "a=\'x" is no variable\n  A quote or a brace stays open. Write name=value, {name: value} or @file.',
        ),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(RunbookError) as refused:
        read_extra_vars([text])
    assert str(refused.value) == message


def test_a_wrong_template_is_shown_where_it_stands() -> None:
    with pytest.raises(RunbookError) as refused:
        read_extra_vars(["a=1 b={{ x | }}"])
    first, line, _mark, *_ = str(refused.value).split("\n")
    assert first.startswith("-e:1:")
    assert line == "  1 | a=1 b={{ x | }}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunbookError, match=r"nix\.yml"):
        read_extra_vars([f"@{tmp_path}/nix.yml"])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a=1", "a=1"),
        ("db_password=hunter2", "db_password=********"),
        ("a=1 db_password=hunter2", "a=******** db_password=********"),
        ("{db: {password: hunter2}}", "db=********"),
        ("password={{ lookup('env', 'X') }}", "password=********"),
    ],
)
def test_a_secret_is_not_written_down(text: str, written: str) -> None:
    extra = read_extra_vars([text])

    assert extra.texts == (written,)
    assert "hunter2" not in repr(extra)
    assert set(read_extra_vars(extra.texts).withheld) == ({*extra.values} if "*" in written else set())


def test_a_file_is_named_and_its_secrets_are_boxed(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("password: hunter2\n")
    extra = read_extra_vars([f"@{file}"])

    assert extra.texts == (f"@{file}",)
    assert isinstance(extra.values["password"], Secret)
    assert extra.withheld == ()
