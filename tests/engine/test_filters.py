"""Filters, tests and lookups that playbooks bring along from Ansible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.errors import TemplateError
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.values import Expression

VARS: dict[str, Any] = {
    "a": {"x": 1, "in": {"p": 1, "l": [1]}},
    "b": {"in": {"q": 2, "l": [2, 1]}},
    "people": [{"name": "ann", "age": 3}, {"name": "bob", "age": 5}],
    "mixed": [1, [2, [3, None]], 1],
    "result": {"failed": False, "changed": True, "rc": 0},
    "failed": {"failed": True, "msg": "no"},
    "skipped": {"skipped": True, "changed": False},
}

SHARED = Templates()


def value_of(expression: str, templates: Templates = SHARED) -> Any:
    return templates.evaluate(Expression(expression), VariableScope(templates, [VARS]))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{'b': [1, 'é']} | to_json", '{"b": [1, "\\u00e9"]}'),
        ("{'b': 1, 'a': 2} | to_nice_json(indent=2)", '{\n  "a": 2,\n  "b": 1\n}'),
        ("'{\"a\": [1]}' | from_json", {"a": [1]}),
        ("{'b': [1], 'a': 'x'} | to_nice_yaml", "a: x\nb:\n- 1\n"),
        ("'a: [1, 2]' | from_yaml", {"a": [1, 2]}),
        ("a | combine(b)", {"x": 1, "in": {"q": 2, "l": [2, 1]}}),
        ("a | combine(b, recursive=true)", {"x": 1, "in": {"p": 1, "q": 2, "l": [2, 1]}}),
        ("(a | combine(b, recursive=true, list_merge='append'))['in'].l", [1, 2, 1]),
        ("(a | combine(b, recursive=true, list_merge='append_rp'))['in'].l", [2, 1]),
        ("{'k': 1} | dict2items", [{"key": "k", "value": 1}]),
        ("[{'key': 'k', 'value': 1}] | items2dict", {"k": 1}),
        ("people | items2dict(key_name='name', value_name='age')", {"ann": 3, "bob": 5}),
        ("mixed | flatten", [1, 2, 3, 1]),
        ("mixed | flatten(levels=1)", [1, 2, [3, None], 1]),
        ("[1, 2, 1, {'a': 1}, {'a': 1}] | unique", [1, 2, {"a": 1}]),
        ("[1, 2] | union([2, 3])", [1, 2, 3]),
        ("[1, 2] | difference([2])", [1]),
        ("[1, 2] | intersect([2, 3])", [2]),
        ("[1, 2] | symmetric_difference([2, 3])", [1, 3]),
        ("[1, 2] | zip(['a', 'b'])", [[1, "a"], [2, "b"]]),
        ("[1, 2] | product([3])", [[1, 3], [2, 3]]),
        ("people | selectattr('age', 'gt', 3) | map(attribute='name')", ["bob"]),
        ("people | map('combine', {'z': 1}) | map(attribute='z')", [1, 1]),
        ("['x'] | map('extract', {'x': {'y': 4}}, 'y')", [4]),
        ("'valkey 7.2.7' | regex_search('(\\\\d+)\\\\.(\\\\d+)')", "7.2"),
        ("'valkey 7.2.7' | regex_search('(\\\\d+)\\\\.(\\\\d+)', '\\\\1', '\\\\2')", ["7", "2"]),
        ("'abc' | regex_search('z')", None),
        ("'a1b2' | regex_replace('[0-9]', '#')", "a#b#"),
        ("'a1b2' | regex_findall('[0-9]')", ["1", "2"]),
        ("'a.b' | regex_escape", "a\\.b"),
        ("'hi' | b64encode", "aGk="),
        ("'hi' | vault('pw') | unvault('pw')", "hi"),
        ("'hi' | vault('pw', salt='abc', vault_id='dev') | split | first", "$ANSIBLE_VAULT;1.2;AES256;dev"),
        ("'hi' | vault('pw', 'abc') == 'hi' | vault('pw', 'abc')", True),
        ("'hi' | unvault('pw')", "hi"),
        ("'aGk=' | b64decode", "hi"),
        ("'x' | hash('sha256')", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        ("'/etc/x.conf' | basename", "x.conf"),
        ("'/etc/x.conf' | dirname", "/etc"),
        ("'/etc/x.conf' | splitext", ["/etc/x", ".conf"]),
        ('"it\'s" | quote', "'it'\"'\"'s'"),
        ("'yes' | bool", True),
        ("'nope' | bool", False),
        ("none | bool", False),
        ("'12' | int + 1", 13),
        ("(1 == 1) | ternary('y', 'n')", "y"),
        ("none | ternary('y', 'n', 'null')", "null"),
        ("'no' | ternary('y', 'n')", "y"),
        ("true | ternary('y', nothing)", "y"),
        ("'x' | ansible.builtin.upper", "X"),
        ("['x'] | map('ansible.legacy.b64encode')", ["eA=="]),
        ("100 | random(seed='x') == 100 | random(seed='x')", True),
        ("([9**9] * 9) | map('random') | unique | length > 1", True),
        ("'x' | password_hash('sha512', 'abcdefgh') | length", 112),
        ("'x' | password_hash('md5', 'abcdefgh')", "$1$abcdefgh$znAnv9M.XU2pRYfmSs46h/"),
        (
            "'x' | password_hash('bcrypt', 'abcdefghijklmnopqrstuu', rounds=4) | regex_search('^.2b.04')",
            "$2b$04",
        ),
        ("'10 MB' | human_to_bytes", 10485760),
        ("1048576 | human_readable", "1.00 MB"),
        ("'a\nb' | comment('c')", "//\n// a\n// b\n//"),
        ("'q' | extract({'x': 1}) | default('d')", "d"),
        ("'x' | to_yaml", "x\n"),
        ("(1, 2) | to_nice_yaml", "- 1\n- 2\n"),
        ("1.5 | type_debug", "float"),
        ("'https://u@h:80/p?q#f' | urlsplit('hostname')", "h"),
        ("'a,b' | split(',')", ["a", "b"]),
        ("'é' | to_json(ensure_ascii=false)", '"é"'),
        ("{'a': 1} | tojson ~ '<'", '{"a": 1}<'),
        ("'<' | e ~ '<'", "&lt;<"),
        ("x | default('d')", "d"),
        ("'' | default('d', true)", "d"),
    ],
)
def test_filters(expression: str, value: Any) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("result is succeeded", True),
        ("result is success", True),
        ("result is changed", True),
        ("failed is failed", True),
        ("failed is not succeeded", True),
        ("skipped is skipped", True),
        ("{'results': [{'changed': true}]} is changed", True),
        ("'abc' is match('b')", False),
        ("'abc' is search('b')", True),
        ("'ABC' is regex('b', ignorecase=true)", True),
        ("'7.2.10' is version('7.2.9', '>')", True),
        ("'7.2' is version('7.2.0', '==')", False),
        ("'7.2' is version('7.2.0', '==', strict=true)", True),
        ("'7.2' is version('7.2.0', '==', version_type='pep440')", True),
        ("'1.2.3-rc.1' is version('1.2.3', '<', version_type='semver')", True),
        ("'http://a/b' is url", True),
        ("'urn:x' is url", False),
        ("'urn:x' is urn", True),
        ("'abc' is ansible.builtin.match('a')", True),
        ("'ansible.builtin.match' is test", True),
        ("{'timedout': {'period': 5}} is timedout", True),
        ("'7.2' is version('7.10', '<')", True),
        ("'1.0rc1' is version('1.0', 'gt')", True),
        ("[1] is subset([1, 2])", True),
        ("[1, 2] is superset([3])", False),
        ("[1, 2] is contains(2)", True),
        ("'' is falsy", True),
        ("'no' is truthy", True),
        ("'no' is truthy(convert_bool=true)", False),
        ("[true, 1] is all", True),
        ("[false, 0] is any", False),
        ("1 is in([1, 2])", True),
        ("nothing is defined", False),
    ],
)
def test_tests(expression: str, truth: bool) -> None:
    assert value_of(expression) is truth


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nothing | mandatory", "Mandatory variable 'nothing' not defined"),
        ("nothing | mandatory('give me a name')", "give me a name"),
        ("'x' is failed", "it takes what 'register' holds, not str"),
        ("'x' is version('')", "a version number is empty"),
        ("'v1.2' is version('1.2')", "can't be compared"),
        ("'1.2' is version('1.3', version_type='semver')", "is not a semantic version"),
        ("'10 Q' | human_to_bytes", "is no unit of bytes"),
        ("'hi' | vault('pw') | unvault('other')", "does not open this text"),
        ("'aaa' | regex_replace('a', 'b', mandatory_count=2)", "should match 2 times"),
        ("'x' | password_hash('nope')", "nope is not in the list of supported passlib algorithms"),
        ("{} | combine(1)", "failed to combine variables, expected dicts but got a"),
        ("[1, 2] | combine", "failed to combine variables, expected dicts but got a"),
        ("'x' | urlsplit('hots')", "unknown URL component: hots"),
        ("lookup('file', 'gone.txt')", "Unable to access the file 'gone.txt'"),
        ("lookup('pipe', 'echo bad >&2; exit 3')", "it returned 3: bad"),
        ("lookup('vars', 'gone')", "No variable named 'gone' was found"),
    ],
)
def test_wrong_use_is_told_in_plain_words(expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        value_of(expression)
    assert words in caught.value.message


def test_lookups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOK_TEST_WORD", "{{ 1 + 1 }}")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "motd").write_text("hello {{ x }}\n")
    templates = Templates(tmp_path)
    assert value_of("lookup('env', 'RUNBOOK_TEST_WORD')", templates) == "{{ 1 + 1 }}"
    assert value_of("lookup('env', 'RUNBOOK_TEST_GONE', default='d')", templates) == "d"
    assert value_of("lookup('ansible.builtin.file', 'motd')", templates) == "hello {{ x }}"
    assert value_of("lookup('pipe', 'pwd')", templates) == str(tmp_path.resolve())
    assert value_of("lookup('vars', 'result').rc", templates) == 0
    assert value_of("lookup('vars', 'gone', default=3)", templates) == 3
    assert value_of("lookup('env', 'RUNBOOK_TEST_WORD', 'HOME')", templates).startswith("{{ 1 + 1 }},/")
    assert value_of("query('vars', 'result', 'failed') | length", templates) == 2
