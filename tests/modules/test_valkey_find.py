"""A command to Valkey that got no answer is settled by what is there, where that tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from runbook.contract import Absent, Finding, Intent, Landed
from runbook.modules._valkey_find import find_for
from runbook.modules._valkey_words import Command, command_of


def settled(command: str, there: Mapping[str, Any], before: Any = None) -> Finding[Any] | None:
    """What becomes of `command` in doubt, when questions are answered by `there`; None: nobody can tell."""
    answers = {command_of(question): reply for question, reply in there.items()}

    def ask(question: Command) -> Any:
        return answers[question]

    find = find_for(command_of(command), ask)
    return None if find is None else find(Intent("k", "t", 1, datetime.now(UTC), before))


HAPPENED: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("SET a 1", {"GET a": b"1", "PTTL a": -1}, None, b"OK"),
    ("SET a 1 EX 10", {"GET a": b"1", "PTTL a": 9_000}, None, b"OK"),
    ('JSON.SET p $ \'{"a":1.0,"b":2}\'', {"JSON.GET p $": b'[{"b":2,"a":1}]'}, None, b"OK"),
    ("JSON.SET p price 10.99", {"JSON.GET p price": b"10.99"}, None, b"OK"),
    ("JSON.SET p $..price 1", {"JSON.GET p $..price": b"[1,1]"}, None, b"OK"),
    ("DEL a b a", {"EXISTS a b": 0}, 2, 2),
    ("UNLINK a", {"EXISTS a": 0}, 1, 1),
    ("DEL a", {"EXISTS a": 0}, 0, 0),
    ("JSON.DEL p", {"EXISTS p": 0}, 1, 1),
    ("JSON.FORGET p $", {"EXISTS p": 0}, 1, 1),
]

DID_NOT: list[tuple[str, dict[str, Any], Any]] = [
    ("SET a 1", {"GET a": b"2", "PTTL a": -1}, None),
    ("SET a 1", {"GET a": None, "PTTL a": -2}, None),
    ("SET a 1", {"GET a": b"1", "PTTL a": 500}, None),
    ("SET a 1 PX 500", {"GET a": b"1", "PTTL a": -1}, None),
    ("SET a 1", {"GET a": {"error": "WRONGTYPE"}, "PTTL a": -1}, None),
    ("JSON.SET p $ 1", {"JSON.GET p $": b"[true]"}, None),
    ("JSON.SET p $.x 1", {"JSON.GET p $.x": b"[]"}, None),
    ("JSON.SET p $.x 1", {"JSON.GET p $.x": b"[1,2]"}, None),
    ("JSON.SET p x 1", {"JSON.GET p x": {"error": "NONEXISTENT"}}, None),
    ("JSON.SET p $ {", {"JSON.GET p $": b"[1]"}, None),
    ("DEL a b", {"EXISTS a b": 1}, 2),
    ("GET a", {}, None),
    ("CLUSTER NODES", {}, None),
]

NOBODY_KNOWS = [
    "INCR a",
    "SET a 1 NX",
    "SET a 1 GET",
    "JSON.SET p $ 1 NX",
    "JSON.DEL p $.x",
    "LPUSH a 1",
    "DEL",
]


@pytest.mark.parametrize(("command", "there", "before", "reply"), HAPPENED)
def test_what_a_command_left_behind_tells_its_reply(
    command: str, there: dict[str, Any], before: Any, reply: Any
) -> None:
    assert settled(command, there, before) == Landed(reply)


@pytest.mark.parametrize(("command", "there", "before"), DID_NOT)
def test_what_is_not_there_was_not_carried_out_and_what_reads_is_asked_again(
    command: str, there: dict[str, Any], before: Any
) -> None:
    assert settled(command, there, before) == Absent()


@pytest.mark.parametrize("command", NOBODY_KNOWS)
def test_a_command_that_leaves_no_trace_is_for_the_operator_to_settle(command: str) -> None:
    assert settled(command, {}) is None
