"""How values of keywords are read, and what each one refuses."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.errors import Problem
from runbook.keyword_values import is_variable, read_vars
from runbook.keywords import INSTEAD, KEYWORDS, LATER, PLACES, known_at
from runbook.source import Source
from runbook.values import Expression, Template
from runbook.yamlfile import YamlFile


def read(text: str) -> tuple[Any, list[str]]:
    """The value of a keyword that is written as `keyword: value`, and the problems."""
    file = YamlFile(Source("k.yml", text))
    (entry,) = file.entries(file.root, "test")
    warnings: list[Problem] = []
    value = KEYWORDS[entry.key].read(file, entry, warnings.append)
    return value, [p.message for p in (*file.settled(), *warnings)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: 5", "5"),
        ("name: 'a {{ b }}'", Template("a {{ b }}")),
        ("tags: a, b", frozenset({"a", "b"})),
        ("tags: [a, 'b,c']", frozenset({"a", "b", "c"})),
        ("hosts: web", ("web",)),
        ("hosts: [web, '{{ x }}']", ("web", Template("{{ x }}"))),
        ("ignore_errors: yes", True),
        ("ignore_errors: 'on'", True),
        ("ignore_errors: '{{ x }}'", Template("{{ x }}")),
        ("retries: 5", 5),
        ("retries: '5'", 5),
        ("delay: 0.5", 0.5),
        ("delay: '{{ x }}'", Template("{{ x }}")),
        ("register: out_1", "out_1"),
        ("rerun: never", "never"),
        ("connection: ssm", "ssm"),
        ("connection: '{{ x }}'", Template("{{ x }}")),
        ("environment: {A: b}", ({"A": "b"},)),
        ("environment: [{A: b}, '{{ x }}']", ({"A": "b"}, Template("{{ x }}"))),
        ("aws: {region: x}", {"region": "x"}),
        ("aws: '{{ x }}'", Template("{{ x }}")),
        ("loop: [1, 2]", [1, 2]),
        ("loop: '{{ x }}'", Template("{{ x }}")),
        ("when: a is defined", (Expression("a is defined"),)),
        ("when: [a, b]", (Expression("a"), Expression("b"))),
        ("when: true", (Expression("true"),)),
        ("changed_when: no", (Expression("false"),)),
        ("when: 1", (Expression("1"),)),
        ("serial: 3", (3,)),
        ("serial: [1, 50%, '{{ x }}']", (1, "50%", Template("{{ x }}"))),
        ("vars_files: a.yml", ("a.yml",)),
        ("vars_files: [a.yml, [b.yml, c.yml]]", ("a.yml", ["b.yml", "c.yml"])),
    ],
)
def test_a_value_is_read(text: str, expected: object) -> None:
    value, problems = read(text)
    assert problems == []
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: [a]", "'name' takes text, not a list"),
        ("hosts: {a: b}", "'hosts' takes a text or a list of texts, not a mapping"),
        ("ignore_errors: perhaps", "'ignore_errors' takes true or false, not 'perhaps'"),
        ("retries: many", "'retries' takes a number, not 'many'"),
        ("retries: true", "'retries' takes a number, not 'true'"),
        ("delay: .inf", "'delay' takes a number, not '.inf'"),
        ("register: '{{ x }}'", "'register' takes the name of a variable, not '{{ x }}'"),
        ("register: true", "'register' takes the name of a variable, not 'true'"),
        ("register: a.b", "'register' takes the name of a variable, not 'a.b'"),
        ("rerun: '{{ x }}'", "'rerun' takes one of: safe, never, ask, not '{{ x }}'"),
        ("environment: 5", "'environment' takes a mapping of variables, not '5'"),
        ("aws: eu-west-2", "'aws' must be a mapping of 'key: value', not text"),
        ("when: ''", "'when' takes an expression, not text"),
        ("when: [a, [b]]", "'when' takes an expression, not a list"),
        ("when: '{{ a }} and {{ b }}'", "'when' is an expression already and takes no braces"),
        ("serial: none", "'serial' takes a number of hosts or a percentage such as '25%', not 'none'"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told(text: str, problem: str) -> None:
    assert read(text)[1] == [problem]


@pytest.mark.parametrize("text", ["{{ a }}", "{{- a | default(1) -}}", " {{ a == {} }} "])
def test_braces_around_an_expression_are_taken_with_a_warning(text: str) -> None:
    value, problems = read(f"when: '{text}'")
    assert value == (Expression(text),)
    assert problems == ["'when' is an expression already: the braces around it are not needed"]


@pytest.mark.parametrize("name", ["a", "_a1", "Ünicode", "1a", "a-b", "a.b", "a b", "", "if", "None", "true"])
def test_names_of_variables(name: str) -> None:
    assert is_variable(name) is (name in ("a", "_a1", "if", "None"))


def test_variables_keep_a_bad_name_so_that_the_rest_is_checked_too() -> None:
    file = YamlFile(Source("v.yml", "a-b: 1\nc: '{{ d }}'\n"))
    assert file.root is not None
    assert read_vars(file, file.root) == {"a-b": 1, "c": Template("{{ d }}")}
    assert len(file.settled()) == 1


def test_a_file_of_variables_may_use_names_that_no_expression_can() -> None:
    file = YamlFile(Source("v.yml", "a-b: 1\n"))
    assert file.root is not None
    assert read_vars(file, file.root, lenient=True) == {"a-b": 1}
    assert file.settled() == []
    assert [w.message for w in file.warnings] == ["No expression can name the variable 'a-b'"]


def test_the_tables_do_not_contradict_each_other() -> None:
    assert not KEYWORDS.keys() & (INSTEAD.keys() | LATER.keys())
    assert not INSTEAD.keys() & LATER.keys()
    assert all(one.places <= set(PLACES) for one in KEYWORDS.values())
    assert all(known_at(place) for place in PLACES)
