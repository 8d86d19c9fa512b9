"""JSON by value, and the text that is written."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.errors import Failed
from runbook.modules._valkey_json import equal, parse, to_text
from runbook.modules._valkey_records import split_list


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é\n"]}, '{"b":1,"a":[true,null,"é\\n"]}'),
        (10.5, "10.5"),
        (2**70, "1180591620717411303424"),
        ({}, "{}"),
    ],
)
def test_what_is_written(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, b"bytes", object()])
def test_what_json_has_no_form_for(value: Any) -> None:
    with pytest.raises(Failed):
        to_text(value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.10", "10.1", True),
        ("1e1", "10", True),
        ("1.0", "1", True),
        ("0.1", "0.10000000000000001", False),
        ("true", "1", False),
        ("null", "false", False),
        ('"1"', "1", False),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('{"a":1}', '{"a":1,"b":null}', False),
        ("[1,2]", "[2,1]", False),
    ],
)
def test_documents_are_compared_by_value(one: str, other: str, same: bool) -> None:
    assert equal(parse(one), parse(other)) is same


@pytest.mark.parametrize(
    ("array", "items"),
    [
        ("[]", []),
        ("[10.10]", ["10.10"]),
        ('[1,[2,3],{"a":[4,5]},"x,]\\"y"]', ["1", "[2,3]", '{"a":[4,5]}', '"x,]\\"y"']),
    ],
)
def test_items_of_an_array_keep_their_text(array: str, items: list[str]) -> None:
    assert split_list(array) == items
