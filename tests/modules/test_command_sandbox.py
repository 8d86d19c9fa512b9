"""`command` and `shell` with `connection: ssm`: on the sandbox's instance, in one play."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.cli import Desk, Ended

INVENTORY = """
lab:
  hosts:
    client: {ansible_host: LabInstance}
  vars:
    aws: {endpoint_url: sandbox, region: eu-west-2}
    ansible_connection: ssm
"""

PLAYBOOK = """
- hosts: lab
  tasks:
    - {name: words, command: "printf '%s;' 'a b' $HOME *"}
    - {name: text, shell: 'echo "$WORD" | tr a-z A-Z; echo x >&2', environment: {WORD: "it's"}}
    - {name: make, shell: 'mkdir -p "/tmp/a b"; touch "/tmp/a b/made-1"'}
    - {name: there, shell: {cmd: touch /tmp/never, creates: "/tmp/a b/made-*"}}
    - {name: gone, command: {argv: [touch, /tmp/never], removes: /tmp/nowhere}}
    - {name: inside, command: {argv: [pwd], chdir: "/tmp/a b", creates: made-2, removes: made-1}}
    - {name: bad, shell: "echo out; echo why >&2; exit 3", ignore_errors: true}
    - {name: secret, command: echo hunter2, no_log: true, register: secret}
    - {name: leak, command: "login {{ secret.stdout }}", ignore_errors: true}
    - {name: exported, command: login, environment: {W: "{{ secret.stdout }}"}, ignore_errors: true}
    - {name: fed, command: {argv: [cat], stdin: x}, ignore_errors: true}
"""


def outcomes(ended: Ended) -> Mapping[str, Any]:
    return {e["task"]: e["outcome"] for e in ended.events if e["event"] == "step_finished"}


@pytest.fixture(scope="session")
def seen() -> dict[str, Mapping[str, Any]]:
    """What the plan and the play told, once for all tests here."""
    return {}


@pytest.fixture
def planned(desk: Desk, seen: dict[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if "planned" not in seen:
        (desk.folder / "hosts.yml").write_text(INVENTORY)
        (desk.folder / "site.yml").write_text(PLAYBOOK)
        ended = desk.run("play", "site.yml", "-i", "hosts.yml", "--output", "json", "--check")
        seen["planned"] = outcomes(ended)
    return seen["planned"]


@pytest.fixture
def played(desk: Desk, seen: dict[str, Mapping[str, Any]], planned: Mapping[str, Any]) -> Mapping[str, Any]:
    if "played" not in seen:
        ended = desk.run("play", "site.yml", "-i", "hosts.yml", "--output", "json")
        assert ended.code == 0, ended
        seen["played"] = outcomes(ended)
    return seen["played"]


def test_words_and_shell_text_arrive_as_they_were_written(played: Mapping[str, Any]) -> None:
    assert played["words"]["result"]["stdout"] == "a b;$HOME;*;"
    assert played["text"]["result"]["stdout"] == "IT'S"
    assert played["text"]["result"]["stderr"] == "x"


def test_guards_are_asked_on_the_instance(played: Mapping[str, Any]) -> None:
    assert [played[name]["status"] for name in ("there", "gone", "inside")] == ["ok", "ok", "changed"]
    assert played["there"]["result"]["msg"] == "Did not run command since '/tmp/a b/made-*' exists"
    assert played["gone"]["result"]["msg"] == "Did not run command since '/tmp/nowhere' does not exist"
    assert played["inside"]["result"]["stdout"] == "/tmp/a b"  # noqa: S108


def test_a_plan_asks_them_too_and_runs_nothing(planned: Mapping[str, Any]) -> None:
    """In the world before the play: neither file nor folder is there."""
    assert [planned[name]["status"] for name in ("there", "gone", "inside")] == ["changed", "ok", "ok"]


def test_a_failure_tells_code_and_the_commands_own_last_line(played: Mapping[str, Any]) -> None:
    result = played["bad"]["result"]
    assert result["msg"].endswith("exit code 3: why")
    assert (result["rc"], result["stdout"], result["stderr"]) == (3, "out", "why")


def test_secrets_do_not_travel(desk: Desk, played: Mapping[str, Any]) -> None:
    assert played["leak"]["result"]["msg"].startswith("A secret in `cmd`")
    assert played["exported"]["result"]["msg"].startswith("A secret in `environment`")
    sent = desk.aws("ssm").list_commands()["Commands"]
    assert "login" not in json.dumps(sent, default=str)


def test_standard_input_is_refused_before_anything_is_sent(
    planned: Mapping[str, Any], played: Mapping[str, Any]
) -> None:
    for outcome in (planned["fed"], played["fed"]):
        assert "`stdin` can't be carried" in outcome["result"]["msg"]


def test_the_account_is_checked_before_a_command_travels(desk: Desk, played: Mapping[str, Any]) -> None:
    (desk.folder / "other.yml").write_text(
        INVENTORY.replace("eu-west-2", 'eu-west-2, allowed_account_ids: ["999999999999"]')
    )
    before = len(desk.calls())
    refused = desk.run("play", "site.yml", "-i", "other.yml")
    assert refused.code == 1, refused
    assert "allowed_account_ids" in refused.stderr
    assert {call["action"] for call in desk.calls()[before:]} == {"GetCallerIdentity"}
