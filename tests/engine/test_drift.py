"""Drift: what a dry run's changes say of a playbook's declarations; and the commands that only look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runbook.contract import Params, Permissions
from runbook.drift import Drift, drift_of
from runbook.errors import Position
from runbook.model import Action, Change
from runbook.promise import Call
from runbook.values import Unknown

from tests.support.cli import Desk


class Thing:
    permissions = Permissions(write=("x:Change",))
    passing = frozenset({"size"})


def call(task: str, region: str = "a", **fields: Any) -> Call:
    return Call(
        step=task,
        item="",
        first=True,
        host="h",
        task=task,
        module="thing",
        position=Position("site.yml", 3, 1),
        params=Params(),
        settings={"aws": {"region": region}},
        **fields,
    )


def change(before: Any, after: Any, action: Action = Action.UPDATE, resource: str | None = "r") -> Change:
    return Change(action=action, resource=resource, before=before, after=after)


def drift(*held: tuple[Call, Change]) -> list[Drift]:
    return list(drift_of(held, lambda _name: Thing()))


def test_the_last_writer_of_a_field_decides() -> None:
    there = {"replicas": 1, "nodes": [1, 2]}
    part1 = change(there, {"replicas": 0, "nodes": Unknown("nodes")})
    part5 = change(part1.after, {"replicas": 1, "nodes": Unknown("nodes")})
    assert drift((call("part 1"), part1), (call("part 5"), part5)) == []
    (one,) = drift((call("part 1"), part1))
    assert (one.field, one.there, one.declared, one.call.task) == ("replicas", 1, 0, "part 1")


def test_what_is_missing_or_should_be_is_told_once() -> None:
    made = change(None, {"a": 1}, Action.CREATE)
    (one,) = drift((call("make"), made), (call("edit"), change({"a": 1}, {"a": 2})))
    assert one.missing
    (other,) = drift((call("remove"), change({"a": 1}, None, Action.DELETE)))
    assert (other.field, other.missing) == ("", False)


def test_commands_and_what_follows_from_others_are_no_drift() -> None:
    ran = change(None, None, Action.RUN)
    size = change({"size": 1}, {"size": 2})
    assert (
        drift((call("run"), ran), (call("size"), size), (call("read"), change(None, None, Action.READ))) == []
    )


def test_the_same_name_elsewhere_and_things_without_a_name_are_things_of_their_own() -> None:
    one, other = change({"a": 1}, {"a": 2}), change({"a": 2}, {"a": 1})
    assert len(drift((call("x", "a"), one), (call("y", "b"), other))) == 2
    nameless = change(None, {"a": 1}, Action.CREATE, None)
    assert [d.resource for d in drift((call("x"), nameless), (call("y"), nameless))] == ["x (h)", "y (h)"]


def test_nothing_of_a_no_log_task_is_told() -> None:
    (one,) = drift((call("x", secret=True), change({"a": "p1"}, {"a": "p2"})))
    assert "p1" not in str((one.there, one.declared))


PLAY = """
- hosts: localhost
  tasks:
    - {name: whole, copy: {content: "a\\n", dest: one}}
    - {name: line, lineinfile: {path: one, line: more}}
    - {name: mode, file: {path: one, mode: '0600'}}
    - {name: ran, command: date}
    - {name: two, copy: {content: x, dest: two}}
"""


def test_drift_and_verification_of_a_run_on_this_machine(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "site.yml").write_text(PLAY)
    assert desk.run("play", "site.yml").code == 0

    quiet = desk.run("drift", "site.yml")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", ""), quiet
    well = desk.run("resume", "--verify")
    assert well.code == 0, well
    assert "all is as it was left" in well.stdout

    (tmp_path / "one").chmod(0o644)
    (tmp_path / "two").unlink()
    found = desk.run("drift", "site.yml")
    assert found.code == 3, found
    assert f"{tmp_path}/two\n    is not there  (two, site.yml:8)" in found.stdout
    assert 'mode: "0600" is declared, "0644" is there  (mode, site.yml:6)' in found.stdout
    assert "line" not in found.stdout, "the line is there"
    assert "\x1b" not in found.stdout
    told = json.loads(desk.run("drift", "site.yml", "--output", "json").stdout)
    assert told["exit_code"] == 3
    assert {(one["field"], one["there"], one["declared"]) for one in told["drift"]} == {
        ("mode", "0644", "0600"),
        ("", False, True),
    }

    (tmp_path / "one").write_text("a\nmore\nby hand\n")
    looked = desk.run("resume", "--verify")
    assert looked.code == 3
    assert 'mode was left as "0600", and is "0644" (mode)' in looked.stdout
    assert "two: is not there any more (two)" in looked.stdout
    assert "by hand" in looked.stdout, "though the line that was asked for is there"
    assert not (tmp_path / "two").exists(), "nothing is repaired"
    assert len(json.loads(desk.run("runs", "--output", "json").stdout)) == 1, "and no run was begun"
