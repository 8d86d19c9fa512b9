"""Secrets of a run that goes on: sealed with a key, read again without one, and never in clear."""

from __future__ import annotations

import pytest

from tests.support.plays import Folder

GATE = '{name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}'

MD5 = "2ab96390c7dbe3439de74d0c9b0b1767"
"""Of `hunter2`: what an assert says stands in the state file."""

PRODUCED = f"""
- hosts: localhost
  tasks:
    - name: make
      shell: "echo x >> marks; echo hunter2"
      args: {{chdir: "{{{{ playbook_dir }}}}"}}
      no_log: true
      register: made
    - set_fact: {{derived: "pass-{{{{ made.stdout }}}}"}}
    - {GATE}
    - {{name: use, assert: {{that: [made.stdout | hash('md5') == '{MD5}', derived == 'pass-' ~ made.stdout]}}}}
    - {{name: told, debug: {{msg: "{{{{ derived }}}}"}}}}
"""


def test_with_a_key_a_run_goes_on_with_what_a_module_produced(folder: Folder) -> None:
    folder.key = b"state key"
    assert folder.play(PRODUCED).code == 2
    (folder.path / "open").touch()
    assert folder.play(PRODUCED).code == 0
    assert (folder.path / "marks").read_text() == "x\n"
    assert b"hunter2" not in folder.kept()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, None, "RUNBOOK_STATE_KEY"),
        (b"one", b"other", "RUNBOOK_STATE_KEY"),
        (b"one", None, "that the run had"),
    ],
)
def test_without_its_key_it_stops_there_and_says_so(
    folder: Folder, before: bytes | None, after: bytes | None, told: str
) -> None:
    folder.key = before
    folder.play(PRODUCED)
    (folder.path / "open").touch()
    folder.key = after
    played = folder.play(PRODUCED)
    assert played.code == 2
    assert "a secret that the state file" in played.of_failed["use"]["msg"]
    assert told in played.outcome("use").hint
    assert b"hunter2" not in folder.kept()


def test_what_an_effect_of_a_no_log_task_answered_is_there_again(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - name: both
              shell: "echo x >> marks; echo hunter2{{ item }}; test {{ item }} = a -o -e open"
              args: {chdir: "{{ playbook_dir }}"}
              loop: [a, b]
              no_log: true
              register: made
            - {name: use, assert: {that: "made.results | map(attribute='stdout') | map('length') | list == [8, 8]"}}
        """
    folder.key = b"state key"
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert folder.play(text).code == 0
    assert b"hunter2" not in folder.kept()
