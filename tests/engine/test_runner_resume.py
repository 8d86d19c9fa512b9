"""Runs that go on: what is done is not done again, and everything that it brought is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runbook.errors import UsageError

from tests.support.plays import Folder


def test_a_failed_run_goes_on_at_its_step_with_its_variables(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - {name: effect, shell: "cd {{ playbook_dir }} && echo x >> marks && wc -l < marks", register: r}
            - {name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}
            - {name: show, debug: {msg: "{{ r.stdout | trim }}"}}
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    played = folder.play(text)
    assert played.code == 0
    assert played.started.resumed
    assert played.message("show") == "1"
    assert (folder.path / "marks").read_text() == "x\n"
    assert not folder.play(text).started.resumed, "a finished run is not resumed"


def test_fresh_starts_a_new_run(folder: Folder) -> None:
    text = "- hosts: localhost\n  tasks: [{name: bad, fail: {}}]"
    first = folder.play(text)
    again = folder.play(text, fresh=True)
    assert not again.started.resumed
    assert again.started.run != first.started.run


def test_a_run_with_other_variables_is_another_run(folder: Folder) -> None:
    text = "- hosts: localhost\n  tasks: [{name: bad, fail: {}}]"
    folder.play(text, extra_vars={"a": 1})
    assert not folder.play(text, extra_vars={"a": 2}).started.resumed
    assert folder.play(text, extra_vars={"a": 2}).started.resumed


def test_resuming_a_run_that_is_not_there_is_wrong_use(folder: Folder) -> None:
    with pytest.raises(UsageError, match="no run 'x'"):
        folder.play("- hosts: localhost\n  tasks: []", run="x")


def test_a_resumed_loop_does_only_the_items_that_are_left(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - name: each
              shell: "echo {{ item }} >> marks; test {{ item }} != b -o -e open"
              args: {chdir: "{{ playbook_dir }}"}
              loop: [a, b, c]
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert folder.play(text).code == 0
    assert (folder.path / "marks").read_text().split() == ["a", "b", "c", "b"]


def test_a_resumed_rescue_stays_rescued(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - block:
                - {name: bad, shell: "echo x >> marks; false", args: {chdir: "{{ playbook_dir }}"}}
              rescue:
                - {name: mend, debug: {}}
            - {name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert folder.play(text).code == 0
    assert (folder.path / "marks").read_text() == "x\n"


def test_a_resumed_run_remembers_its_notified_handlers(folder: Folder) -> None:
    text = """
        - hosts: localhost
          handlers: [{name: handler, debug: {}}]
          tasks:
            - {name: change, command: "true", notify: handler}
            - {name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}
        """
    assert "handler" not in folder.play(text).names
    (folder.path / "open").touch()
    assert "handler" in folder.play(text).names


def test_an_edited_playbook_keeps_what_is_done_and_runs_what_is_new(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - {name: done, shell: "echo x >> marks", args: {chdir: "{{ playbook_dir }}"}}
            - {name: bad, fail: {}}
        """
    folder.play(text)
    edited = text.replace("- {name: bad, fail: {}}", "- {name: new, debug: {}}")
    played = folder.play(edited)
    assert played.names == ["done", "new"]
    assert (folder.path / "marks").read_text() == "x\n"


def test_no_log_keeps_results_out_of_the_state_file(folder: Folder) -> None:
    folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: secret, command: "echo hunter2", no_log: true, register: r}
            - {name: use, assert: {that: "r.stdout == 'hunter2'"}}
        """
    )
    assert b"hunter2" not in folder.state.read_bytes() + _wal(folder.path)


def _wal(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.glob("state.db-*"))


def test_results_of_all_kinds_survive_a_resume(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - set_fact: {n: 7, f: 10.10, t: "x", none: null, yes_: true, nested: {a: [1, {b: c}]}}
            - {name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}
            - {name: show, debug: {msg: "{{ [n, f, t, none, yes_, nested] | to_json }}"}}
        """
    folder.play(text)
    (folder.path / "open").touch()
    told = json.loads(folder.play(text).message("show"))
    assert told == [7, 10.1, "x", None, True, {"a": [1, {"b": "c"}]}]
