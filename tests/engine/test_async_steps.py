"""Tasks with a limit on their time, and tasks in the background: what they register, and that a resume does nothing
twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.plays import Folder


def test_a_task_is_waited_for_within_its_limit(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          gather_facts: false
          tasks:
            - {name: good, command: echo hi, async: 10, poll: 1}
            - {name: late, command: sleep 20, async: 1, poll: 1, ignore_errors: true}
        """
    )
    good, late = played.outcome("good").result, played.outcome("late").result
    assert good["stdout"] == "hi"
    assert (good["started"], good["finished"]) == (True, True)
    assert late["msg"] == "async task did not complete within the requested time - 1s"
    assert late["async_result"]["finished"] is False


def test_a_task_in_the_background_is_looked_at_and_forgotten(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          gather_facts: false
          tasks:
            - {name: start, shell: sleep 0.3; echo done, async: 10, poll: 0, register: bg}
            - {name: early, async_status: {jid: "{{ bg.ansible_job_id }}"}}
            - name: wait
              async_status: {jid: "{{ bg.ansible_job_id }}"}
              register: job
              until: job.finished
              retries: 50
              delay: 0.1
            - {name: forget, async_status: {jid: "{{ bg.ansible_job_id }}", mode: cleanup}}
            - {name: gone, async_status: {jid: "{{ bg.ansible_job_id }}"}, ignore_errors: true}
        """
    )
    assert played.outcome("start").result["finished"] is False
    assert played.outcome("early").result["finished"] is False
    assert played.outcome("wait").result["stdout"] == "done"
    assert played.outcome("wait").result["changed"] is True
    assert played.message("gone") == "could not find job"
    assert played.code == 0


def test_the_run_waits_for_what_it_started(folder: Folder, tmp_path: Path) -> None:
    played = folder.play(
        f"""
        - hosts: localhost
          gather_facts: false
          tasks:
            - {{shell: "sleep 0.5; touch {tmp_path}/{{{{ item }}}}", async: 10, poll: 0, loop: [a, b]}}
        """
    )
    assert sorted(file.name for file in tmp_path.iterdir() if file.name in "ab") == ["a", "b"]
    assert "Waiting for 2 tasks in the background" in played.notices


def test_what_does_not_end_in_its_time_is_ended(folder: Folder) -> None:
    began = time.monotonic()
    played = folder.play(
        """
        - hosts: localhost
          gather_facts: false
          tasks:
            - {name: start, command: sleep 60, async: 1, poll: 0, register: bg}
            - name: wait
              async_status: {jid: "{{ bg.ansible_job_id }}"}
              register: job
              until: job is finished
              retries: 100
              delay: 0.1
              ignore_errors: true
        """
    )
    assert played.message("wait") == "Timeout exceeded"
    assert time.monotonic() - began < 30


PLAY = """
    - hosts: localhost
      gather_facts: false
      tasks:
        - {{name: start, shell: "echo x >> {marks}", async: 10, poll: 0, loop: [1, 2], register: bg}}
        - name: wait
          async_status: {{jid: "{{{{ item.ansible_job_id }}}}"}}
          loop: "{{{{ bg.results }}}}"
          register: job
          until: job is finished
          retries: 100
          delay: 0.1
        - {{name: gate, command: test -e {gate}}}
        - {{name: again, async_status: {{jid: "{{{{ bg.results[1].ansible_job_id }}}}"}}}}
"""


def test_a_resume_knows_what_ended_and_starts_nothing_twice(folder: Folder) -> None:
    marks, gate = folder.path / "marks", folder.path / "gate"
    text = PLAY.format(marks=marks, gate=gate)
    assert folder.play(text).code == 2
    gate.touch()
    played = folder.play(text)
    assert played.code == 0
    assert played.outcome("again").result["finished"] is True
    assert marks.read_text().splitlines() == ["x", "x"]


def test_what_only_decides_has_no_background(folder: Folder) -> None:
    played = folder.play(
        "- hosts: localhost\n  tasks: [{name: x, debug: {msg: x}, async: 5, poll: 0, ignore_errors: true}]"
    )
    assert played.message("x") == "This action (debug) does not support async."


@pytest.mark.parametrize("module", ["command: sleep 60", "pause: {seconds: 60}"])
def test_a_task_that_takes_longer_than_its_timeout_fails(folder: Folder, module: str) -> None:
    began = time.monotonic()
    played = folder.play(
        f"- hosts: localhost\n  tasks: [{{name: x, {module}, timeout: 1, ignore_errors: true}}]"
    )
    assert played.message("x") == "Timed out after 1 second(s)."
    assert played.outcome("x").result["timedout"]["period"] == 1
    assert time.monotonic() - began < 30
    assert played.code == 0


def test_a_throttled_task_runs_on_so_many_hosts_at_once(folder: Folder, tmp_path: Path) -> None:
    folder.inventory = "a,b,c,d"
    script = f"mkdir {tmp_path}/only && sleep 0.1 && rmdir {tmp_path}/only"
    text = f"""
        - hosts: all
          connection: local
          gather_facts: false
          tasks:
            - {{name: x, shell: "{script}", throttle: 1}}
        """
    assert folder.play(text, forks=2).code == 0
