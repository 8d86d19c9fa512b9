"""Lookups: what they find, what they refuse, and what they do in a dry run."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import LoadError, TemplateError
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.values import Expression, Secret, Unknown

from tests.support.plays import Folder

VARS: dict[str, Any] = {
    "name": "ann",
    "people": [{"n": "a", "k": [1, 2], "g": {"h": [5]}}, {"n": "b", "k": [3], "g": {"h": []}}],
    "groups": {"all": ["h1", "h2", "db"], "web": ["h1", "h2"]},
    "word": "data {{ 1 }}",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for folder in ("files", "templates", "sub"):
        (tmp_path / folder).mkdir()
    (tmp_path / "files" / "a.txt").write_text("one {{ name }}\n\n")
    (tmp_path / "pad.txt").write_text("  padded\n")
    (tmp_path / "templates" / "t.j2").write_text("hello {{ name }} {{ extra | default('-') }}\n")
    (tmp_path / "templates" / "list.j2").write_text("{{ people | map(attribute='n') }}")
    (tmp_path / "templates" / "own.j2").write_text("{{ template_path }} {{ ansible_managed }}")
    (tmp_path / "templates" / "head.j2").write_text(
        "#jinja2: variable_start_string:'[%', variable_end_string:'%]', trim_blocks:False\n"
        "[% name %] {{ name }}\n{% if true %}\nx\n{% endif %}\n"
    )
    (tmp_path / "templates" / "broken.j2").write_text("#jinja2: trim_blocks:False\n\n{{ gone }}\n")
    (tmp_path / "x.csv").write_text('A,1,x\nB,2,y\nC,"3,3",z\n')
    (tmp_path / "x.ini").write_text("[sec]\nuser=joe\nUser2=Jane\nref=%(user)s-x\n[global]\ntop=1\n")
    return tmp_path


def ask(place: Path, expression: str, **more: Any) -> Any:
    templates = Templates(place)
    return templates.evaluate(Expression(expression), VariableScope(templates, [more, VARS]))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lookup('file', 'a.txt')", "one {{ name }}"),
        ("lookup('file', 'a.txt', 'pad.txt')", "one {{ name }},  padded"),
        ("lookup('file', 'pad.txt', lstrip=true)", "padded"),
        ("lookup('unvault', 'pad.txt')", "  padded\n"),
        ("lookup('ansible.legacy.file', 'a.txt')", "one {{ name }}"),
        ("query('fileglob', '*.txt') | map('basename')", ["a.txt"]),
        ("query('fileglob', 'nothing*')", []),
        ("lookup('first_found', 'no', 'pad.txt') | basename", "pad.txt"),
        ("lookup('first_found', files='no,a.txt', paths=['sub', 'files']) | basename", "a.txt"),
        ("lookup('first_found', [{'files': ['no'], 'skip': true}, 'pad.txt']) | basename", "pad.txt"),
        ("query('first_found', ['no'], skip=true)", []),
        ("lookup('csvfile', 'C', file='x.csv', delimiter=',')", "3,3"),
        ("lookup('csvfile', 'B file=x.csv delimiter=, col=2')", "y"),
        ("lookup('csvfile', 'Z', file='x.csv', delimiter=',', default='d')", "d"),
        ("lookup('ini', 'user', file='x.ini', section='sec')", "joe"),
        ("lookup('ini', 'ref section=sec file=x.ini')", "joe-x"),
        ("lookup('ini', 'gone', file='x.ini', default='d')", "d"),
        ("query('ini', '^u', file='x.ini', section='sec', re=true)", ["joe", "Jane"]),
        ("lookup('template', 't.j2')", "hello ann -\n"),
        ("lookup('template', 't.j2', template_vars={'name': 'bob', 'extra': 5})", "hello bob 5\n"),
        ("lookup('template', 'list.j2')", ["a", "b"]),
        ("lookup('template', 'own.j2')", "own.j2 Ansible managed"),
        ("lookup('template', 'head.j2')", "ann {{ name }}\n\nx\n"),
        ("lookup('vars', 'name')", "ann"),
        ("lookup('vars', 'gone', default='d')", "d"),
        ("lookup('vars', 'gone') | default('d')", "d"),
        ("lookup('vars', 'word')", "data {{ 1 }}"),
        ("query('varnames', '^(name|word)$')", ["name", "word"]),
        ("lookup('items', ['a', 'b'])", "a,b"),
        ("query('items', 'a', ['b', ['c']])", ["a", "b", ["c"]]),
        ("query('dict', {'a': 1})", [{"key": "a", "value": 1}]),
        ("query('indexed_items', ['a', 'b'])", [[0, "a"], [1, "b"]]),
        ("query('nested', ['a', 'b'], [1])", [["a", 1], ["b", 1]]),
        ("query('together', ['a', 'b'], [1])", [["a", 1], ["b", None]]),
        ("query('subelements', people, 'g.h')", [[{"n": "a", "k": [1, 2], "g": {}}, 5]]),
        ("query('subelements', people, 'no', {'skip_missing': true})", []),
        ("query('sequence', 'start=1 end=5 stride=2 format=h%02d')", ["h01", "h03", "h05"]),
        ("query('sequence', '2-6/2:x%d')", ["x2", "x4", "x6"]),
        ("query('sequence', count=2)", ["1", "2"]),
        ("query('inventory_hostnames', 'all:!web')", ["db"]),
        ("query('inventory_hostnames', 'h*:&web', 'db')", ["h1", "h2", "db"]),
        ("lookup('file', 'gone', errors='ignore')", None),
        ("query('file', 'gone', errors='ignore')", []),
        ("lookup('pipe', 'echo hi; echo')", "hi"),
        ("query('lines', 'printf \"a\\nb\"')", ["a", "b"]),
        ("lookup('password', '/dev/null length=5 seed=x')", "O9iX6"),
        ("lookup('random_choice', 'a', 'a')", "a"),
    ],
)
def test_lookups_find(place: Path, expression: str, value: Any) -> None:
    assert ask(place, expression) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lookup('fil', 'x')", "The lookup plugin 'fil' was not found"),
        ("lookup('file', 'gone')", "Unable to access the file 'gone': File not found (looked at"),
        ("lookup('file', 'sub')", "is a folder"),
        ("lookup('first_found', ['no'])", "No file was found when using first_found: no"),
        ("query('sequence', 'start=5 end=1')", "to count backwards make stride negative"),
        ("query('sequence', 'nope=1')", "unrecognized arguments to with_sequence"),
        ("query('subelements', people, 'no')", "an item has no 'no'"),
        ("query('dict', [1])", "the 'dict' lookup plugin expects a dictionary"),
        ("lookup('ini', 'user', file='x.ini', section='no')", "No section 'no'"),
        ("lookup('csvfile', 'B', file='x.csv', delimiter=',', col=9)", "no column 9"),
        (
            "lookup('password', '/dev/null nope=1')",
            "Unrecognized parameter(s) given to password lookup: nope",
        ),
        ("lookup('lines', 'exit 3')", "returned 3"),
        ("lookup('config', 'DEFAULT_FORKS')", "a setting of Ansible's own program"),
        ("lookup('url', 'nope://x')", "is not an address of the web"),
        ("lookup('url', 'http://127.0.0.1:9/')", "can't be read"),
        ("lookup('vars', 'name', errors='no')", "errors must be one of"),
        ("lookup('template', 'broken.j2')", "'gone' is undefined"),
        ("lookup('aws_secret', 'x')", "asks AWS, and this is no step that could"),
    ],
)
def test_lookups_refuse_in_plain_words(place: Path, expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        ask(place, expression)
    assert words in caught.value.message


def test_an_error_in_a_template_file_is_told_with_its_own_line(place: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        ask(place, "lookup('template', 'broken.j2')")
    assert caught.value.position is not None
    assert (Path(caught.value.position.file).name, caught.value.position.line) == ("broken.j2", 3)


def test_files_are_looked_for_along_the_search_path(place: Path) -> None:
    role = place / "roles" / "r"
    (role / "files").mkdir(parents=True)
    (role / "files" / "a.txt").write_text("of the role\n")
    path = [str(role), str(place)]
    assert ask(place, "lookup('file', 'a.txt')", ansible_search_path=path) == "of the role"
    assert ask(place, "lookup('file', 'pad.txt')", ansible_search_path=path) == "  padded"


def test_a_password_is_made_once_and_for_its_owner_only(place: Path) -> None:
    first = ask(place, "lookup('password', 'secrets/pw length=12 chars=digits')")
    assert len(first) == 12
    assert first.isdecimal()
    assert ask(place, "lookup('password', 'secrets/pw')") == first
    file = place / "secrets" / "pw"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    one = ask(place, "lookup('password', 'secrets/pw encrypt=md5_crypt')")
    assert one == ask(place, "lookup('password', 'secrets/pw encrypt=md5_crypt')")
    assert one.startswith("$1$")
    assert [p.name for p in file.parent.iterdir()] == ["pw"]


@pytest.mark.parametrize(
    "expression",
    [
        "lookup('pipe', 'touch ran')", "query('lines', 'touch ran')", "lookup('password', 'ran')",
        "lookup('pipe', 'touch ran') | upper", "query('pipe', 'touch ran')[0]",
    ],
)  # fmt: skip
def test_a_dry_run_runs_and_writes_nothing(place: Path, expression: str) -> None:
    assert type(ask(place, expression, ansible_check_mode=True)) is Unknown
    assert not (place / "ran").exists()


def test_a_dry_run_reads_the_password_that_there_is(place: Path) -> None:
    (place / "pw").write_text("abc salt=12345678\n")
    assert ask(place, "lookup('password', 'pw')", ansible_check_mode=True) == "abc"


def test_secrets_pass_through_lookups_as_secrets(place: Path) -> None:
    secret = Secret("s3cr3t", "vault")
    for expression in (
        "lookup('items', [p])", "query('dict', {'a': p})[0].value", "lookup('vars', 'p')",
        "lookup('template', 't.j2', template_vars={'extra': p})", "query('nested', [p], [1])[0][0]",
        "lookup('template', 'p.j2')", "lookup('file', p)",
    ):  # fmt: skip
        (place / "templates" / "p.j2").write_text("pw={{ p }}\n")
        (place / "s3cr3t").write_text("x")
        found = ask(place, expression, p=secret)
        assert type(found) is Secret, expression


def test_what_is_not_known_makes_a_lookup_unknown(place: Path) -> None:
    for expression in ("lookup('file', u)", "lookup('template', 'u.j2')", "lookup('items', [u])"):
        (place / "templates" / "u.j2").write_text("u={{ u }}\n")
        assert type(ask(place, expression, u=Unknown("planned"))) is Unknown, expression


# ---------------------------------------------------------------- plugins


@pytest.fixture
def plugins(place: Path) -> Path:
    for kind in ("filter", "test", "lookup"):
        (place / f"{kind}_plugins").mkdir()
    (place / "filter_plugins" / "mine.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'twice': lambda v: v * 2}\n"
    )
    (place / "test_plugins" / "mine.py").write_text(
        "class TestModule:\n    def tests(self):\n        return {'tiny': lambda v: v < 3}\n"
    )
    (place / "lookup_plugins" / "greet.py").write_text(
        "class LookupModule:\n    def run(self, terms, variables=None, **kwargs):\n"
        "        return [f\"{kwargs.get('word', 'hi')} {t} {variables['name']}\" for t in terms]\n"
    )
    role = place / "roles" / "r" / "filter_plugins"
    role.mkdir(parents=True)
    (role / "r.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'thrice': lambda v: v * 3}\n"
    )
    return place


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'ab' | twice", "abab"),
        ("['a'] | map('twice')", ["aa"]),
        ("'ab' | ansible.legacy.twice", "abab"),
        ("'a' | thrice", "aaa"),
        ("2 is tiny", True),
        ("[1, 5] | select('tiny')", [1]),
        ("lookup('greet', 'you')", "hi you ann"),
        ("query('greet', 'you', 'me', word='ho')", ["ho you ann", "ho me ann"]),
        ("gone | twice | default('d')", "d"),
    ],
)
def test_plugins_beside_the_playbook_and_in_roles(plugins: Path, expression: str, value: Any) -> None:
    assert ask(plugins, expression) == value


def test_a_plugin_is_kept_from_secrets_and_from_what_is_not_known(plugins: Path) -> None:
    made = ask(plugins, "p | twice", p=Secret("ab", "vault"))
    assert type(made) is Secret
    assert Secret.reveal(made) == "abab"
    assert type(ask(plugins, "u | twice", u=Unknown("planned"))) is Unknown


def test_a_plugin_that_imports_ansible_is_refused_where_it_is_needed(plugins: Path) -> None:
    (plugins / "filter_plugins" / "other.py").write_text("from ansible.errors import AnsibleFilterError\n")
    (plugins / "lookup_plugins" / "heavy.py").write_text("from ansible.plugins.lookup import LookupBase\n")
    assert ask(plugins, "'ab' | twice") == "abab"
    for expression, file in (("['a'] | map('other')", "other.py:1"), ("lookup('heavy', 1)", "heavy.py:1")):
        with pytest.raises(Exception, match=rf"{file} imports ansible") as caught:
            ask(plugins, expression)
        assert "plain Python" in str(caught.value)


def test_plugins_work_in_playbooks_and_their_names_are_known_when_it_is_loaded(plugins: Path) -> None:
    folder = Folder(plugins)
    (plugins / "lookup_plugins" / "heavy.py").write_text("from ansible.plugins.lookup import LookupBase\n")
    played = folder.play("""
        - hosts: localhost
          gather_facts: false
          vars: {name: ann}
          tasks:
            - {name: one, debug: {msg: "{{ 'ab' | twice }} {{ 1 is tiny }} {{ item }}"}, with_greet: [you]}
        """)
    assert played.outcome("one").result["results"][0]["msg"] == "abab True hi you ann"
    text = """
        - hosts: localhost
          tasks:
            - debug: {msg: "{{ 1 | twise }}"}
            - {debug: {}, with_heavy: [1]}
            - {debug: {}, with_gret: [1]}
        """
    with pytest.raises(LoadError) as caught:
        folder.runner(text)
    told = str(caught.value)
    assert "No filter named 'twise'" in told
    assert "heavy.py:1 imports ansible" in told
    assert "there is no lookup 'gret'" in told
