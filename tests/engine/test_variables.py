"""Which variable wins, and what the engine itself knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import Position
from runbook.model import Host, Role, Task
from runbook.options import Options
from runbook.template import Templates
from runbook.values import Expression, Template
from runbook.variables import HostState, Surroundings


def surroundings(**fields: Any) -> Surroundings:
    states = {
        "web.example.com": HostState(Host("web.example.com", {"a": "host", "own": "host"}, ("all", "web"))),
        "db": HostState(Host("db", {"port": Template("{{ 5000 + 432 }}")}, ("all",))),
    }
    given: dict[str, Any] = {
        "templates": Templates(Path()),
        "extra_vars": {},
        "play_vars": [{"a": "file"}, {"a": "play", "b": "play"}],
        "hosts": states,
        "groups": {"all": list(states), "web": ["web.example.com"]},
        "play_hosts": list(states),
        "batch": list(states),
        "playbook_dir": Path("books").absolute(),
        "inventory_sources": ["h1,"],
        "check": False,
        "run": "r1",
    }
    return Surroundings(**{**given, **fields})


def task(role: Role | None = None, params: Mapping[str, Any] | None = None, **vars_: Any) -> Task:
    at = Position(f"{role.path}/tasks/main.yml" if role else "books/site.yml", 1, 1)
    return Task(
        module="debug", args={}, position=at, identity="t", role=role, vars=vars_, params=params or {}
    )


def value(expression: str, around: Surroundings | None = None, doing: Task | None = None) -> Any:
    around = around or surroundings()
    return around.scope(around.hosts["web.example.com"], doing).evaluate(Expression(expression))


def test_precedence_from_the_weakest_to_the_strongest() -> None:
    around = surroundings()
    state = around.hosts["web.example.com"]

    def a(**vars_: str) -> Any:
        return around.scope(state, task(role, **vars_), include).get("a")

    role: Role | None = None
    include: dict[str, str] = {}
    around.play_vars = []
    around.roles = [Role(name="p", path="/p", identity="p", defaults={"a": "weakest"})]
    assert around.scope(state).get("own") == a() == "host"
    state.gathered.learn({"a": "gathered"})
    assert a() == "gathered"
    around.play_vars = [{"a": "play"}]
    assert a() == "play"
    around.publish(Role(name="q", path="/q", identity="q", vars={"a": "exported"}))
    assert a() == "exported"
    role = Role(name="r", path="/r", identity="r", vars={"a": "role"}, defaults={"a": "default"})
    assert a() == "role"
    assert a(a="task") == "task"
    state.included["a"] = "read"
    assert a(a="task") == "read"
    state.facts["a"] = "fact"
    assert a(a="task") == "fact"
    role = replace(role, params={"a": "param"})
    assert a(a="task") == "param"
    include["a"] = "include"
    assert a(a="task") == "include"
    around.extra_vars = {"a": "extra", "inventory_hostname": "fake"}
    assert a(a="task") == "extra"
    assert around.scope(state).get("inventory_hostname") == "web.example.com"


def test_a_role_sees_its_parents_and_its_dependencies() -> None:
    def role(name: str, **more: Any) -> Role:
        own = {"vars": {"v": name, name: 1}, "defaults": {"d": name, f"{name}_d": 1}}
        return Role(name=name, path=f"/{name}", identity=name, **{**own, **more})

    parent = role("parent", vars={"parent": 1, "v": "parent"}, given={"given": 1})
    needed = role("needed", given={"hidden": 1})
    child = role("child", parents=(parent,), dependencies=(needed,), by_include=True)
    around = surroundings(roles=[role("other", dependencies=(role("deep"),)), role("private", public=False)])

    assert value("[v, d, given, needed, parent, needed_d, other, deep]", around, task(child)) == [
        "child", "child", 1, 1, 1, 1, 1, 1,
    ]  # fmt: skip
    assert value("[v, d, hidden is defined, private is defined]", around) == ["other", "other", False, False]
    assert value("[role_name, role_path, ansible_parent_role_names]", around, task(child)) == [
        "child", "/child", ["parent"],
    ]  # fmt: skip
    assert value("[ansible_play_role_names, ansible_dependent_role_names]", around) == [
        ["other", "private"], ["deep"],
    ]  # fmt: skip


def test_a_tasks_files_are_looked_for_in_its_roles_first() -> None:
    outer = Role(name="outer", path="/roles/outer", identity="o")
    inner = Role(name="inner", path="/roles/inner", identity="i", parents=(outer,))

    assert value("ansible_search_path", doing=task(inner)) == [
        "/roles/inner", "/roles/outer", "/roles/inner/tasks", str(Path("books").absolute()),
    ]  # fmt: skip


def test_other_hosts_see_nothing_of_a_play() -> None:
    around = surroundings()
    around.hosts["db"].facts["seen"] = around.hosts["db"].included["read"] = 1

    assert value("hostvars.db.seen + hostvars.db.read", around) == 2
    assert value("[hostvars.db.b is defined, hostvars.db.play_hosts is defined]", around) == [False, False]


def test_gathered_facts_are_variables_and_ansible_facts() -> None:
    around = surroundings()
    around.hosts["web.example.com"].gathered.learn({"ansible_system": "Linux", "kept": 1})

    assert value("[ansible_system, kept, ansible_facts]", around) == [
        "Linux", 1, {"system": "Linux", "kept": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("inventory_hostname_short", "web"),
        ("group_names", ["web"]),
        ("groups.web", ["web.example.com"]),
        ("hostvars.db.port", 5432),
        ("hostvars['db'].inventory_hostname", "db"),
        ("hostvars | length", 2),
        ("'nix' in hostvars", False),
        ("play_hosts == ansible_play_hosts", True),
        ("ansible_check_mode", False),
        ("ansible_run_tags", ["all"]),
        ("runbook_run", "r1"),
        ("ansible_limit is defined", False),
        ("ansible_inventory_sources", ["h1,"]),
        ("playbook_dir", str(Path("books").absolute())),
    ],
)
def test_what_the_engine_knows(expression: str, expected: object) -> None:
    assert value(expression) == expected


def test_optional_ones_are_there_when_they_are_known() -> None:
    around = surroundings(options=Options(limit="web"))

    assert value("ansible_limit", around) == "web"


def test_hostvars_list_only_hosts_that_somebody_named() -> None:
    around = surroundings()
    states = {**around.hosts, "localhost": HostState(Host("localhost", {"x": 1}, implicit=True))}
    around = surroundings(hosts=states)
    assert value("hostvars | list", around) == ["web.example.com", "db"]
    assert value("hostvars['localhost'].x", around) == 1


def test_names_hold_every_variable_once() -> None:
    around = surroundings()
    names = list(around.scope(around.hosts["db"], task(a=1)).names())

    assert len(names) == len(set(names))
    assert {"a", "b", "port", "hostvars"} <= set(names)
    assert "ansible_limit" not in names
