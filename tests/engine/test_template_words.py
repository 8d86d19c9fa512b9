"""What a mistake in an expression says: no word of Python's, the place of the filter, what to do."""

from __future__ import annotations

import pytest
from runbook.errors import TemplateError
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.values import Template


def said(text: str) -> str:
    templates = Templates()
    with pytest.raises(TemplateError) as refused:
        templates.render(Template(text), VariableScope(templates, [{"ten": "10"}]))
    return f"{refused.value.message} | {refused.value.hint}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ 1 + 'a' }}", "'+' can't work on a whole number and text"),
        ("{{ 'a' + 1 }}", "Text and a whole number can't be added"),
        ("{{ ten > 5 }}", "Text and a whole number can't be compared by '>'"),
        ("{{ [3, 'a'] | sort }}", "sort: text and a whole number can't be compared"),
        ("{{ 'a' | regex_search('(') }}", "regex_search: the pattern '(' is wrong: missing )"),
        ("{{ 'a' is match('[') }}", "match: the pattern '[' is wrong"),
        ("{{ 'x' | from_json }}", "from_json: this is no JSON: Expecting value (line 1, column 1)"),
        ("{{ 'a: [' | from_yaml }}", "from_yaml: this is no YAML"),
        ("{{ 'zz' | b64decode }}", "b64decode: this is no base64"),
        ("{{ 5 | flatten }}", "flatten: a list is needed here, and this is a whole number"),
        ("{% for i in none %}{% endfor %}", "A list is needed here, and this is nothing (null)"),
        ("{{ 1 / 0 }}", "A division by zero"),
        ("{{ [1] | batch }}", "batch: an argument is missing: 'linecount'"),
        ("{{ ['a'] | map('upper', 1) | list }}", "upper: too many arguments: it takes none"),
        ("{{ [1] | map('uper') | list }}", "Did you mean 'upper'?"),
        ("{{ 'x' | to_datetime }}", "to_datetime: 'x' is no time of the form '%Y-%m-%d %H:%M:%S'"),
    ],
)
def test_mistakes_are_told_in_plain_words(text: str, words: str) -> None:
    told = said(text)

    assert words in told
    for foreign in (
        "operand",
        "iterable",
        "object is not",
        "positional",
        "subpattern at position 0:",
        "Error:",
    ):
        assert foreign not in told
