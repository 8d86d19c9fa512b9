"""What a run that ended early had not begun is told, and stands in the journal; `show` ends as the run did."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.ending import Left
from runbook.journal_reader import SqliteReader

from tests.support.cli import Desk
from tests.support.plays import Folder

PLAY = """
- hosts: a,b
  gather_facts: false
  tasks:
    - {name: one, debug: {}}
    - block:
        - {name: two, debug: {}}
        - {name: three, fail: {msg: no}, when: inventory_hostname == 'b'}
        - {name: four, debug: {}}
      rescue:
        - {name: never counted, debug: {}}
        - {name: five, fail: {msg: "no way"}}
      always:
        - {name: six, debug: {}}
    - {name: seven, debug: {}, tags: [x]}
    - {meta: noop}
    - {name: eight, debug: {}, tags: [never, y]}
  handlers: [{name: handler, debug: {}}]
- hosts: a,b
  gather_facts: false
  tasks: [{name: nine, debug: {}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, inventory="a,b", options={"connection": "local"})


def test_what_a_failed_host_has_left(folder: Folder) -> None:
    left = folder.play(PLAY).finished.left
    assert left == Left(tasks=2, names=("seven", "nine"), hosts=("b",), of_hosts=1)
    with SqliteReader(folder.state) as reader:
        (run,) = reader.runs()
    assert run.ended is not None
    assert run.ended.left == left
    assert (run.ended.done, run.ended.changed) == (11, 0)


def test_tags_count(folder: Folder) -> None:
    left = folder.play(PLAY.replace("[never, y]", "[x]")).finished.left
    assert left is not None
    assert left.names == ("seven", "eight", "nine")


def test_nothing_is_left_of_a_run_that_is_done(folder: Folder) -> None:
    assert folder.play(PLAY, limit="a").finished.left is None


def test_when_all_failed_all_that_follows_is_left(folder: Folder) -> None:
    text = PLAY.replace("inventory_hostname == 'b'", "true")
    left = folder.play(text).finished.left
    assert left == Left(tasks=2, names=("seven", "nine"), hosts=("a", "b"), of_hosts=2)


def test_a_play_that_ends_by_its_own_word_leaves_nothing(folder: Folder) -> None:
    text = """
    - hosts: a,b
      serial: 1
      tasks:
        - {meta: end_play}
        - {name: after, debug: {}}
    - hosts: a
      tasks: [{fail: {msg: no}}, {name: last, debug: {}}]
    """
    left = folder.play(text).finished.left
    assert left == Left(tasks=1, names=("last",), hosts=("a",), of_hosts=1)


def test_a_run_that_is_stopped_between_two_tasks_has_begun_neither(folder: Folder) -> None:
    runner, events = folder.runner(PLAY)
    runner.cancel.set()
    assert runner.run() == 4
    left = events[-1].left  # type: ignore[union-attr]
    assert left is not None
    assert left.tasks == 7
    assert left.names == ("one", "two", "three")
    (stop,) = events[-1].stops  # type: ignore[union-attr]
    assert "interrupted" in stop.message


def test_show_ends_as_the_run_did(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "hosts").write_text("a ansible_connection=local\nb ansible_connection=local\n")
    (tmp_path / "play.yml").write_text(
        PLAY.replace("fail: {msg: no}", "command: 'test {{ item }} = x', loop: [x, y]")
    )
    played = desk.run("play", "play.yml", "-i", "hosts", "-e", "api_token=geheim99", "--state", "s.db")
    assert played.code == 2
    card = played.stdout[played.stdout.index("\nFAILED") :]
    before, recap = card.split("PLAY RECAP")
    expected = before + recap[recap.index("Failed after") :]
    assert "runbook resume" in expected
    assert "--state s.db -e api_token=..." in expected
    assert desk.run("show", "--state", "s.db").stdout.endswith(expected)


def test_the_failure_of_an_earlier_time_is_no_card(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "play.yml").write_text(
        "- hosts: localhost\n  tasks: [{name: gate, command: test -e gate}, {name: end, fail: {msg: no}}]\n"
    )
    desk.run("play", "play.yml")
    (tmp_path / "gate").touch()
    desk.run("resume")
    told = desk.run("show").stdout
    assert told.count("\nFAILED [localhost]") == 1
    assert "\nFAILED [localhost] end" in told
