"""Which variable wins, and what the engine itself knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.model import Host
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
        "inventory_dir": None,
        "check": False,
        "run": "r1",
    }
    return Surroundings(**{**given, **fields})


def value(expression: str, around: Surroundings | None = None, **vars_: Any) -> Any:
    around = around or surroundings()
    scope = around.scope(around.hosts["web.example.com"], vars_, {})
    return scope.evaluate(Expression(expression))


def test_precedence_from_the_weakest_to_the_strongest() -> None:
    around = surroundings()
    state = around.hosts["web.example.com"]

    def a(**task: str) -> Any:
        return around.scope(state, task, include).get("a")

    include: dict[str, str] = {}
    assert around.scope(state, {}, {}).get("own") == "host"
    assert a() == "file"
    assert a(a="task") == "task"
    state.facts["a"] = "fact"
    assert a(a="task") == "fact"
    include["a"] = "include"
    assert a(a="task") == "include"
    around.extra_vars = {"a": "extra", "inventory_hostname": "fake"}
    assert a(a="task") == "extra"
    assert around.scope(state, {}, {}).get("inventory_hostname") == "web.example.com"


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
        ("inventory_dir is defined", False),
        ("ansible_failed_task is defined", False),
        ("playbook_dir", str(Path("books").absolute())),
    ],
)
def test_what_the_engine_knows(expression: str, expected: object) -> None:
    assert value(expression) == expected


def test_optional_ones_are_there_when_they_are_known() -> None:
    around = surroundings(inventory_dir=Path("/inv"))
    around.hosts["web.example.com"].failed_task = {"name": "t"}

    assert value("inventory_dir", around) == str(Path("/inv"))
    assert value("ansible_failed_task.name", around) == "t"


def test_names_hold_every_variable_once() -> None:
    around = surroundings()
    names = list(around.scope(around.hosts["db"], {"a": 1}, {}))

    assert len(names) == len(set(names))
    assert {"a", "b", "port", "hostvars"} <= set(names)
    assert "inventory_dir" not in names
