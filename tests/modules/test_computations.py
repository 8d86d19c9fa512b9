"""Modules that only decide: `debug`, `assert`, `fail`, `set_fact`, `meta`, `include_tasks`, `add_host`."""

from __future__ import annotations

import pytest
from runbook.errors import LoadError

from tests.support.plays import Folder, Played


def play(folder: Folder, tasks: str, **options: object) -> Played:
    lines = "\n".join(f"    {line}" for line in tasks.strip().splitlines())
    return folder.play(f"- hosts: localhost\n  tasks:\n{lines}\n", **options)


def test_debug_shows_a_message_or_a_value(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: plain, debug: {}}
- {name: data, debug: {msg: [1, {a: "{{ 1 + 1 }}"}]}}
- {name: value, debug: {var: groups.all | length}}
- {name: none, debug: {var: nothing.there}}
- {name: quiet, debug: {msg: x, verbosity: 2}}
- {name: both, debug: {msg: x, var: y}, ignore_errors: true}
""",
    )
    assert played.message("plain") == "Hello world!"
    assert played.message("data") == [1, {"a": 2}]
    assert played.outcome("none").result["nothing.there"] == "<< error 1 - 'nothing' is undefined >>"
    assert {name: status for _, name, status in played.steps}["quiet"] == "skipped"
    assert played.message("both") == "debug shows either `msg` or `var`"
    assert "groups.all | length" in played.outcome("value").result


def test_an_assertion_names_the_expression_that_does_not_hold(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: holds, assert: {that: [1 == 1, "'a' in 'abc'"], success_msg: fine}}
- {name: single, assert: {that: 1 == 2}, ignore_errors: true}
- {name: told, assert: {that: [1 == 1, 1 == 3], fail_msg: "Not {{ 1 + 2 }}"}, ignore_errors: true}
- {name: older, assert: {that: [false], msg: older}, ignore_errors: true}
- {name: broken, assert: {that: [nothing.there == 1]}, ignore_errors: true}
""",
    )
    assert played.message("holds") == "fine"
    assert played.message("single") == "Assertion failed: 1 == 2"
    told = played.outcome("told").result
    assert (told["msg"], told["assertion"], told["evaluated_to"]) == ("Not 3", "1 == 3", False)
    assert played.message("older") == "older"
    assert "nothing" in played.message("broken")


def test_an_assertion_on_what_is_not_known_yet_neither_holds_nor_fails(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: run, command: date, register: later}
- {name: open, assert: {that: [later.stdout == 'x']}}
- {name: false all the same, assert: {that: [later.stdout == 'x', 1 == 2]}, ignore_errors: true}
""",
        check=True,
    )
    assert not played.outcome("open").failed
    assert played.message("false all the same") == "Assertion failed: 1 == 2"


def test_fail_fails(folder: Folder) -> None:
    played = play(folder, "- {name: bad, fail: {msg: because}}")
    assert (played.code, played.message("bad")) == (2, "because")


def test_facts_last_and_keep_their_types(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: set, set_fact: {number: "{{ 7 }}", text: "{{ '10.10' }}", list: [1, 2], cacheable: true}}
- {name: show, debug: {msg: "{{ [number, text, list] }}"}}
- {name: nothing, set_fact: {}, ignore_errors: true}
- {name: bad, set_fact: {"my-name": 1}, ignore_errors: true}
""",
    )
    assert played.message("show") == [7, "10.10", [1, 2]]
    assert played.message("nothing") == "set_fact was given nothing to set"
    assert "'my-name' can't be the name of a variable" in played.message("bad")


def test_words_to_the_engine(folder: Folder) -> None:
    folder.inventory = "a,b"
    played = folder.play(
        """
        - hosts: all
          tasks:
            - {name: noop, meta: noop}
            - {name: fact, set_fact: {x: 1}}
            - {name: forget, meta: clear_facts}
            - {name: kept, debug: {msg: "{{ x }}"}}
            - {name: leave, meta: end_host, when: inventory_hostname == 'a'}
            - {name: stay, debug: {}}
            - {name: all, meta: end_play}
            - {name: never, debug: {}}
        - hosts: all
          tasks: [{name: next play, debug: {}}]
        """
    )
    assert played.message("kept", "a") == 1, "as in Ansible: what was gathered goes, what was set stays"
    hosts = [(task, host) for host, task, _ in played.steps]
    assert ("stay", "a") not in hosts
    assert ("stay", "b") in hosts
    assert "never" not in played.names
    assert {host for task, host in hosts if task == "next play"} == {"a", "b"}


def test_a_word_that_is_none_is_told_at_load(folder: Folder) -> None:
    with pytest.raises(LoadError, match="flush_handlers"):
        play(folder, "- meta: flush_handler")


def test_an_include_that_is_not_known_yet_is_left_open(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: run, command: date, register: later}
- {name: include, include_tasks: "{{ later.stdout }}.yml"}
- {name: after, debug: {}}
""",
        check=True,
    )
    assert not played.outcome("include").failed
    assert "after" in played.names


def test_an_added_host_is_no_change(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks: [{name: add, add_host: {name: web1, groups: "web,late", colour: red}}]
        - hosts: web
          tasks: [{name: show, debug: {msg: "{{ colour }} {{ group_names | sort }}"}}]
        """
    )
    assert [s for _, _, s in played.steps] == ["ok", "ok"]
    assert played.message("show", "web1") == "red ['late', 'web']"
