"""A real run never goes on with a value that it does not know."""

from __future__ import annotations

import pytest

from tests.support.plays import Folder

BEFORE = """
- hosts: localhost
  tasks:
    - {name: secret, command: "echo hunter2", no_log: true, register: r}
    - {name: stop, command: "cat %s"}
"""

USES = {
    "when": "{name: use, debug: {}, when: r.stdout == 'hunter2'}",
    "loop": '{name: use, debug: {}, loop: "{{ r.stdout_lines }}"}',
    "argument": '{name: use, command: "echo {{ r.stdout }}"}',
    "fact": '{name: use, set_fact: {x: "{{ r.stdout }}"}}',
    "assert": "{name: use, assert: {that: r.stdout == 'hunter2'}}",
    "failed_when": "{name: use, command: echo, failed_when: r.stdout != 'hunter2'}",
    "until": "{name: use, command: echo, until: r.stdout == 'hunter2', retries: 1, delay: 0}",
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_a_resume_cannot_restore_fails_the_step_that_needs_it(folder: Folder, use: str) -> None:
    gate = folder.path / "gate"
    text = BEFORE % gate + f"    - {use}\n"
    assert folder.play(text).names == ["secret", "stop"]
    gate.touch()
    played = folder.play(text)
    assert played.code == 2
    told = played.outcome("use")
    assert "a secret that the state file does not keep" in str(told.result["msg"])
    assert "--fresh" in told.hint


def test_what_is_not_secret_of_it_is_known(folder: Folder) -> None:
    gate = folder.path / "gate"
    text = BEFORE % gate + "    - {name: use, debug: {msg: went}, when: r.changed}\n"
    folder.play(text)
    gate.touch()
    played = folder.play(text)
    assert played.code == 0
    assert played.message("use") == "went"


def test_what_a_task_only_planned_is_not_taken_for_known(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: planned, pause: {seconds: 0}, check_mode: true, register: r}
            - {name: use, debug: {}, when: r.user_input == 'x'}
        """
    )
    assert played.code == 2
    assert "which this run can't know" in played.outcome("use").result["msg"]
