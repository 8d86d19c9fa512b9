"""A change reads as prose; whole outputs stand in tests/golden/diff."""

from __future__ import annotations

import re
import time
from typing import Any

import msgspec
import pytest
from runbook import diff
from runbook.model import Action, Change
from runbook.style import colour
from runbook.values import Secret, Unknown

from tests.support.golden import assert_golden


class Node(msgspec.Struct, frozen=True):
    name: str
    zone: str


class Shard(msgspec.Struct, frozen=True):
    name: str
    slots: str
    nodes: tuple[Node, ...]


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "lab-cluster"
    engine: str = "valkey"
    engine_version: str = "7.2"
    node_type: str = "db.r6g.large"
    replicas: int = 0
    security_groups: tuple[str, ...] = ("sg-1",)
    endpoint: object = None
    tags: dict[str, object] = msgspec.field(default_factory=dict)
    shards: tuple[Shard, ...] = ()
    password: object = None
    description: str = ""


RESOURCE = "memorydb:cluster/lab-cluster"
A = Node("lab-cluster-0001-001", "eu-west-2a")
B = Node("lab-cluster-0001-002", "eu-west-2b")
STANDING = Cluster(
    endpoint="clustercfg.lab:6379",
    tags={"owner": "ops", "team": "data"},
    shards=(Shard("0001", "0-16383", (A,)),),
)


def changed(action: Action, before: Any = None, after: Any = None, reason: str = "") -> Change:
    return Change(action=action, resource=RESOURCE, before=before, after=after, reason=reason)


CASES = {
    "create": changed(
        Action.CREATE, None, Cluster(endpoint=Unknown("e"), password=Secret("hunter2")), "it does not exist"
    ),
    "update": changed(
        Action.UPDATE,
        STANDING,
        Cluster(
            replicas=1,
            security_groups=("sg-1", "sg-2"),
            endpoint=STANDING.endpoint,
            tags={"owner": "dev", "team": "data", "new": Unknown("n")},
            shards=(Shard("0001", "0-16383", (A, B)),),
        ),
        "1 replica is asked for, 0 are there",
    ),
    "delete": changed(Action.DELETE, STANDING, None, "state: absent"),
    "replace": changed(
        Action.REPLACE,
        STANDING,
        msgspec.structs.replace(STANDING, name="other", endpoint=Unknown("e")),
        "the name can't be changed",
    ),
    "read": changed(Action.READ, None, None, "waits until it is available"),
    "run": changed(Action.RUN, None, {"argv": ["make", "install"], "chdir": "/opt/valkey"}),
    "undecided": Change(
        action=Action.UNDECIDED, reason="`when` depends on memorydb:cluster/lab-cluster endpoint"
    ),
    "none": changed(Action.NONE, STANDING, STANDING),
    "text": changed(
        Action.UPDATE,
        {"path": "/etc/motd", "content": "".join(f"line {n}\n" for n in range(1, 21))},
        {
            "path": "/etc/motd",
            "content": "".join(f"line {'ten' if n == 10 else n}\n" for n in range(1, 21) if n != 18),
        },
    ),
    "text_created": changed(Action.CREATE, None, {"path": "/etc/motd", "content": "hello\n\nthere\n"}),
    "long_values": changed(
        Action.UPDATE, {"policy": "a" * 60, "n": 1}, {"policy": "b" * 60, "n": 1}, "the policy differs"
    ),
    "records": changed(
        Action.UPDATE,
        {
            "rules": [
                {"port": 6379, "peer": "sg-1"},
                {"port": 22, "peer": "sg-2"},
                {"port": 80, "peer": "sg-3"},
            ]
        },
        {
            "rules": [
                {"port": 6379, "peer": "sg-1"},
                {"port": 22, "peer": "sg-9"},
                {"port": 80, "peer": "sg-3"},
            ]
        },
    ),
    "secrets": changed(
        Action.UPDATE,
        {"password": Secret("one"), "same": Secret("x"), "was": Secret("y"), "list": [Secret("a")]},
        {"password": Secret("two"), "same": Secret("x"), "was": "plain", "list": [Secret("b")]},
    ),
    "plain_values": changed(Action.UPDATE, "John", "Pat", "the value differs"),
    "from_journal": changed(
        Action.UPDATE, msgspec.to_builtins(STANDING), msgspec.to_builtins(STANDING) | {"replicas": 1}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_reads_as_it_should(name: str) -> None:
    assert_golden(
        f"diff/{name}.txt", "\n".join([diff.headline(CASES[name]), "", *diff.lines(CASES[name])]) + "\n"
    )


@pytest.mark.parametrize("name", CASES)
def test_no_secret_shows_and_colour_changes_no_word(name: str) -> None:
    painted = "\n".join(diff.lines(CASES[name], colour))
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == "\n".join(diff.lines(CASES[name]))
    assert "hunter2" not in painted
    assert "\n\x1b[0m" not in painted


def test_a_change_that_was_applied_is_told_as_past() -> None:
    head = diff.lines(CASES["delete"], done=True)[0]
    assert head == f"# {RESOURCE} was deleted: state: absent"


def test_every_action_has_its_words() -> None:
    for action in Action:
        lines = diff.lines(changed(action))
        assert lines[0].startswith(f"# {RESOURCE} ")
        assert lines[1] == f"{diff.SYMBOLS[action]} {RESOURCE}"


def test_the_legend_names_symbols_in_use_only() -> None:
    assert diff.legend([CASES["replace"], CASES["create"], CASES["none"]]) == [
        "Symbols:",
        "    +  create",
        "  -/+  delete, then create again",
    ]
    assert diff.legend([CASES["none"]]) == []


def test_the_closing_line_counts() -> None:
    changes = [CASES[name] for name in ("create", "create", "update", "undecided", "read", "none")]
    assert diff.summary(changes) == "Plan: 2 to add, 1 to change, 0 to replace, 0 to remove, 1 undecided."
    assert diff.summary([CASES["run"], CASES["delete"], CASES["replace"]]) == (
        "Plan: 0 to add, 0 to change, 1 to replace, 1 to remove, 1 to run."
    )


def test_no_change_is_said_in_a_sentence() -> None:
    for nothing in ([], [CASES["none"], CASES["read"]]):
        assert diff.summary(nothing) == "No changes. The world is already as the playbook describes it."


def test_what_is_not_known_is_never_taken_for_equal() -> None:
    lines = diff.lines(changed(Action.UPDATE, {"a": Unknown("x"), "b": 1}, {"a": Unknown("x"), "b": 1}))
    assert "    ~ a: (known after apply) -> (known after apply)" in lines
    unknown = Unknown("x")
    same = diff.lines(changed(Action.UPDATE, {"a": unknown}, {"a": unknown}))
    assert same[2:] == ["      # (1 unchanged field hidden)"]


def test_long_values_and_texts_are_cut() -> None:
    text = "".join(f"line {number}\n" for number in range(1_000))
    created = diff.lines(changed(Action.CREATE, None, {"content": text, "key": "x" * 5_000}))
    assert "        # (800 lines more)" in created
    assert len(created) < 210
    assert max(map(len, created)) < 500
    assert any(line.endswith("... (5002 characters)") for line in created)


def test_long_lists_are_cut() -> None:
    names = [f"name {number}" for number in range(1_000)]
    lines = diff.lines(changed(Action.UPDATE, {"names": names[:2]}, {"names": names}))
    assert lines[-2:] == ["          # (798 items more)", "          # (2 unchanged items hidden)"]


def test_huge_texts_are_not_compared() -> None:
    old, new = ("".join(f"{word} {number}\n" for number in range(100_000)) for word in ("old", "new"))
    began = time.perf_counter()
    lines = diff.lines(changed(Action.UPDATE, {"content": old}, {"content": new}))
    assert lines[-1] == "        # (100000 lines become 100000 lines)"
    assert time.perf_counter() - began < 5


def test_bytes_that_are_text_are_compared_as_text() -> None:
    lines = diff.lines(changed(Action.UPDATE, {"content": b"a\nb\n"}, {"content": b"a\nc\n"}))
    assert lines[-4:] == ["        @@ -1,2 +1,2 @@", "          a", "        - b", "        + c"]
    raw = diff.lines(changed(Action.UPDATE, {"content": b"\xff\n"}, {"content": b"\xfe\xfe\n"}))
    assert raw[-1] == "    ~ content: (2 bytes) -> (3 bytes)"


def test_a_name_cannot_play_tricks_on_a_terminal() -> None:
    lines = diff.lines(
        Change(action=Action.CREATE, resource="a\x1b[2J", after={"k\x1b": "v\x1b"}, reason="r\x1b")
    )
    assert all(line.isprintable() for line in lines)


def test_a_name_with_a_line_end_stays_on_its_line() -> None:
    change = Change(action=Action.DELETE, resource="file:a\nDone.", reason="it is\nthere")
    assert diff.headline(change) == r"- file:a\nDone. (it is\nthere)"
    assert [line for line in diff.lines(change) if line.startswith("Done")] == []
