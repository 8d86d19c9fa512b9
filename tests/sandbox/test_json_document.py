"""JSON documents: what survives, what paths mean, what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.sandbox import json_document as documents
from runbook.sandbox.json_document import Format, JsonError, parse, path, write


@pytest.mark.parametrize(
    "text",
    [
        '{"id":2,"name":"Contraption","price":10.10}',
        '{"b":1e5,"a":-0.0,"c":1E+2,"d":12345678901234567890123}',
        '[true,false,null,"",{},[],[[1]]]',
        '"über \\"quoted\\" \\\\ \\n"',
    ],
)
def test_number_text_and_member_order_survive(text: str) -> None:
    assert write(parse(text.encode())).decode() == text


def test_what_is_read_with_spaces_is_written_without() -> None:
    assert write(parse(b' { "a" : [ 1 , 2 ] } ')) == b'{"a":[1,2]}'


@pytest.mark.parametrize(
    "text", [b"", b"{", b"John", b"{'a':1}", b"NaN", b"-Infinity", b"1e999", b"\xff", b'"\\ud800"', b"1 2"]
)
def test_what_is_not_json_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(JsonError, match=r"^SYNTAXERR Failed to parse JSON string due to syntax error$"):
        parse(text)


def test_a_document_that_nests_too_deep_is_refused() -> None:
    with pytest.raises(JsonError, match="LIMIT"):
        write(parse(b"[" * 200 + b"]" * 200))


def test_a_format_sets_indent_line_ends_and_the_space_after_colons() -> None:
    value = parse(b'{"a":[1,{}],"b":{"c":2}}')
    assert write(value, Format(indent="  ", newline="\n", space=" ")).decode() == (
        '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": 2\n  }\n}'
    )


@pytest.mark.parametrize(
    ("raw", "legacy", "root"),
    [
        (b"$", False, True),
        (b".", True, True),
        (b"price", True, False),
        (b".price", True, False),
        (b"$.price", False, False),
        (b'["price"]', True, False),
    ],
)
def test_a_path_with_a_dollar_is_jsonpath_and_one_without_means_a_single_value(
    raw: bytes, legacy: bool, root: bool
) -> None:
    read = path(raw)
    assert (read.legacy, read.is_root) == (legacy, root)
    if not root:
        assert read.values({"price": 5}) == [5]


@pytest.mark.parametrize("raw", [b"", b"$.", b"$[", b"a b", b"$..", b"\xff["])
def test_a_path_that_can_not_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(JsonError, match="Invalid JSON path"):
        path(raw)


def test_a_legacy_path_that_leads_nowhere_is_an_error_and_a_jsonpath_gives_nothing() -> None:
    document = {"price": 1}
    with pytest.raises(JsonError, match=r"^NONEXISTENT JSON path does not exist$"):
        path(b"prise").one(document)
    assert path(b"$.prise").values(document) == []


def _put(text: str, where: str, value: str, **conditions: bool) -> tuple[bool, str]:
    document = parse(text.encode())
    done = documents.put(document, path(where.encode()), parse(value.encode()), **conditions)
    return done, write(document).decode()


def test_setting_replaces_every_match_and_adds_a_missing_member_to_its_parent() -> None:
    assert _put('{"price":29.99}', "price", "10.99") == (True, '{"price":10.99}')
    assert _put('{"a":[{"x":1},{"x":2}]}', "$.a[*].x", "0") == (True, '{"a":[{"x":0},{"x":0}]}')
    assert _put('{"a":{}}', "$.a.b", "[1]") == (True, '{"a":{"b":[1]}}')
    assert _put('{"a":{"b":1}}', "$..b", "2") == (True, '{"a":{"b":2}}')


def test_nx_only_adds_and_xx_only_replaces() -> None:
    assert _put('{"a":1}', "$.a", "2", only_new=True) == (False, '{"a":1}')
    assert _put('{"a":1}', "$.b", "2", only_new=True) == (True, '{"a":1,"b":2}')
    assert _put('{"a":1}', "$.b", "2", only_old=True) == (False, '{"a":1}')
    assert _put('{"a":1}', "$.a", "2", only_old=True) == (True, '{"a":2}')


@pytest.mark.parametrize(
    ("text", "where", "complaint"),
    [
        ('{"a":1}', "$.b.c", "NONEXISTENT JSON path does not exist"),
        ('{"a":1}', "$.a.b", "ERROR Cannot insert a member into a non-object value"),
        ('{"a":[1]}', "$.a[3]", "OUTOFBOUNDARIES Array index is out of bounds"),
        ('{"a":1}', "$..b", "NONEXISTENT JSON path does not exist"),
        ('{"a":1}', "$.b[*]", "NONEXISTENT JSON path does not exist"),
    ],
)
def test_setting_where_nothing_can_be_is_refused(text: str, where: str, complaint: str) -> None:
    with pytest.raises(JsonError, match=complaint):
        _put(text, where, "2")


@pytest.mark.parametrize(
    ("text", "where", "count", "left"),
    [
        ('{"a":1,"b":2}', "$.a", 1, '{"b":2}'),
        ("[1,2,3,4]", "$[1:3]", 2, "[1,4]"),
        ("[1,2,3,4,5,6,7,8,9,10,11]", "$[*]", 11, "[]"),
        ('{"a":{"a":{"a":1}}}', "$..a", 3, "{}"),
        ('{"a":1}', "$.b", 0, '{"a":1}'),
    ],
)
def test_removing_counts_what_it_removed(text: str, where: str, count: int, left: str) -> None:
    document = parse(text.encode())
    assert documents.remove(document, path(where.encode())) == count
    assert write(document).decode() == left


def test_adding_keeps_whole_numbers_whole_and_leaves_other_values_alone() -> None:
    document, numbers = documents.add(parse(b'{"a":1,"b":"x","c":0.5}'), path(b"$.*"), 2)
    assert write(document) == b'{"a":3,"b":"x","c":2.5}'
    assert numbers == [3, None, 2.5]
    assert write(documents.add(parse(b"41"), path(b"."), 1)[0]) == b"42"
    with pytest.raises(JsonError, match="WRONGTYPE JSON element is not a number"):
        documents.add(parse(b'{"b":"x"}'), path(b"b"), 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{}", "object"),
        ("[]", "array"),
        ('""', "string"),
        ("1", "integer"),
        ("1.0", "number"),
        ("true", "boolean"),
        ("null", "null"),
    ],
)
def test_types_have_their_names(text: str, name: str) -> None:
    value: Any = parse(text.encode())
    assert documents.type_name(value) == name
