"""Commands that were killed: the operator says what came of them, by `--assume` or at the terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.support.cli import Desk

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from tests.support.typed import typed

PLAY = """
- hosts: a,b
  gather_facts: false
  tasks:
    - name: Migrate
      shell: 'echo x >> {{ inventory_hostname }}.txt; test -e go || sleep 60'
      args: {chdir: "{{ playbook_dir }}"}
      RERUN
    - {name: After, debug: {msg: "went on"}}
"""


def killed(folder: Path, rerun: str = "") -> Desk:
    """Both hosts' commands ran, and nobody knows."""
    desk = Desk(folder)
    (folder / "play.yml").write_text(PLAY.replace("RERUN", rerun))
    process = desk.start("play", "play.yml", "-i", "a,b", "-c", "local")
    marks = [folder / "a.txt", folder / "b.txt"]
    deadline = time.monotonic() + 30
    while not all(mark.exists() for mark in marks):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    (folder / "go").touch()
    return desk


def times(folder: Path) -> list[int]:
    """How often the command ran on each host."""
    return [len((folder / f"{host}.txt").read_text().splitlines()) for host in ("a", "b")]


def at_a_terminal(desk: Desk, answers: list[str], *words: str) -> tuple[int, str]:
    return typed(desk, answers, *words, asked="or (s)top: ")


def test_each_question_has_its_answer_at_the_terminal(tmp_path: Path) -> None:
    desk = killed(tmp_path)
    code, screen = at_a_terminal(desk, ["done", "huh", "not done"], "resume")
    assert code == 0, screen
    assert sorted(times(tmp_path)) == [1, 2]
    assert screen.count("IN DOUBT [") == 2
    assert "done      it happened: go on behind it; what it answered is not known" in screen
    assert "Done, as the operator says" in screen


def test_who_wants_to_look_first_stops(tmp_path: Path) -> None:
    desk = killed(tmp_path)
    code, screen = at_a_terminal(desk, ["stop"], "resume")
    assert code == 4, screen
    assert screen.count("IN DOUBT [") == 2, "one was asked, the other stands in the end"
    assert "--assume not-done" in screen
    assert times(tmp_path) == [1, 1]
    answered = desk.run("resume", "--assume", "not-done", "--assume", "Migrate@b=done")
    assert answered.code == 0, answered
    assert times(tmp_path) == [2, 1]


def test_without_a_terminal_the_run_stops_and_tells_all_that_is_in_doubt(tmp_path: Path) -> None:
    desk = killed(tmp_path)
    asked = desk.run("resume")
    assert asked.code == 4
    assert "In doubt: 2 effects, of Migrate [" in asked.stdout
    assert "Not started: 1 task on a, b: 'After'." in asked.stdout
    assert asked.stdout[asked.stdout.index("\nIn doubt:") :] in desk.run("show").stdout
    wrong = desk.run("resume", "--assume", "Migarte=done")
    assert (wrong.code, "Did you mean 'Migrate'?" in wrong.stderr) == (1, True)
    assert desk.run("resume", "--assume", "done").code == 0
    assert times(tmp_path) == [1, 1]


@pytest.mark.parametrize(("rerun", "count"), [("rerun: safe", 2), ("rerun: never", 1)])
def test_a_task_that_says_what_to_do_asks_nobody(tmp_path: Path, rerun: str, count: int) -> None:
    desk = killed(tmp_path, rerun)
    code, screen = at_a_terminal(desk, [], "resume")
    assert code == 0, screen
    assert "IN DOUBT" not in screen
    assert times(tmp_path) == [count, count]
    assert ("Taken for done" in screen) == (rerun == "rerun: never")


def test_an_interrupted_command_that_may_run_twice_is_not_begun_again_in_the_same_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "play.yml").write_text(PLAY.replace("RERUN", "rerun: safe"))
    process = desk.start("play", "play.yml", "-i", "a,", "-c", "local", "-l", "a")
    while not (tmp_path / "a.txt").exists():
        time.sleep(0.05)
    process.terminate()
    shown, _ = process.communicate(timeout=30)
    assert process.returncode == 4, shown
    assert len((tmp_path / "a.txt").read_text().splitlines()) == 1
    assert "A resume finds out" in shown or "IN DOUBT" not in shown
