"""No expression turns a value that is not known yet, or a secret, silently into something else.

The claim is tried with every filter and every test, in several shapes: what comes out bare must be the same for
every value that could have stood there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from runbook.errors import TemplateError
from runbook.filters import FILTERS
from runbook.jinja_tests import TESTS
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.template_guard import reveal
from runbook.values import DERIVED, Expression, Secret, Template, Unknown, contains_unknown

CANDIDATES: list[Any] = ["aaa", "7", "", 7, 0, 2.5, True, None, ["x", "y"], [], {"key": 1, "value": 2}, {}]
"""What an unknown value may turn out to be."""

SHAPES = [
    "v {op}",
    "[v] {op}",
    "['a', v] {op}",
    "[v, 'a'] {op}",
    "{{'k': v}} {op}",
    "[{{'k': v}}] {op}",
    "[{{'key': 'a', 'value': v}}] {op}",
    "v.deep {op}",
]

# Arguments that make a call work; without any, most filters would only be tried for their error.
ARGUMENTS: dict[str, list[str]] = {
    "map": ["('upper')", "(attribute='k')", "('default', 3)"],
    "select": ["", "('defined')", "('equalto', 'a')", "('string')"],
    "reject": ["", "('defined')", "('equalto', 'a')", "('none')"],
    "selectattr": ["('k')", "('k', 'defined')", "('k', 'equalto', 1)"],
    "rejectattr": ["('k')", "('k', 'none')"],
    "default": ["('d')", "('d', true)"],
    "d": ["('d')", "('d', true)"],
    "combine": ["", "({'k': 5})", "({'z': 5}, recursive=true)"],
    "zip": ["(['p', 'q'])"],
    "join": ["", "('-')"],
    "attr": ["('k')"],
    "groupby": ["('k')"],
    "dictsort": [""],
    "regex_search": ["('a')"],
    "regex_replace": ["('a', 'b')"],
    "regex_findall": ["('a')"],
    "replace": ["('a', 'b')"],
    "union": ["(['a'])"],
    "intersect": ["(['a'])"],
    "difference": ["(['a'])"],
    "symmetric_difference": ["(['a'])"],
    "format": ["(1)"],
    "extract": ["({'a': 1})"],
    "product": ["([1])"],
    "batch": ["(1)"],
    "slice": ["(1)"],
    "strftime": ["(0)"],
    "password_hash": ["('md5', 'abcdefgh')"],
    "comment": ["", "('c')"],
    "vault": ["('pw', 'salt')"],
    "unvault": ["('pw')"],
    "ternary": ["('y', 'n')", "(v, 'n')", "('y', 'n', 'z')"],
    "combinations": ["(1)"],
    "human_to_bytes": ["", "('M')"],
    "human_readable": ["", "(true)"],
    "commonpath": [""],
    "pow": ["(2)"],
    "zip_longest": ["(['p'])"],
    "subelements": ["('k')"],
    "rekey_on_member": ["('k')"],
    "equalto": ["('a')"],
    "in": ["(['a'])"],
    "contains": ["('a')"],
    "subset": ["(['a'])"],
    "superset": ["(['a'])"],
    "version": ["('1.0', '>')"],
    "match": ["('a')"],
    "search": ["('a')"],
    "regex": ["('a')"],
    "sameas": ["(none)"],
    "divisibleby": ["(2)"],
}

UNREPEATABLE = {"random", "shuffle", "permutations"}  # and one that would take too long

ERROR = object()
SHARED = Templates()
"""Each expression is tried with many values and compiled once."""


def answer(expression: str, value: Any) -> Any:
    try:
        return SHARED.evaluate(Expression(expression), VariableScope(SHARED, [{"v": value}]))
    except TemplateError:
        return ERROR


def calls() -> list[str]:
    names = [
        ("| " + name, ARGUMENTS.get(name, ["", "('a')"])) for name in FILTERS if name not in UNREPEATABLE
    ]
    names += [("is " + name, ARGUMENTS.get(name, ["", "('a')"])) for name in TESTS]
    return [name + argument for name, arguments in names for argument in arguments]


OPERATORS = [
    "v == 'aaa'", "v != 'aaa'", "'aaa' == v", "v in ['aaa', 7]", "'a' in v", "v in 'aaa bbb'", "v not in ['aaa']",
    "v < 3", "3 > v", "v + 1", "1 + v", "'x' + v", "v ~ 'x'", "'x' ~ v", "'%s' % v", "'%s' % [v]", "'{}'.format(v)",
    "'{}'.format([v])", "not v", "v and true", "true and v", "v or 'z'", "'y' if v else 'n'", "v[0]",
    "['a', 'b'][v]",
    "'abc'[v]", "{'aaa': 1}[v]", "{v: 1}", "v.startswith('a')", "'aaa'.startswith(v)", "'aaa'.replace(v, 'b')",
    "v()", "v.get('k')", "[v] + ['x']", "[v] == ['aaa']", "{'k': v} == {'k': 'aaa'}", "(v, 1)", "-v", "v // 2",
    "[v] | flatten | length", "[['b'], v] | flatten | length", "[v] | select('defined') | list | length",
    "{'a': v} | combine({'a': {'z': 1}}, recursive=true)", "{'a': {'z': 1}} | combine({'a': v}, recursive=true)",
    "{'a': v} | combine({'a': [1]}, list_merge='append')", "[v, v] | unique | length", "[v] | map('default', 1)",
    "v[:1]", "'aaa'[:v]", "range(v)", "dict(k=v)", "[v].index('aaa')", "['aaa'].index(v)", "['aaa'].count(v)",
    "v is defined", "'x,y'.split(v)", "v ** 2", "2 * v", "v * 2", "','.join(v)", "','.join([v])",
    "lookup('vars', v)",
]  # fmt: skip


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


@pytest.mark.parametrize("call", [*calls(), "OPERATORS"])
def test_what_is_not_known_never_becomes_a_wrong_value(call: str) -> None:
    expressions = OPERATORS if call == "OPERATORS" else [shape.format(op=call) for shape in SHAPES]
    for expression in expressions:
        got = answer(expression, Unknown("planned"))
        if got is ERROR or contains_unknown(got):
            continue
        # A bare answer is right only if it does not depend on what the value will be; where a value would not
        # do at all, nothing is told.
        possible = [a for a in (answer(expression, c) for c in CANDIDATES) if a is not ERROR]
        assert possible, expression
        assert all(same(got, other) for other in possible), (
            f"{expression} gave {got!r}, possible {possible!r}"
        )


@pytest.mark.parametrize(
    "expression",
    [
        "v | upper", "v.a.b", "v['k']", "[v] | first", "{'a': v} | combine({'b': 1})", "'x %s' % v", "v | int + 1",
        "v in 'abc'", "'a'.startswith(v)", "v is defined", "[v, 1] | sum", "v | default('x', true)", "v | bool",
        "[{'s': v}] | selectattr('s', 'equalto', 'ok')", "v | to_json", "[v] | join", "v is none", "v is string",
    ],
)  # fmt: skip
def test_what_depends_on_an_unknown_value_is_unknown_and_not_an_error(expression: str) -> None:
    got = answer(expression, Unknown("planned"))
    assert got is not ERROR
    assert contains_unknown(got)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("r is changed", True),
        ("r is failed", False),
        ("r.name", "lab"),
        ("r | length", 4),
        ("[r] | map(attribute='name')", ["lab"]),
        ("[r, {'name': 'b'}] | selectattr('name', 'equalto', 'b') | length", 1),
        ("(r | combine({'name': 'x'})).name", "x"),
    ],
)
def test_what_stands_beside_an_unknown_value_is_known(expression: str, value: Any) -> None:
    result = {
        "changed": True,
        "failed": False,
        "name": "lab",
        "endpoint": Unknown("memorydb:cluster/lab endpoint"),
    }
    templates = Templates()
    assert templates.evaluate(Expression(expression), VariableScope(templates, [{"r": result}])) == value


def test_an_unknown_value_says_where_it_comes_from() -> None:
    templates = Templates()
    scope = VariableScope(templates, [{"c": {"endpoint": Unknown("memorydb:cluster/lab endpoint")}}])
    got = templates.render(Template("host={{ c.endpoint.address }}"), scope)
    assert Unknown.describe(got) == "memorydb:cluster/lab endpoint.address"


# ---------------------------------------------------------------- secrets

WORD = "s3cr3t-Word"


@pytest.mark.parametrize("call", [*calls(), "OPERATORS"])
@pytest.mark.parametrize("secret", [WORD, {"k": WORD}, [WORD]], ids=["text", "mapping", "list"])
def test_a_secret_gives_the_same_answers_and_what_is_made_from_it_stays_secret(
    call: str, secret: Any
) -> None:
    expressions = OPERATORS if call == "OPERATORS" else [shape.format(op=call) for shape in SHAPES]
    for expression in expressions:
        if any(word in expression for word in ("is secret", "vault_encrypted", "type_debug")):
            continue  # they tell a secret from what is none
        plain = answer(expression, secret)
        boxed = answer(expression, Secret(secret, "vault"))
        if plain is ERROR:
            assert boxed is ERROR, expression
            continue
        assert same(reveal(boxed), plain), expression
        assert WORD not in repr(boxed), expression
        assert WORD.upper() not in repr(boxed), expression


@pytest.mark.parametrize(
    "source",
    [
        "{{ c.password }}", "pw={{ c.password }}", "{{ c.password ~ '!' }}", "{{ '%s' % c.password }}",
        "{{ '{}'.format(c.password) }}", "{{ c.password | upper }}", "{{ c.password.upper() }}",
        "{{ c | to_json }}",
        "{{ [c.password] | join }}", "{{ c.password | b64encode }}", "{{ c.password == 'x' }}",
        "{% for x in c.password %}{{ x }}{% endfor %}", "{{ c.password | length }}",
        "{% set p = c.password %}{{ p }}", "{% if c.password %}{{ c.password }}{% endif %}",
        "{{ lookup('vars', 'c').password }}",
        "{{ lookup('vars', 'c').password ~ 'x' }}", "{{ c.get('password') ~ '' }}",
        "{{ c.values() | list | last ~ '' }}",
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(c.password) }}", "{{ c.password[0] }}",
        "{{ c.password | default('x') ~ c.user }}", "{{ c.password | regex_replace('s', 'z') }}",
        "{{ dict(a=c.password).a ~ '' }}", "{{ namespace(a=c.password).a ~ '' }}",
        "{% filter upper %}{{ c.password }}{% endfilter %}", "{% set b %}{{ c.password }}{% endset %}{{ b }}",
        "{{ c.password[::-1] }}", "{{ c.password in 'some text' }}", "{{ 'se' in c.password }}",
        "{{ c.password * 2 }}",
    ],
)  # fmt: skip
def test_what_is_made_from_a_secret_is_a_secret_with_the_right_value(source: str) -> None:
    templates = Templates()
    plain = templates.render(
        Template(source), VariableScope(templates, [{"c": {"user": "joe", "password": WORD}}])
    )
    scope = VariableScope(templates, [{"c": {"user": "joe", "password": Secret(WORD, "vault")}}])
    boxed = templates.render(Template(source), scope)
    assert type(boxed) is Secret
    assert Secret.reveal(boxed) == plain


def test_what_stands_beside_a_secret_is_not_tainted() -> None:
    templates = Templates()
    scope = VariableScope(templates, [{"c": {"user": "joe", "password": Secret(WORD, "vault")}}])
    assert templates.render(Template("{{ c.user }} {{ c | length }}"), scope) == "joe 2"
    made = templates.render(Template("{{ c | combine({'host': 'db'}) }}"), scope)
    assert (made["user"], made["host"], type(made["password"])) == ("joe", "db", Secret)


def test_a_derived_secret_is_told_from_its_source() -> None:
    templates = Templates()
    scope = VariableScope(templates, [{"p": Secret(WORD, "vault")}])
    assert templates.render(Template("{{ p }}"), scope).origin == "vault"
    assert templates.render(Template("{{ p | upper }}"), scope).origin == DERIVED
    assert templates.render(Template("x{{ p }}"), scope).origin == DERIVED


def test_secrets_in_a_template_file_make_the_whole_text_secret() -> None:
    templates = Templates()
    scope = VariableScope(templates, [{"p": Secret(WORD, "vault")}])
    text = templates.render_text("password: {{ p }}\n", scope, "x.j2")
    assert Secret.reveal(text) == f"password: {WORD}\n"
    assert type(text) is Secret


def test_a_lookup_runs_once_even_when_the_expression_is_evaluated_twice(tmp_path: Any) -> None:
    templates = Templates(tmp_path)
    scope = VariableScope(templates, [{"p": Secret(WORD, "vault")}])
    source = "{{ lookup('pipe', 'echo x >> count; cat count | wc -l') }}{{ p }}"
    assert Secret.reveal(templates.render(Template(source), scope)).strip().endswith(f"1{WORD}")
    assert (tmp_path / "count").read_text() == "x\n"


def test_threads_share_templates_without_mixing_up_their_values() -> None:
    templates = Templates()

    def work(number: int) -> bool:
        layer = {"n": number, "p": Secret(f"word-{number}", "vault"), "u": Unknown(f"u{number}")}
        scope = VariableScope(templates, [layer, {"line": Template("{{ p }}/{{ n }}")}])
        told = []
        for turn in range(50):
            text = templates.render(Template(f"{{{{ line }}}} {turn}"), scope)
            told.append(Secret.reveal(text) == f"word-{number}/{number} {turn}")
            told.append(templates.evaluate(Expression(f"n + {turn}"), scope) == number + turn)
            told.append(
                Unknown.describe(templates.evaluate(Expression(f"u ~ {turn}"), scope)) == f"u{number}"
            )
        return all(told)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def test_other_hosts_secrets_stay_secret() -> None:
    templates = Templates()
    other = VariableScope(templates, [{"pw": Secret(WORD, "vault"), "line": Template("pw={{ pw }}")}])
    scope = VariableScope(templates, [{"hostvars": {"db": other}, "p": Secret("other", "vault")}])
    for source in ("{{ hostvars.db.pw }}", "{{ hostvars['db'].line }}", "{{ p ~ hostvars.db.pw }}"):
        made = templates.render(Template(source), scope)
        assert type(made) is Secret
        assert WORD in Secret.reveal(made)
