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
- {name: nothing, debug: {msg: }}
- {name: both, debug: {msg: x, var: y}, ignore_errors: true}
""",
    )
    assert played.message("plain") == "Hello world!"
    assert played.message("data") == [1, {"a": 2}]
    assert played.outcome("none").result["nothing.there"] == "<< error 1 - 'nothing' is undefined >>"
    assert "Encountered 1 template error" in played.outcome("none").result["warnings"][0]
    assert played.outcome("quiet").result["skipped_reason"] == "Verbosity threshold not met."
    assert played.message("nothing") is None
    assert {name: status for _, name, status in played.steps}["quiet"] == "skipped"
    assert played.message("both") == "parameters are mutually exclusive: msg|var"
    assert "groups.all | length" in played.outcome("value").result


def test_an_assertion_names_the_expression_that_does_not_hold(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: holds, assert: {that: [1 == 1, "'a' in 'abc'"], success_msg: fine}}
- {name: single, assert: {that: 1 == 2}, ignore_errors: true}
- {name: told, assert: {that: [1 == 1, 1 == 3], fail_msg: "Not {{ 1 + 2 }}"}, ignore_errors: true}
- {name: older, assert: {that: [false], msg: older}, ignore_errors: true}
- {name: number, assert: {that: ["[1] | length"]}, ignore_errors: true}
- {name: mapping, assert: {that: [true], fail_msg: {a: 1}}, ignore_errors: true}
- {name: texts, assert: {that: [1 == 2], fail_msg: [a, b]}, ignore_errors: true}
- {name: broken, assert: {that: [nothing.there == 1]}, ignore_errors: true}
""",
    )
    assert played.message("holds") == "fine"
    assert played.message("single") == "Assertion failed"
    assert played.outcome("older").result["assertion"] is False
    assert "must have a boolean result" in played.message("number")
    assert "a string or list of strings is required" in played.message("mapping")
    assert played.message("texts") == ["a", "b"]
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
    assert played.outcome("false all the same").result["assertion"] == "1 == 2"


def test_fail_fails(folder: Folder) -> None:
    played = play(folder, "- {name: bad, fail: {msg: because}}")
    assert (played.code, played.message("bad")) == (2, "because")


def test_facts_last_and_keep_their_types(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: set, set_fact: {number: "{{ 7 }}", text: "{{ '10.10' }}", list: [1, 2], cacheable: true}}
- {name: show, debug: {msg: "{{ [number, text, list] }}"}}
- {name: facts, debug: {msg: "{{ [ansible_facts.number, ansible_facts.list] }}"}}
- {name: key, set_fact: {"{{ 'made' }}_up": "{{ 7 + 1 }}"}}
- {name: made, debug: {msg: "{{ made_up }}"}}
- {name: nothing, set_fact: {}, ignore_errors: true}
- {name: bad, set_fact: {"my-name": 1}, ignore_errors: true}
""",
    )
    assert played.message("show") == [7, "10.10", [1, 2]]
    assert (
        played.message("nothing")
        == "No key/value pairs provided, at least one is required for this action to succeed"
    )
    assert played.message("bad") == "Invalid variable name 'my-name'."
    assert played.message("facts") == [7, [1, 2]]
    assert played.message("made") == 8


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


def test_an_added_host_is_a_change_of_the_run_once(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: add, add_host: {name: "web1:2222", groups: "web,late", colour: red}, register: r}
            - {name: again, add_host: {hostname: web1, groupname: [web], colour: red}}
            - {name: more, add_host: host=web1 group=web2 colour=red, register: quirk}
            - {name: none, add_host: {groups: web}, ignore_errors: true}
            - {name: told, debug: {msg: "{{ r.add_host }}"}}
            - {name: quirk, debug: {msg: "{{ quirk.add_host.host_vars }}"}}
        - hosts: web
          tasks: [{name: show, debug: {msg: "{{ colour }} {{ group_names | sort }} {{ ansible_ssh_port }}"}}]
        """
    )
    assert [s for _, _, s in played.steps][:4] == ["changed", "ok", "changed", "failed"]
    told = {
        "host_name": "web1",
        "groups": ["web", "late"],
        "host_vars": {"colour": "red", "ansible_ssh_port": 2222},
    }
    assert played.message("told") == told
    assert played.message("quirk") == {"colour": "red", "host": "web1", "group": "web2"}
    assert played.message("show", "web1") == "red ['late', 'web', 'web2'] 2222"


def test_hosts_are_grouped_by_what_is_known_of_them(folder: Folder) -> None:
    folder.inventory = "a,b"
    played = folder.play(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - {name: by, group_by: {key: "is {{ inventory_hostname }}", parents: [both, "all of them"]}}
            - {name: again, group_by: {key: "is {{ inventory_hostname }}", parents: both}}
        - hosts: both
          gather_facts: false
          tasks: [{name: show, debug: {msg: "{{ group_names }}"}}]
        """
    )
    assert [s for _, task, s in played.steps if task in ("by", "again")] == ["changed"] * 2 + ["ok"] * 2
    assert played.outcome("by", "a").result["add_group"] == "is-a"
    assert played.outcome("by", "a").result["parent_groups"] == ["both", "all-of-them"]
    assert played.message("show", "b") == ["all-of-them", "both", "is-b"]


STATS = """
- hosts: all
  gather_facts: false
  tasks:
  - {name: add, set_stats: {data: {count: 1, words: [x], map: {"k": 1}}}}
  - {name: own, set_stats: {data: {mine: "{{ inventory_hostname }}"}, per_host: true}}
  - {name: once, set_stats: {data: {once: 1}}, run_once: true}
  - {name: last, set_stats: {data: {count: 7}, aggregate: false}, when: inventory_hostname == 'none'}
  - {name: bad, set_stats: {data: [1]}, ignore_errors: true}
  - {name: stop, assert: {that: go | default(false)}}
"""


def test_stats_add_up_and_survive_a_resume(folder: Folder) -> None:
    folder.inventory = "a,b"
    kept = {
        "_run": {"count": 2, "words": ["x", "x"], "map": {"k": 1}, "once": 1},
        "a": {"mine": "a"},
        "b": {"mine": "b"},
    }
    first = folder.play(STATS)
    assert first.finished.stats == kept
    assert first.message("bad", "a") == "The 'data' option needs to be a dictionary/hash"
    told = first.outcome("add", "a").result["ansible_stats"]
    assert told == {
        "data": {"count": 1, "words": ["x"], "map": {"k": 1}},
        "per_host": False,
        "aggregate": True,
    }
    resumed = folder.play(STATS.replace("go | default(false)", "true"))
    assert resumed.started.resumed
    assert resumed.finished.stats == kept


def test_this_machine_answers(folder: Folder) -> None:
    played = play(
        folder,
        """
- {name: asked, ping: }
- {name: said, ping: {data: 5}}
- {name: bad, ping: data=crash, ignore_errors: true}
- {name: there, wait_for_connection: {timeout: 5}}
""",
    )
    assert played.outcome("asked").result["ping"] == "pong"
    assert played.outcome("said").result["ping"] == "5"
    assert played.message("bad") == "boom"
    assert played.outcome("there").result["elapsed"] == 0


def test_modules_that_need_a_login_are_refused_with_what_to_use_instead(folder: Folder) -> None:
    with pytest.raises(LoadError) as caught:
        play(folder, "- {apt: {name: nginx}}\n- action: service name=x\n- {ansible.builtin.git: {repo: x}}")
    told = str(caught.value)
    for name in ("apt", "service", "git"):
        assert f"The module '{name}' is not supported" in told
    assert "connection: ssm" in told


def test_the_message_of_an_assertion_may_be_known_after_apply_only(folder: Folder) -> None:
    text = """
        - hosts: localhost
          gather_facts: false
          tasks:
            - {name: run, command: echo x, register: ran}
            - {name: holds, assert: {that: 1 == 1, fail_msg: "It said {{ ran.stdout }}"}}
        """
    assert folder.play(text, check=True).code == 0
