"""What stops a run, and what does not: a host that is lost, a mistake of ours, work under way meanwhile."""

from __future__ import annotations

import pytest
from runbook.scheduler import Scheduler

from tests.support.plays import Folder

HOSTS = "[web]\nw1 ansible_connection=local\nw2 ansible_connection=local\n"
MARK = "args: {chdir: '{{ playbook_dir }}'}"
AWAY = '''
from pathlib import Path

import msgspec
from runbook.contract import Params, Permissions
from runbook.errors import Unreachable
from runbook.model import Action, Change


class AwayParams(Params, frozen=True, kw_only=True):
    file: str


class AwayResult(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Away:
    """Looks at a service that is away until a file is there."""

    contract_version = 1
    Params = AwayParams
    Result = AwayResult
    permissions = Permissions()

    def resource(self, params):
        return "away"

    def observe(self, ctx, params):
        if not Path(params.file).exists():
            raise Unreachable("The service can't be reached", hint="Look after the network.")

    def plan(self, params, observed):
        return Change(action=Action.NONE, result=AwayResult())

    def apply(self, ctx, params, change):
        return AwayResult()
'''


def hosts(folder: Folder) -> None:
    folder.inventory = str(folder.write("hosts.ini", HOSTS))


def test_a_service_that_can_not_be_reached_loses_its_host_only(folder: Folder) -> None:
    hosts(folder)
    folder.write("library/away.py", AWAY)
    text = """
        - hosts: web
          gather_facts: false
          tasks:
            - block:
                - {name: look, away: {file: "{{ playbook_dir }}/{{ inventory_hostname }}"}}
              rescue: [{name: rescue, debug: {}}]
              always: [{name: always, debug: {}}]
            - {name: next, debug: {msg: "{{ ansible_play_hosts }}"}}
        """
    (folder.path / "w1").touch()
    played = folder.play(text)
    assert played.code == 4
    assert ("w2", "look", "unreachable") in played.steps
    assert played.outcome("look", "w2").result["unreachable"] is True
    assert [(host, task) for host, task, _ in played.steps if task != "look"] == [
        ("w1", "always"),
        ("w1", "next"),
    ]
    assert played.message("next") == ["w1"]
    assert played.finished.resume
    (folder.path / "w2").touch()
    again = folder.play(text)
    assert again.code == 0
    assert ("w2", "next", "ok") in again.steps


def test_a_host_may_be_forgiven_that_it_can_not_be_reached(folder: Folder) -> None:
    hosts(folder)
    folder.write("library/away.py", AWAY)
    played = folder.play(
        """
        - hosts: web
          gather_facts: false
          tasks:
            - {name: look, away: {file: nowhere}, ignore_unreachable: true, register: r}
            - {name: next, debug: {msg: "{{ r is unreachable }}"}}
        """
    )
    assert played.code == 0
    assert played.message("next", "w2") is True


def test_a_mistake_of_ours_is_recorded_and_the_run_goes_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""
        - hosts: localhost
          tasks:
            - {{name: a, shell: "echo a >> marks", {MARK}}}
            - {{name: b, debug: {{}}}}
        """

    def broken(self: Scheduler) -> None:
        raise TypeError("not what was meant")

    with monkeypatch.context() as patched:
        patched.setattr(Scheduler, "_take_one", broken)
        played = folder.play(text)
    assert played.code == 4
    (stop,) = played.finished.stops
    assert stop.message == "Internal error: TypeError: not what was meant"
    assert "-vvv" in stop.hint
    assert played.finished.resume.startswith("runbook resume")
    again = folder.play(text)
    assert again.code == 0
    assert again.started.resumed
    assert (folder.path / "marks").read_text() == "a\n"


def test_what_is_under_way_when_something_stops_the_run_is_recorded(folder: Folder) -> None:
    hosts(folder)
    text = f"""
        - hosts: web
          gather_facts: false
          strategy: free
          handlers: [{{name: somebody, debug: {{}}}}]
          tasks:
            - name: work
              shell: "sleep {{{{ '0.3' if me == 'w2' else '0' }}}}; echo {{{{ me }}}} >> marks"
              {MARK}
              vars: {{me: "{{{{ inventory_hostname }}}}"}}
              notify: nobody
        """
    assert folder.play(text).code != 0
    again = folder.play(text.replace("somebody", "nobody"))
    assert again.code == 0
    assert sorted((folder.path / "marks").read_text().split()) == ["w1", "w2"]


def test_nothing_more_begins_when_something_stops_the_run(folder: Folder) -> None:
    names = [f"w{number}" for number in range(9)]
    lines = "".join(f"{name} ansible_connection=local\n" for name in names)
    folder.inventory = str(folder.write("hosts.ini", f"[web]\n{lines}"))
    played = folder.play(
        f"""
        - hosts: web
          gather_facts: false
          strategy: free
          handlers: [{{name: somebody, debug: {{}}}}]
          tasks:
            - {{name: work, shell: "sleep 0.1; echo x >> marks", {MARK}, notify: nobody}}
        """,
        forks=1,
    )
    assert played.code != 0
    assert len((folder.path / "marks").read_text().split()) <= 3
