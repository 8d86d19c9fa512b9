"""One process writes a state file: a second one is refused at once and told who holds it; the dead hold nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.cli import Desk

AT_ONCE = 10.0
"""Seconds in which a process starts and says its word, on a busy machine."""

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: before, copy: {content: x, dest: before}}
    - {name: holds, command: cat door, rerun: safe}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "play.yml").write_text(PLAY)
    os.mkfifo(tmp_path / "door")
    return Desk(tmp_path)


@pytest.fixture
def holder(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """A run that is on: it waits for somebody at the door."""
    process = desk.start("play", "play.yml")
    until(process, "TASK [holds]")
    yield process
    process.kill()
    process.wait()
    open_door(desk)
    process.communicate()


def until(process: subprocess.Popen[str], text: str) -> str:
    """What it prints, up to the line with this text or its end."""
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if text in line:
            break
    return shown


def open_door(desk: Desk) -> None:
    """Let all go on that wait for it now: a program outlives the run that was killed."""
    with suppress(OSError):  # nobody waits
        os.close(os.open(desk.folder / "door", os.O_WRONLY | os.O_NONBLOCK))


SECOND = [("play", "play.yml"), ("play", "play.yml", "--fresh"), ("resume",), ("undo", "last", "--yes")]


@pytest.mark.parametrize("words", SECOND)
def test_the_second_is_refused_at_once_and_told_who_holds_it(
    desk: Desk, holder: subprocess.Popen[str], words: tuple[str, ...]
) -> None:
    began = time.monotonic()
    second = desk.run(*words)
    assert time.monotonic() - began < AT_ONCE
    assert second.code == 1
    for told in (
        f"process {holder.pid}",
        platform.node(),
        "play play.yml",
        "Wait until it ends|wait for its end",
    ):
        assert re.search(told, second.stderr), second
    assert second.stdout == ""


@pytest.mark.parametrize("words", [("runs",), ("show", "last"), ("plan", "play.yml")])
def test_who_only_reads_is_let_in(desk: Desk, holder: subprocess.Popen[str], words: tuple[str, ...]) -> None:
    assert desk.run(*words).code == 0


@pytest.mark.parametrize("words", [("play", "play.yml"), ("resume",)])
def test_after_a_kill_the_next_one_starts_at_once_and_goes_on(
    desk: Desk, holder: subprocess.Popen[str], words: tuple[str, ...]
) -> None:
    holder.kill()
    holder.wait()
    began = time.monotonic()
    process = desk.start(*words)
    shown = until(process, "TASK [holds]")
    took = time.monotonic() - began
    while process.poll() is None:
        open_door(desk)
        time.sleep(0.05)
    process.communicate()
    assert took < AT_ONCE
    assert "goes on" in shown
    assert process.returncode == 0
