"""Every way to write a module call comes to the same name and arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.errors import Position
from runbook.loader import load_playbook
from runbook.loader_call import Call, Modules, module_name, read_call, split_words, unquote
from runbook.model import Task
from runbook.source import Source
from runbook.values import Template
from runbook.yamlfile import YamlFile

from tests.support.catalog import SmallCatalog


def read(text: str) -> tuple[Call | None, list[str]]:
    """The call of a task that is written as a mapping of one or two keys."""
    file = YamlFile(Source("t.yml", text))
    entries = {entry.key: entry for entry in file.entries(file.root, "task")}
    extra = entries.pop("args", None)
    (entry,) = entries.values()
    call = read_call(file, entry, extra, Modules(SmallCatalog()))
    return call, [p.message for p in file.settled()]


def args(text: str) -> dict[str, Any]:
    call, problems = read(text)
    assert call is not None
    assert problems == []
    return dict(call.args)


@pytest.mark.parametrize(
    "text",
    [
        "copy: {src: a, dest: /b}",
        "copy: src=a dest=/b",
        "copy: src='a' dest=\"/b\"",
        "copy:\n  src: a\n  dest: /b\n",
        "ansible.builtin.copy: {src: a, dest: /b}",
        "ansible.legacy.copy: {src: a, dest: /b}",
        "action: copy src=a dest=/b",
        "action: {module: copy, src: a, dest: /b}",
        "action: {module: copy src=a, dest: /b}",
        "action: ansible.builtin.copy src=a dest=/b",
        "local_action: copy src=a dest=/b",
        "copy: src=a\nargs: {dest: /b}",
        "copy: {src: a, dest: /b}\nargs: {dest: overruled}",
        "copy:\nargs: {src: a, dest: /b}",
    ],
)
def test_all_forms_mean_the_same(text: str) -> None:
    call, problems = read(text)
    assert problems == []
    assert call is not None
    assert (call.module, dict(call.args)) == ("copy", {"src": "a", "dest": "/b"})
    assert call.local is text.startswith("local_action")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shell: echo hi", {"cmd": "echo hi"}),
        ("shell: 'echo   two  spaces'", {"cmd": "echo   two  spaces"}),
        ("shell: echo a=b | grep 'a=b'", {"cmd": "echo a=b | grep 'a=b'"}),
        (
            "shell: CC=gcc make creates=/usr/bin/x chdir=/src",
            {"cmd": "CC=gcc make", "creates": "/usr/bin/x", "chdir": "/src"},
        ),
        ("shell: \"echo 'creates=x'\"", {"cmd": "echo 'creates=x'"}),
        ("shell: echo don't", {"cmd": "echo don't"}),
        ("shell: cmd='echo hi'", {"cmd": "cmd='echo hi'"}),
        ("shell: |\n  one\n  two\n", {"cmd": "one\ntwo\n"}),
        (
            "shell: ls {{ x }} creates={{ a ~ b }}",
            {"cmd": Template("ls {{ x }}"), "creates": Template("{{ a ~ b }}")},
        ),
        ("shell: '{{ x }}'", {"cmd": Template("{{ x }}")}),
        ("meta: flush_handlers", {"word": "flush_handlers"}),
        ("include_tasks: a.yml", {"file": "a.yml"}),
        ("include_tasks: file=a.yml", {"file": "a.yml"}),
        ("debug: msg=\"hello {{ 'a b' }}\"", {"msg": Template("hello {{ 'a b' }}")}),
        (
            "debug: msg={{ x | default('a b') }} var=y",
            {"msg": Template("{{ x | default('a b') }}"), "var": "y"},
        ),
        ("debug: msg='a\\nb'", {"msg": "a\nb"}),
        ("debug:", {}),
        ("debug: {}", {}),
    ],
)
def test_free_form_text_and_options(text: str, expected: dict[str, Any]) -> None:
    assert args(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("debug: hello there", "'debug' takes no free-form text: 'hello there'"),
        ("debug: [a]", "'debug' takes arguments as 'key: value', not a list"),
        ("debug: 'msg=\"open'", "A quote or a '{{' in this text is never closed"),
        ("action: {msg: x}", "'action' does not name a module"),
        ("action: [x]", "'action' takes a module's name with its arguments, not a list"),
        ("debug: {msg: x}\nargs: 5", "'args' takes arguments as 'key: value', not a number"),
    ],
)
def test_a_call_that_means_nothing_is_told(text: str, problem: str) -> None:
    call, problems = read(text)
    assert call is None
    assert problems == [problem]


@pytest.mark.parametrize("text", ["debug: {msg: x}\nargs: '{{ x }}'", "debug: '{{ x }}'"])
def test_one_template_may_yield_the_arguments(text: str) -> None:
    call, problems = read(text)
    assert call is not None
    assert call.template == Template("{{ x }}")
    assert problems == []


@pytest.mark.parametrize("text", ["action: '{{ x }} a=b'", "action: {module: '{{ x }}', a: b}"])
def test_a_template_may_name_the_module(text: str) -> None:
    call, problems = read(text)
    assert call is not None
    assert call.named == Template("{{ x }}")
    assert call.args == {"a": "b"}
    assert problems == []


def test_raw_params_is_the_free_form_text() -> None:
    assert args("shell: {_raw_params: ls, chdir: /}") == {"cmd": "ls", "chdir": "/"}


def test_a_local_action_is_delegated(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("- hosts: web\n  tasks: [{local_action: shell ls}, {action: shell ls}]\n")
    first, second = load_playbook(str(path), SmallCatalog()).plays[0].tasks
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert (first.delegate_to, second.delegate_to) == ("localhost", None)
    assert first.identity != second.identity


def test_arguments_know_where_they_stand() -> None:
    call, _ = read("copy:\n  src: a\n  dest: /b\n")
    assert call is not None
    assert call.position == Position("t.yml", 1, 1)
    assert call.positions == {"src": Position("t.yml", 2, 3), "dest": Position("t.yml", 3, 3)}


def test_words_join_to_the_text_again() -> None:
    text = 'a  \'b c\' {{ d e }} "f\\" g" {% if x %} y {% endif %} z'
    words = split_words(text)
    assert words is not None
    assert "".join(words) == text
    assert [w.strip() for w in words] == [
        "a", "'b c'", "{{ d e }}", '"f\\" g"', "{% if x %}", "y", "{% endif %}", "z",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["'a", 'x "b', "{{ a", "a {% if"])
def test_open_quotes_and_braces_are_seen(text: str) -> None:
    assert split_words(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "a"), ("'a b'", "a b"), ('"a\\tb"', "a\tb"), ("'a", "'a"), ("\\\\x", "\\x"), ("", "")],
)
def test_quotes_and_escapes_are_resolved(text: str, expected: str) -> None:
    assert unquote(text) == expected


def test_names_of_other_collections_are_left_alone() -> None:
    assert module_name("ansible.builtin.shell") == "shell"
    assert module_name("community.general.shell") == "community.general.shell"
