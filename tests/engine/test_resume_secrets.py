"""Secrets of a run that goes on: sealed with a key, read again without one, and never in clear."""

from __future__ import annotations

import pytest
from runbook.values import Secret

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


DERIVED = f"""
- hosts: localhost
  tasks:
    - set_fact: {{dsn: "redis://:{{{{ pin }}}}@host", plain: 1}}
    - set_fact: {{all: "{{{{ [dsn, item] }}}}"}}
      loop: [1]
    - add_host: {{name: other, groups: made, login: "{{{{ dsn }}}}", ansible_connection: local}}
    - {GATE}
    - {{name: use, assert: {{that: [dsn | length == 22, all.0 == dsn, hostvars.other.login == dsn, plain == 1]}}}}
    - {{name: out, shell: "echo {{{{ dsn | upper | lower }}}}"}}
"""


@pytest.mark.parametrize("key", [None, b"key"])
def test_a_secret_that_can_be_read_again_needs_no_key(folder: Folder, key: bytes | None) -> None:
    folder.key = key
    given = {"pin": Secret("hunter2x", "-e pin")}
    assert folder.play(DERIVED, extra_vars=given).code == 2
    (folder.path / "open").touch()
    played = folder.play(DERIVED, extra_vars=given)
    assert played.code == 0, played.of_failed
    assert b"hunter2" not in folder.kept()


def test_what_was_sealed_is_masked_again_though_nothing_reads_its_source(folder: Folder) -> None:
    text = f"""
- hosts: localhost
  tasks:
    - set_fact: {{derived: "{{{{ pin }}}}-and-more"}}
    - {GATE}
    - {{name: out, command: "cat {{{{ playbook_dir }}}}/kept", register: r}}
"""
    folder.key = b"key"
    (folder.path / "kept").write_text("hunter2x-and-more")
    given = {"pin": Secret("hunter2x", "-e pin")}
    folder.play(text, extra_vars=given)
    (folder.path / "open").touch()
    assert folder.play(text, extra_vars=given).code == 0
    assert b"hunter2" not in folder.kept()
