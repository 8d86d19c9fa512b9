"""What surrounds a play goes wrong: closed streams, folders that can't be written to, the wrong folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import PLAYBOOKS, Desk
from tests.support.rights import held_to_modes, needs_modes

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - command: echo said
    - copy: {content: written, dest: made}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "play.yml").write_text(PLAY)
    return Desk(tmp_path)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_ends_no_play(desk: Desk, closed: str) -> None:
    words = [*desk.command("play", "play.yml")]
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *words]
    done = subprocess.run(
        shell, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (desk.folder / "made").read_text() == "written"
    assert desk.run("runs").stdout.splitlines()[1].split()[1] == "done"


def test_a_reader_that_goes_away_ends_no_play_halfway(desk: Desk) -> None:
    words = " ".join(desk.command("play", "play.yml"))
    subprocess.run(["/bin/sh", "-c", f"{words} | head -1"], cwd=desk.folder, env=desk.environment, check=True)
    assert (desk.folder / "made").read_text() == "written"


def test_a_folder_that_nothing_can_be_written_to_is_told(desk: Desk) -> None:
    closed = desk.folder / "closed"
    closed.mkdir()
    lock = closed / "state.db.lock"
    lock.mkdir()  # as good as a read-only file system, and works for root
    done = desk.run("play", "play.yml", "--state", str(closed / "state.db"))
    assert done.code == 1
    assert "can't be locked" in done.stderr
    assert "--state" in done.stderr
    assert not (desk.folder / "made").exists()


@needs_modes
def test_a_read_only_folder_is_told(desk: Desk) -> None:
    (desk.folder / "closed").mkdir(mode=0o500)
    words = held_to_modes(desk.command("play", "play.yml", "--state", "closed/state.db"))
    done = subprocess.run(
        words, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "--state" in done.stderr) == (1, True), done.stderr
    assert not (desk.folder / "made").exists()


def test_who_stands_in_another_folder_is_told_how_to_name_an_inventory(desk: Desk) -> None:
    done = desk.run("plan", str(PLAYBOOKS / "lab.yml"))
    assert "The inventory is empty. Name one with -i" in done.stdout
    assert "No host was played, so nothing was looked at." in done.stdout


def test_a_play_that_asks_nothing_of_aws_starts_no_sandbox(desk: Desk) -> None:
    (desk.folder / "inventory").mkdir()
    (desk.folder / "inventory/sandbox.yml").write_text("all: {vars: {aws: {endpoint_url: sandbox}}}\n")
    (desk.folder / "until.yml").write_text(
        PLAY + "    - {command: echo again, register: said, until: said is changed, retries: 2, delay: 0}\n"
        "    - pause: {seconds: 0}\n"
    )
    for words in (
        ("play", "until.yml"),
        ("plan", "until.yml"),
        ("play", "until.yml", "-i", "inventory/sandbox.yml"),
    ):
        done = desk.run(*words)
        assert done.code == 0, done
        assert not (desk.folder / "sandbox").exists()
