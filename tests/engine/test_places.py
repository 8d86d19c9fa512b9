"""What acts on a host acts on that host or nowhere: never on the operator's machine by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import LoadError

from tests.support.plays import Folder


def refused(folder: Folder, text: str, says: str) -> None:
    folder.inventory = folder.inventory or "web1,web2"
    with pytest.raises(LoadError, match=says):
        folder.play(text)
    assert not (folder.path / "here").exists()


def test_without_a_connection_nothing_runs(folder: Folder) -> None:
    refused(
        folder,
        f"- hosts: web1\n  tasks: [{{shell: touch {folder.path}/here}}]",
        "'shell' would act on host 'web1', and there is no connection to it",
    )


def test_a_connection_that_the_module_does_not_know_is_no_way(folder: Folder) -> None:
    refused(
        folder,
        f"- hosts: web1\n  connection: ssm\n  tasks: [{{copy: {{content: x, dest: {folder.path}/here}}}}]",
        "knows no connection 'ssm'",
    )
    refused(
        folder,
        f"""
        - hosts: web1
          vars: {{ansible_connection: ssh}}
          tasks: [{{command: touch {folder.path}/here}}]
        """,
        "knows no connection 'ssh'",
    )


def test_the_way_to_one_host_is_not_the_way_to_another(folder: Folder) -> None:
    folder.inventory = str(folder.write("hosts", "web1 ansible_connection=local\nweb2\n"))
    refused(
        folder,
        f"""
        - hosts: web1
          tasks: [{{command: touch {folder.path}/here, delegate_to: web2}}]
        """,
        "no connection",
    )


def test_what_is_known_only_when_it_runs_makes_the_host_unreachable_then(folder: Folder) -> None:
    folder.inventory = "web1,"
    played = folder.play(
        f"""
        - hosts: web1
          tasks:
            - {{name: fact, set_fact: {{place: web1}}}}
            - name: late
              command: touch {folder.path}/here
              delegate_to: "{{{{ place }}}}"
        """
    )

    assert played.code == 4
    assert "no connection" in played.message("late")
    assert not (folder.path / "here").exists()


def test_a_host_that_was_added_is_no_exception(folder: Folder) -> None:
    played = folder.play(
        f"""
        - hosts: localhost
          tasks: [{{name: add, add_host: {{name: web9, groups: [late]}}}}]
        - hosts: late
          tasks: [{{name: act, command: touch {folder.path}/here}}]
        """
    )

    assert played.code == 4
    assert "no connection" in played.message("act")
    assert not (folder.path / "here").exists()


@pytest.mark.parametrize("said", ["delegate_to: localhost", "connection: local"])
def test_it_runs_here_when_the_playbook_says_so(folder: Folder, tmp_path: Path, said: str) -> None:
    folder.inventory = "web1,"
    played = folder.play(f"- hosts: web1\n  tasks: [{{command: touch {tmp_path}/here, {said}}}]")

    assert played.code == 0
    assert (tmp_path / "here").exists()


DELEGATED = """
    - hosts: a
      connection: local
      gather_facts: false
      tasks:
        - {{name: tell, set_fact: {{color: red}}, delegate_to: b, delegate_facts: true}}
        - {{name: gate, command: test -e {gate}}}
        - {{name: show, debug: {{msg: "{{{{ hostvars.b.color }}}} {{{{ color | default('none') }}}}"}}}}
"""


def test_facts_of_another_host_are_known_after_a_resume(folder: Folder) -> None:
    folder.inventory = "a,b"
    gate = folder.path / "gate"
    assert folder.play(DELEGATED.format(gate=gate)).code == 2
    gate.touch()
    assert folder.play(DELEGATED.format(gate=gate)).message("show") == "red none"
