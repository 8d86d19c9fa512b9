"""Values as a person reads them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import pytest
from runbook.prose import block, duration, inline, text_lines, visible
from runbook.values import Secret, SourceFloat, Unknown


class Colour(enum.StrEnum):
    RED = "red"


class Node(msgspec.Struct, frozen=True):
    name: str
    zones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (SourceFloat(7.1, "7.10"), "7.10"),
        ("", '""'),
        ("a b", '"a b"'),
        ('say "hi"\n', r'"say \"hi\"\n"'),
        ("ünï", '"ünï"'),
        (b"text", '"text"'),
        (b"\xff\xfe", "(2 bytes)"),
        ([], "[]"),
        ({}, "{}"),
        ([1, "a", None], '[1, "a", null]'),
        ({"a": {"b": [1]}, 2: "x"}, '{a: {b: [1]}, 2: "x"}'),
        (Node("n", ("a",)), '{name: "n", zones: ["a"]}'),
        (Point(1), "{x: 1}"),
        (Colour.RED, '"red"'),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 12), "2026-03-01T12:00:00"),  # noqa: DTZ001
        (Unknown("x"), "(known after apply)"),
        (Secret("hunter2"), "(sensitive value)"),
        ([Unknown("x"), {"p": Secret("hunter2")}], "[(known after apply), {p: (sensitive value)}]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_on_one_line(value: Any, text: str) -> None:
    assert inline(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "No",
        "null",
        "~",
        "12",
        "1.5",
        "0x1F",
        "1_000",
        "-",
        "key: value",
        "end:",
        " lead",
        "trail ",
        "# no",
        "- x",
    ],
)
def test_a_text_that_would_read_as_something_else_is_quoted(text: str) -> None:
    assert block(text) == [f'"{text}"']


@pytest.mark.parametrize("text", ["plain", "two words", "a/b.yml", "x=1", "host:6379", "10.0.0.1/16", "v7.2"])
def test_other_texts_stand_bare(text: str) -> None:
    assert block({"k": text}) == [f"k: {text}"]


def test_a_block_reads_as_yaml() -> None:
    value: dict[str, Any] = {
        "name": "lab",
        "zones": ["a", "b"],
        "none": None,
        "empty": {},
        "nodes": [{"id": 1, "tags": {"k": "v"}}, {"id": 2}],
        "text": "one\n  two\n",
        "one_line": "ends\n",
    }
    assert block(value, "  ") == [
        "  name: lab",
        '  zones: ["a", "b"]',
        "  none: null",
        "  empty: {}",
        "  nodes:",
        "    - id: 1",
        "      tags:",
        "        k: v",
        "    - id: 2",
        "  text: |",
        "    one",
        "      two",
        r'  one_line: "ends\n"',
    ]


def test_a_long_list_stands_item_by_item() -> None:
    names = [f"subnet-{number:017}" for number in range(5)]
    assert block({"ids": names}) == ["ids:", *(f"  - {name}" for name in names)]


def test_text_cannot_play_tricks_on_a_terminal() -> None:
    nasty = "\x1b[2J\x07\x9b1m\u202egnp\udcff\r"
    for shown in (visible(nasty), inline(nasty), *block(nasty), *block({nasty: nasty}), *text_lines(nasty)):
        assert shown.isprintable()
        shown.encode()


def test_tabs_and_lines_stay() -> None:
    assert text_lines("a\tb\r\nc\n\n") == ["a\tb", "c"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3720, "1 h 02 min"),
    ],
)
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
