"""What is checked before anything runs: ways to hosts, and where calls go."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runbook.contract import Identity, Target
from runbook.errors import LoadError
from runbook.inventory import load_inventory
from runbook.loader import load_playbook
from runbook.options import Options
from runbook.preflight import Scoped, check_places, destinations
from runbook.registry import Registry
from runbook.roster import Roster
from runbook.targets import Targets
from runbook.template import Templates

from tests.support.plays import Folder


class Clients:
    """Knows who everybody is."""

    def __init__(self) -> None:
        self.asked: list[Target] = []

    def client(self, target: Target, service: str, *, retries: bool = True) -> Any:
        raise AssertionError("no client was expected")

    def identify(self, target: Target) -> Identity:
        self.asked.append(target)
        return Identity("123456789012", "arn:aws:iam::123456789012:user/x", target.region or "")

    def explain(self, error: Exception) -> None:
        return None


class Checked:
    """A playbook and its hosts, as they are before the run."""

    def __init__(self, folder: Path, text: str, inventory: str) -> None:
        file = folder / "site.yml"
        file.write_text(text)
        self.registry = Registry()
        self.templates = Templates(folder)
        playbook = load_playbook(str(file), self.registry)
        roster = Roster(playbook, load_inventory([inventory]), Options(), self.templates)
        self.plays: list[Scoped] = []
        for play in playbook.plays:
            around = roster.surroundings(play, [], "", begun=False)
            hosts = [(host, around.scope(roster.states[host])) for host in roster.hosts(play)]
            self.plays.append((play, hosts))
        self.clients = Clients()

    def places(self) -> None:
        check_places(self.plays, self.registry, self.templates)

    def regions(self) -> list[str | None]:
        found = destinations(self.plays, self.registry, self.templates, Targets(), lambda: self.clients)
        return [place.target.region for place in found]


@pytest.fixture
def checked(folder: Folder) -> Callable[..., Checked]:
    return lambda text, inventory="web1,web2": Checked(folder.path, text, inventory)


def test_all_tasks_without_a_way_are_told_together(checked: Callable[..., Checked]) -> None:
    text = "- hosts: all\n  tasks:\n    - command: a\n    - debug: {}\n    - shell: b\n    - command: c\n"

    with pytest.raises(LoadError) as refused:
        checked(text).places()
    assert [problem.position.line for problem in refused.value.problems if problem.position] == [3, 5, 6]


def test_each_place_is_asked_once_who_we_are(checked: Callable[..., Checked]) -> None:
    made = checked(
        """
- hosts: all
  aws: {region: eu-west-2}
  tasks:
    - ec2_info: {}
    - ec2_info: {}
    - {ec2_info: {}, aws: {region: us-east-1}}
    - {debug: {}, aws: {region: nowhere-1}}
"""
    )

    assert made.regions() == ["eu-west-2", "us-east-1"]
    assert len(made.clients.asked) == 2


def test_a_command_that_travels_asks_aws_too(checked: Callable[..., Checked]) -> None:
    text = "- {hosts: all, aws: {region: eu-west-2}, connection: %s, tasks: [{command: x}]}"

    assert checked(text % "ssm").regions() == ["eu-west-2"]
    assert checked(text % "local").regions() == []


def test_what_the_run_will_bring_is_left_to_it(checked: Callable[..., Checked]) -> None:
    text = """
- hosts: all
  tasks:
    - {command: x, delegate_to: "{{ later }}"}
    - {ec2_info: {}, aws: {region: "{{ later }}"}}
"""
    made = checked(text)
    made.places()

    assert made.regions() == []


def test_wrong_settings_are_told_with_their_place(checked: Callable[..., Checked]) -> None:
    with pytest.raises(LoadError, match=r"site.yml:1:\d+: Unknown key 'regoin' in `aws:`"):
        checked("- {hosts: all, vars: {aws: {regoin: x}}, tasks: [{ec2_info: {}}]}").regions()


def test_thousands_of_hosts_and_hundreds_of_tasks_are_checked_in_a_moment(
    checked: Callable[..., Checked],
) -> None:
    tasks = "".join(f"    - {{command: x {n}}}\n    - {{ec2_info: {{}}}}\n" for n in range(200))
    made = checked(
        f"- hosts: all\n  connection: local\n  aws: {{region: eu-west-2}}\n  tasks:\n{tasks}",
        "web[0001:2000],",
    )
    began = time.process_time()
    made.places()

    assert made.regions() == ["eu-west-2"]
    assert time.process_time() - began < 5
