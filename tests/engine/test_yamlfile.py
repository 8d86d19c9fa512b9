"""YAML with positions: what operators write becomes data, and what is wrong is told in words that help."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from runbook.errors import LoadError, Position
from runbook.source import Source, read_source
from runbook.values import SourceFloat, SourceInt, Template
from runbook.yamlfile import YamlFile, settle


def load(text: str) -> YamlFile:
    return YamlFile(Source("f.yml", text))


def value(text: str) -> Any:
    file = load(text)
    assert file.root is not None
    found = file.value(file.root)
    assert [str(p) for p in file.settled()] == []
    return found


def told(text: str) -> list[str]:
    """Every problem's place and message."""
    file = load(text)
    if file.root is not None:
        file.value(file.root)
    return [f"{p.position.line}:{p.position.column} {p.message}" for p in file.settled() if p.position]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', \"z\\n\"]\nc: {d: null, e: ~}\n",
        "yes: no\non: off\n",
        "a: 2024-10-01\nb: 2024-10-01 10:00:00\n",
        "- |\n  text\n   more\n- >\n  folded\n  text\n",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\nf: {<<: [{b: 2, g: 3}, *x]}\n",
        "a: 0b11\nb: 0x1F\nc: 017\nd: 1_000\ne: 12:30:45\nf: 1e3\ng: 1.5e+3\nh: .inf\n",
        "a: !!str 5\nb: !!binary aGVsbG8=\n",
        "1: a\n2.5: b\ntrue: c\n",
    ],
)
def test_plain_data_is_what_the_safe_loader_reads(text: str) -> None:
    assert value(text) == yaml.safe_load(text)


def test_operator_text_with_braces_is_a_template_at_its_first_character() -> None:
    found = value("a: \"x {{ y }}\"\nb: '{% if z %}{% endif %}'\nc: plain {x}\n")
    assert found == {"a": Template("x {{ y }}"), "b": Template("{% if z %}{% endif %}"), "c": "plain {x}"}
    assert found["a"].position == Position("f.yml", 1, 5)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: x {{ y }}\n", 1, 4),
        ("a: '{{ y }}'\n", 1, 5),
        ("a: |\n\n  {{ y }}\n", 3, 3),
        ("a: >-\n    {{ y }}\n", 2, 5),
        ("a: '{# note #}'\n", 1, 5),
    ],
)
def test_a_template_knows_where_its_text_starts(text: str, line: int, column: int) -> None:
    assert value(text)["a"].position == Position("f.yml", line, column)


def test_unsafe_text_is_data_whatever_braces_it_holds() -> None:
    found = value("a: !unsafe '{{ x }}'\nb: !unsafe [ '{{ y }}', {c: '{% z %}'} ]\n")
    assert found == {"a": "{{ x }}", "b": ["{{ y }}", {"c": "{% z %}"}]}


def test_numbers_keep_the_text_that_is_not_their_usual_one() -> None:
    found = value("a: 7.10\nb: 007\nc: 7.1\nd: 7\ne: 0x10\n")
    assert isinstance(found["a"], SourceFloat)
    assert found["a"].text == "7.10"
    assert isinstance(found["b"], SourceInt)
    assert found["b"].text == "007"
    assert found["e"].text == "0x10"
    assert type(found["c"]) is float
    assert type(found["d"]) is int


def test_an_anchor_used_often_is_built_once() -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    found = value(f"l0: &l0 [x]\n{layers}\n")
    assert found["l29"][0] is found["l28"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n  k: {{ x }}\n", "2:6 A value that starts with '{{' must be quoted"),
        ("a:\n  k: {{ x }}/y\n", "2:6 A value that starts with '{{' must be quoted"),
        ("- {{ x }}\n", "1:3 A value that starts with '{{' must be quoted"),
        ("a: {b: {{ x }}, c: 1}\n", "1:8 A value that starts with '{{' must be quoted"),
        ("a: [b, {{ x }}]\n", "1:8 A value that starts with '{{' must be quoted"),
        ("a:\n\tb: 1\n", "2:1 A tab stands in the indentation"),
        ("a: b: c\n", "1:5 A key stands where none can be: the text before this ':' is a value already"),
        ('a: "b\nc: d\n', "1:4 This quote is never closed"),
        ('a: "b" c\n', "1:8 Text goes on after the closing quote"),
        ("a:\n  b: 1\n c: 2\n", "3:2 This does not belong to the mapping that starts in line 1"),
        ("a: 1\nfoo\nb: 2\n", "2:1 This line is no 'key: value'"),
        ("a: @b\n", "1:4 Text can't start with '@' in YAML"),
        ("a: [1, 2\nb: 3\n", "1:4 This '[' is not closed, or a ',' is missing after it"),
        ("a: [1,\n", "1:7 The file ends inside a '[' or a '{'"),
        ("a: [, 1]\n", "1:5 A value is missing before this"),
        ('a: "\\d"\n', "1:5 Double-quoted text has no such escape"),
        ("a: *b\n", "1:4 No anchor with this name stands before it"),
        ("a: 1\n---\nb: 2\n", "2:1 A second YAML document starts here"),
        ("a: !foo x\n", "1:4 The YAML tag '!foo' is not known here"),
        ("a: !!python/object:os.x {}\n", "1:4 The YAML tag '!!python/object:os.x' is not known here"),
        ("a: !vault x\n", "1:4 '!vault' holds no text of a vault"),
        (
            "a: 2001-99-99\n",
            "1:4 '2001-99-99' looks like a YAML timestamp but is none: month must be in 1..12",
        ),
        ("a: &x [*x]\n", "1:4 This holds itself"),
        ('a: "b\x07"\n', "1:6 The character U+0007 is not allowed in YAML"),
        ("? [a]\n: 1\n", "1:3 A key must be text, not a list"),
        ("a: '{{ x '\n", "1:5 "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, problem: str) -> None:
    found = told(text)
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_of_equal_keys_the_last_counts_and_both_places_are_told() -> None:
    file = load("a: 1\nb:\n  c: 1\n  d: 3\n  c: 2\n")
    assert file.root is not None
    found = file.value(file.root)
    assert found == {"a": 1, "b": {"c": 2, "d": 3}}
    assert list(found["b"]) == ["c", "d"]
    assert file.settled() == []
    assert str(file.warnings[0]) == (
        "f.yml:5:3: The key 'c' stands here twice\n"
        "  5 |   c: 2\n"
        "    |   ^\n"
        "  First in line 3, column 3. The last one counts."
    )


def test_warnings_are_told_when_nothing_is_wrong() -> None:
    file = load("a: 1\na: 2\n")
    assert file.root is not None
    file.entries(file.root, "It")
    file.value(file.root)
    told_of: list[str] = []
    settle([file], lambda problem: told_of.append(problem.message))
    assert told_of == ["The key 'a' stands here twice"]


def test_a_key_keeps_its_braces_with_a_warning() -> None:
    file = load('"{{ x }}": 1\n')
    assert file.root is not None
    assert file.value(file.root) == {"{{ x }}": 1}
    assert [w.message for w in file.warnings] == ["A key is not rendered: this one keeps its braces"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!!set {a, b}", {"a", "b"}),
        ("!!omap [a: 1, b: 2]", [["a", 1], ["b", 2]]),
        ("!!pairs [a: 1, a: 2]", [["a", 1], ["a", 2]]),
        ("0644", 0o644), ("0o644", "0o644"), ("0x1F", 31), ("0b101", 5), ("190:20:30", 685230), ("1_000", 1000),
        ("1:30.5", 90.5), ("1e3", "1e3"), ("1.e+3", 1000.0), ("y", "y"), ("off", False), ("!!int '12'", 12),
        ("!!bool 'yes'", True), ("!!str 12", "12"), ("!!binary aGVsbG8=", b"hello"), ("~", None),
        ("{<<: {p: 1}, <<: {p: 2, r: 3}}", {"p": 1, "r": 3}),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_1_1(text: str, expected: object) -> None:
    assert value(f"a: {text}\n") == {"a": expected}


def test_an_unquoted_template_says_how_to_quote() -> None:
    file = load('- msg: {{ "x" | upper }} # loud\n')
    assert str(file.settled()[0]) == (
        "f.yml:1:8: A value that starts with '{{' must be quoted\n"
        '  1 | - msg: {{ "x" | upper }} # loud\n'
        "    |        ^\n"
        "  YAML takes '{{' for the start of a mapping. Quote the whole value: '{{ \"x\" | upper }}'"
    )


def test_syntax_errors_of_several_list_items_are_told_together() -> None:
    text = '- a: "b" c\n- b: 1\n- c: {{ x }}/y\n  d: 1\n- d: e: f\n- g: !x 1\n'
    assert told(text) == [
        "1:10 Text goes on after the closing quote",
        "3:6 A value that starts with '{{' must be quoted",
        "5:7 A key stands where none can be: the text before this ':' is a value already",
        "6:6 The YAML tag '!x' is not known here",
    ]


def test_an_anchor_lost_with_a_broken_item_is_no_problem_of_its_own() -> None:
    assert told('- a: &x "b" c\n- *x\n') == ["1:13 Text goes on after the closing quote"]


def test_lines_are_counted_as_yaml_counts_them() -> None:
    assert told("a: '\x0c'\nb: 1\n") == ["1:5 The character U+000C is not allowed in YAML"]
    assert told("a: 1\r\nb: 2\r\nb: !x 3\r\n") == ["3:4 The YAML tag '!x' is not known here"]


def test_dates_are_dates() -> None:
    assert value("a: 2024-10-01\n") == {"a": dt.date(2024, 10, 1)}


def test_deep_nesting_is_refused() -> None:
    assert told("[" * 2000 + "]" * 2000)[0].endswith("This is nested too deep")
    assert told("[" * 300_000 + "]" * 300_000) == ["1:1 The YAML is nested too deep"]
    assert told("- " * 300_000 + "x") == ["1:1 The YAML is nested too deep"]


class TestReading:
    def test_a_missing_file_names_its_neighbour(self, tmp_path: Path) -> None:
        (tmp_path / "playbook.yml").touch()
        with pytest.raises(LoadError) as caught:
            read_source(str(tmp_path / "playbok.yml"))
        assert "There is no file" in str(caught.value)
        assert "Did you mean 'playbook.yml'?" in str(caught.value)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match="is a folder, not a file"):
            read_source(str(tmp_path))

    def test_text_that_is_not_utf8_names_the_byte_and_its_place(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.yml"
        path.write_bytes("a: 1\nb: é x\n".encode("latin-1"))
        with pytest.raises(LoadError) as caught:
            read_source(str(path))
        (problem,) = caught.value.problems
        assert problem.message == "This is not UTF-8 text: byte 0xe9"
        assert problem.position == Position(str(path), 2, 4)
        assert problem.excerpt == "b: \\xe9 x"

    def test_a_byte_order_mark_is_skipped(self, tmp_path: Path) -> None:
        path = tmp_path / "bom.yml"
        path.write_bytes(b"\xef\xbb\xbfa: 1\n")
        assert read_source(str(path)).text == "a: 1\n"
