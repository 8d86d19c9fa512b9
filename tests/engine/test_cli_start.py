"""How a run was started comes back from the state file exactly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from runbook.cli_extra_vars import read_extra_vars
from runbook.cli_start import Start, again, go_back, read_start, unfinished
from runbook.errors import UsageError

from tests.support.plays import Folder

FULL = Start(
    playbooks=("-odd name.yml", "b.yml"),
    inventory=("a b.yml", "x,y"),
    extra_vars=("play=play", "--limit=1"),
    limit="web:!db",
    tags=("a,b", "c"),
    skip_tags=("d",),
    start_at_task="1. play",
    connection="local",
    module_path=("lib", "lib two"),
    forks=7,
    force_handlers=True,
    vault_ids=("dev@one",),
    vault_password_files=("two",),
    ask_vault_pass=True,
)


@pytest.mark.parametrize("start", [FULL, Start(playbooks=("p.yml",))])
def test_what_is_written_is_read(start: Start) -> None:
    assert read_start(start.words()) == start


def test_the_words_are_a_command_line() -> None:
    assert Start(playbooks=("p.yml",), limit="web").words() == (
        "play",
        "p.yml",
        "--limit",
        "web",
        "--forks",
        "50",
    )


@pytest.mark.parametrize(
    "words", [(), ("play",), ("resume", "r"), ("play", "p", "--nix", "1"), ("play", "p", "-f")]
)
def test_other_words_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="does not tell how this run was started"):
        read_start(words)


def test_a_value_that_was_not_kept_must_be_given_again() -> None:
    kept = read_extra_vars(read_extra_vars(["a=1", "password=hunter2"]).texts)

    with pytest.raises(UsageError) as refused:
        again("r1", kept, read_extra_vars([]))
    assert str(refused.value) == (
        "Run r1 was started with password by `-e`, and the state file keeps no secrets\n"
        "  Give it again: runbook resume r1 -e password=..."
    )
    values = again("r1", kept, read_extra_vars(["password=hunter2", "a=2"])).values
    assert values["a"] == "2"
    assert repr(values["password"]) == "********"


def test_the_last_unfinished_run_is_found(folder: Folder) -> None:
    with pytest.raises(UsageError, match="There is no state file"):
        unfinished(folder.state, None)
    done = folder.play("- {hosts: localhost, tasks: [{debug: {}}]}").finished.run
    with pytest.raises(UsageError, match=r"All runs in .* are finished"):
        unfinished(folder.state, None)
    first = folder.play("- {hosts: localhost, tasks: [{fail: {}}]}").finished.run
    last = folder.play(fresh=True).finished.run

    assert unfinished(folder.state, None).run == last
    assert unfinished(folder.state, first).run == first
    with pytest.raises(UsageError, match=f"Run {done} is finished"):
        unfinished(folder.state, done)
    with pytest.raises(UsageError, match="There is no run 'nix'"):
        unfinished(folder.state, "nix")


@pytest.fixture
def here() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.mark.usefixtures("here")
def test_a_run_goes_on_in_its_own_folder(folder: Folder, tmp_path: Path) -> None:
    folder.play("- {hosts: localhost, tasks: [{fail: {}}]}")
    header = unfinished(folder.state, None)
    assert header.folder == str(Path.cwd())
    os.chdir(tmp_path)
    go_back(header)
    assert header.folder == str(Path.cwd())
