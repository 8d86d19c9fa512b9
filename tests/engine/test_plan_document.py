"""`plan --output json`: one document, which its schema describes."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from runbook.plan_document import PlanDocument, schema
from runbook.plan_run import Making, PlanPart
from runbook.secrets import Masker
from runbook.values import Secret

from tests.support.plays import Folder

BOOK = """
    - hosts: localhost
      tasks:
        - {name: write, copy: {content: "{{ token }}", dest: a}}
        - {name: hidden, copy: {content: hush hush, dest: b}, no_log: true}
        - {name: run, command: echo hi, register: ran}
        - {name: quiet, command: git status, changed_when: false}
        - {name: maybe, debug: {msg: x}, when: ran.stdout == 'hi'}
        - {name: each, copy: {content: x, dest: "{{ item }}"}, loop: [c, d]}
        - {name: known later, copy: {content: "{{ ran.stdout }}", dest: e}}
        - {name: calm, file: {path: ., state: directory}}
"""


def document(folder: Folder, book: str) -> dict[str, Any]:
    made: list[Making] = []

    def making(masker: Masker) -> PlanPart:
        made.append(Making(masker))
        return made[0]

    played = folder.play(book, plan=making, check=True, extra_vars={"token": Secret("hunter2hunter2", "-e")})
    found: PlanDocument = made[0].document(played.code, (), ("a note",))
    told: dict[str, Any] = json.loads(msgspec.json.encode(found))
    jsonschema.Draft202012Validator(schema()).validate(told)
    return told


@pytest.fixture
def told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder.path)
    return document(folder, BOOK)


def test_it_tells_each_change_once(told: dict[str, Any]) -> None:
    found = {
        step["task"]: [(change["action"], change["item"], change["after"]) for change in step["changes"]]
        for step in told["steps"]
    }
    assert list(found) == ["write", "hidden", "run", "maybe", "each", "known later"]
    assert found["run"] == [("run", None, {"command": "echo hi"})]
    assert found["maybe"] == [("undecided", None, None)]
    assert [item for _, item, _ in found["each"]] == ["c", "d"]
    assert "$unknown" in json.dumps(found["known later"])


def test_it_counts_them(told: dict[str, Any]) -> None:
    summary = {"add": 5, "change": 0, "replace": 0, "remove": 0, "run": 1, "undecided": 1}
    assert told["summary"] == summary
    assert (told["complete"], told["exit_code"], told["notes"]) == (True, 0, ["a note"])


def test_it_shows_no_secret(told: dict[str, Any]) -> None:
    assert "hunter2" not in json.dumps(told)
    assert "hush" not in json.dumps(told)
    assert base64.b64encode(b"hush hush").decode()[:8] not in json.dumps(told)


def test_every_object_of_the_schema_is_closed_by_its_names(told: dict[str, Any]) -> None:
    names = {
        name: set(part["properties"]) for name, part in schema()["$defs"].items() if "properties" in part
    }
    assert names["PlanDocument"] == set(told)
    assert names["ShownStep"] == set(told["steps"][0])
    assert names["ShownChange"] == set(told["steps"][0]["changes"][0])
