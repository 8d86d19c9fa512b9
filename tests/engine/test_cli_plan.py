"""`plan -o FILE` and `play --plan FILE` as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Desk

BOOK = """
- hosts: localhost
  gather_facts: false
  vars: {text: one}
  tasks:
    - {name: write, copy: {content: "{{ text }}{{ token | default('') }}", dest: made}}
    - {name: more, command: touch more}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "play.yml").write_text(BOOK)
    return Desk(tmp_path)


def test_a_plan_is_kept_and_played(desk: Desk, tmp_path: Path) -> None:
    planned = desk.run("plan", "play.yml", "-e", "text=two", "-o", "x.plan")
    assert planned.code == 0, planned
    assert "Play exactly this: runbook play --plan x.plan" in planned.stdout
    assert (tmp_path / "x.plan").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["play.yml", "x.plan"]
    played = desk.run("play", "--plan", "x.plan")
    assert played.code == 0, played
    assert (tmp_path / "made").read_text() == "two"


def test_what_stops_says_what_to_do_and_resume_is_held_to_the_plan(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("plan", "play.yml", "-o", "x.plan").code == 0
    (tmp_path / "play.yml").write_text(BOOK.replace("touch more", "touch less"))
    stopped = desk.run("play", "--plan", "x.plan")
    assert stopped.code == 4, stopped
    assert "more (localhost) is not as it was planned, and nothing of it was done." in stopped.stdout
    assert 'command: planned "touch more", now "touch less"' in stopped.stdout
    assert "runbook plan" in stopped.stdout
    assert (tmp_path / "made").exists()
    again = desk.run("resume")
    assert again.code == 4, again
    assert not (tmp_path / "less").exists()
    (tmp_path / "play.yml").write_text(BOOK)
    done = desk.run("resume")
    assert done.code == 0, done
    assert (tmp_path / "more").exists()


def test_a_stopped_run_goes_on_without_its_plan(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("plan", "play.yml", "-o", "x.plan").code == 0
    (tmp_path / "play.yml").write_text(BOOK.replace("touch more", "touch less"))
    assert desk.run("play", "--plan", "x.plan").code == 4
    played = desk.run("play", "play.yml")
    assert played.code == 0, played
    assert "goes on" in played.stdout.splitlines()[0]
    assert (tmp_path / "less").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("other.yml",), "another playbook"),
        (("-t", "x"), "tags"),
        (("-l", "web"), "limit"),
        (("-C",), "check"),
        (("-i", "web,"), "inventory"),
        (("-e", "text=three"), "-e says others: text"),
    ],
)
def test_a_plan_says_what_is_played(desk: Desk, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "other.yml").write_text(BOOK)
    assert desk.run("plan", "play.yml", "-o", "x.plan").code == 0
    refused = desk.run("play", *words, "--plan", "x.plan")
    assert refused.code == 1, refused
    assert told in refused.stderr
    assert not (tmp_path / "made").exists()


def test_a_secret_needs_a_key_and_is_given_again(desk: Desk, tmp_path: Path) -> None:
    words = ("plan", "play.yml", "-e", "token=hunter2hunter2", "-o", "x.plan")
    refused = desk.run(*words)
    assert refused.code == 1, refused
    assert "'write' on localhost must not be written down" in refused.stderr
    assert not (tmp_path / "x.plan").exists()
    keyed = Desk(tmp_path, {"RUNBOOK_STATE_KEY": "a key of my own"})
    assert keyed.run(*words).code == 0
    assert "hunter2" not in (tmp_path / "x.plan").read_text()
    missing = keyed.run("play", "--plan", "x.plan")
    assert missing.code == 1
    assert "-e token=..." in missing.stderr
    assert desk.run("play", "--plan", "x.plan", "-e", "token=hunter2hunter2").code == 1
    wrong = keyed.run("play", "--plan", "x.plan", "-e", "token=hunter3hunter3")
    assert wrong.code == 4, wrong
    assert "planned (sensitive value), now another one" in wrong.stdout
    assert "hunter" not in wrong.stdout
    done = keyed.run("play", "--plan", "x.plan", "-e", "token=hunter2hunter2", "--fresh")
    assert done.code == 0, done
    assert (tmp_path / "made").read_text() == "onehunter2hunter2"


def test_a_plan_for_programs_is_one_document(desk: Desk) -> None:
    planned = desk.run("plan", "play.yml", "--output", "json", "-o", "x.plan", "--detailed-exitcode")
    assert planned.code == 3, planned
    told = json.loads(planned.stdout)
    assert told["summary"]["add"] == 1
    assert told["steps"][1]["lasting"]
    assert told["steps"][0]["lasting"] is None


def test_a_plan_that_fails_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(BOOK + "    - fail: {msg: never}\n")
    planned = desk.run("plan", "play.yml", "-o", "x.plan", "--output", "json")
    assert planned.code == 2, planned
    told = json.loads(planned.stdout)
    assert (told["complete"], told["exit_code"], told["failures"][0]["message"]) == (False, 2, "never")
    assert not (tmp_path / "x.plan").exists()


def test_play_needs_a_playbook_or_a_plan(desk: Desk) -> None:
    refused = desk.run("play")
    assert refused.code == 1
    assert "PLAYBOOKS" in refused.stderr
    assert "is no plan" in desk.run("play", "--plan", "play.yml").stderr
    assert "can't be read" in desk.run("play", "--plan", "nowhere.plan").stderr
