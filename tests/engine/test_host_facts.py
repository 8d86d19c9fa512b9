"""Facts of hosts as variables: they lie ready, cost nothing until they are read, and are no one else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from runbook.host_facts import HostFacts, facts_in

from tests.support.plays import Folder


class Source:
    """Facts that tell when they are asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def names(self, subset: Sequence[str] = ()) -> frozenset[str]:
        return frozenset(
            {"ansible_env"} if "env" in subset else {"ansible_env", "ansible_hostname", "ansible_local"}
        )

    def get(self, name: str) -> Any:
        self.asked.append(name)
        return {"ansible_env": {"A": "1"}, "ansible_hostname": "lap", "ansible_local": {}}[name]


def test_a_fact_is_found_out_when_it_is_read() -> None:
    source = Source()
    facts = HostFacts()
    facts.gather(source)
    assert "ansible_hostname" in facts
    assert "ansible_connection" not in facts
    assert source.asked == []
    assert facts["ansible_hostname"] == "lap"
    assert source.asked == ["ansible_hostname"]
    assert facts.all() == {
        "env": {"A": "1"},
        "hostname": "lap",
        "ansible_local": {},
        "gather_subset": ["all"],
        "module_setup": True,
    }


def test_what_was_not_gathered_is_not_there() -> None:
    facts = HostFacts()
    assert list(facts) == []
    assert facts.all() == {}
    with pytest.raises(KeyError):
        facts["ansible_hostname"]
    facts.gather(Source(), ("env",))
    assert list(facts) == ["ansible_env"]
    facts.forget()
    assert list(facts) == []


def test_what_a_module_found_out_counts_more() -> None:
    facts = HostFacts()
    facts.learn({"ansible_hostname": "told", "colour": "red"})
    facts.gather(Source())
    assert (facts["ansible_hostname"], facts["colour"]) == ("told", "red")
    assert (facts.all()["hostname"], facts.all()["colour"]) == ("told", "red")


def test_the_environment_of_the_play_shows_in_it() -> None:
    facts = HostFacts()
    facts.gather(Source(), (), [{"A": "2"}, {"B": "3"}])
    assert facts["ansible_env"] == {"A": "2", "B": "3"}


def test_facts_of_a_result_do_not_steer() -> None:
    assert facts_in({"ansible_facts": {"a": 1, "ansible_connection": "local", "aws": {}}}) == {"a": 1}
    assert facts_in({"ansible_facts": "none"}) == facts_in({}) == {}


PLAYS = """
- hosts: localhost:far
  gather_facts: {first}
  tasks:
  - {{name: here, debug: {{msg: "{{{{ ansible_system is defined }}}} {{{{ ansible_facts | length > 0 }}}}"}}}}
- hosts: localhost
  gather_facts: false
  vars: {{ansible_nodename: mine}}
  tasks:
  - {{name: later, debug: {{msg: "{{{{ ansible_system is defined }}}} {{{{ ansible_nodename }}}}"}}}}
  - meta: clear_facts
  - {{name: cleared, debug: {{msg: "{{{{ ansible_system is defined }}}} {{{{ ansible_facts }}}}"}}}}
"""


def test_hosts_on_this_machine_have_facts_once_a_play_gathered(folder: Folder) -> None:
    folder.inventory = "localhost,far"
    played = folder.play(PLAYS.format(first="true"))
    assert played.message("here", "localhost") == "True True"
    assert played.message("here", "far") == "False False"
    assert played.message("later") == "True mine"
    assert played.message("cleared") == "False {}"
    assert folder.play(PLAYS.format(first="'{{ false }}'"), fresh=True).message("later") == "False mine"


def test_a_resumed_run_has_its_first_time(folder: Folder) -> None:
    text = """
- hosts: localhost
  tasks:
  - {name: first, debug: {msg: "{{ ansible_date_time.iso8601_micro }}"}}
  - {name: stops, assert: {that: go is defined}}
  - {name: last, debug: {msg: "{{ ansible_date_time.iso8601_micro }}"}}
"""
    first = folder.play(text).message("first")
    resumed = folder.play(text.replace("go is defined", "true"))
    assert resumed.started.resumed
    assert resumed.message("last") == first


def test_an_unknown_subset_of_a_play_is_told(folder: Folder) -> None:
    played = folder.play("- hosts: localhost\n  gather_subset: [netwrok]\n  tasks: [{debug: }]\n")
    assert played.code != 0
    assert "netwrok" in played.notices
    assert "network" in played.notices


def test_a_read_of_nothing_imports_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("runbook.modules._facts")]:
        monkeypatch.delitem(sys.modules, name)
    folder.play(
        "- hosts: localhost\n  tasks: [{debug: {msg: '{{ inventory_hostname }}'}}, {command: 'true'}]\n"
    )
    assert not [name for name in sys.modules if name.startswith("runbook.modules._facts")]
