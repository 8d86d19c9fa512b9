"""`--start-at-task`: the run begins there, and everything behind it is played."""

from __future__ import annotations

import pytest
from runbook.errors import UsageError
from runbook.loader import load_playbook
from runbook.registry import Registry
from runbook.start_at import check_start

from tests.support.plays import Folder

TWO_PLAYS = """
- hosts: localhost
  tasks:
    - {name: one, debug: {}}
    - block:
        - {name: 2. two, debug: {}}
        - {name: "three {{ x }}", fail: {}, when: false}
- hosts: localhost
  tasks:
    - {name: four, debug: {}}
"""


@pytest.mark.parametrize("name", ["2. two", "2.*"])
def test_later_plays_are_played_too(folder: Folder, name: str) -> None:
    played = folder.play(TWO_PLAYS, start_at=name)

    assert played.names == ["2. two", "three {{ x }}", "four"]


def test_a_module_and_a_template_are_names_too(folder: Folder) -> None:
    assert folder.play(TWO_PLAYS, start_at="fail").names == ["three {{ x }}", "four"]
    assert folder.play(TWO_PLAYS, start_at="three {{ x }}").names == ["three {{ x }}", "four"]


def test_another_start_is_another_run(folder: Folder) -> None:
    first = folder.play("- {hosts: localhost, tasks: [{name: a, debug: {}}, {name: b, fail: {}}]}")
    second = folder.play(start_at="b")

    assert first.code == second.code == 2
    assert not second.started.resumed
    assert folder.play(start_at="b").started.resumed


def test_a_name_that_no_task_has_is_refused(folder: Folder) -> None:
    playbook = load_playbook(str(folder.write("site.yml", TWO_PLAYS)), Registry())
    check_start(playbook, "four")

    with pytest.raises(UsageError) as refused:
        check_start(playbook, "fuor")
    assert str(refused.value) == "There is no task 'fuor' to start at\n  Did you mean 'four'?"
