"""What a template comes to: objects stay objects, text joins, data is never rendered, errors point home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runbook.errors import Position, TemplateError, UndefinedVariable
from runbook.scope import VariableScope
from runbook.template import Templates, as_truth, check_syntax
from runbook.values import OMIT, Expression, Secret, SourceFloat, Template, Unknown

VARS: dict[str, Any] = {
    "one": 1,
    "text": "10.10",
    "braces": "{{ one }}",
    "names": ["web", "db"],
    "cluster": {"name": "lab", "endpoint": {"address": "a.b", "port": 6379}, "empty": None},
    "flag": False,
}


@pytest.fixture
def templates() -> Templates:
    return Templates()


def scope_of(templates: Templates, **more: Any) -> VariableScope:
    return VariableScope(templates, [more, VARS])


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ one }}", 1),
        ("{{ text }}", "10.10"),
        ("{{ '[1, 2]' }}", "[1, 2]"),
        ("{{ [one, 2] }}", [1, 2]),
        ("{{ 5 }}", 5),
        ("{{ none }}", None),
        ("{{ cluster.empty }}", None),
        ("{{ cluster.endpoint }}", {"address": "a.b", "port": 6379}),
        ("{{ cluster.endpoint.port + 1 }}", 6380),
        ("{{ one }}{{ one }}", "11"),
        ("1{{ text }}", "110.10"),
        ("a{{ none }}b", "ab"),
        ("{{ none }}{{ 5 }}", 5),
        ("{% if flag %}x{% endif %}", None),
        ("x{{ omit }}", "x"),
        ("{{ [1, omit, {'a': omit, 'b': [omit]}] }}", [1, {"b": []}]),
        ("{% macro f(x) %}{{ x }}{% endmacro %}{{ f(one) }}", 1),
        ("{% set x %}{{ [one] }}{% endset %}{{ x }}", [1]),
        ("{% set _ = names.append('x') %}{{ names | length }}", 3),
        ("{{ 'a1' | regex_replace('(\\d)', '<\\1>') }}", "a<1>"),
        ("{{ 'a\\nb' }}", "a\\nb"),
        ("{% set x = 'a\\nb' %}{{ x }}", "a\nb"),
        ("{{ (gone | upper) | default('d') }}", "d"),
        ("{{ gone.x() | default('d') }}", "d"),
        ("{{ undef('why') | default('d') }}", "d"),
        ("{{ lookup('vars', '{{ \"one\" }}') }}", 1),
        ("{{ vars.one + vars['one'] }}", 2),
        ("{{ 'gone' in vars }}", False),
        ("{{ cluster.endpoint.keys() | type_debug }}", "list"),
        ("--{{ 'x' if flag }}--", "----"),
        ("{{ names }} and", "['web', 'db'] and"),
        ("{{ one }}\n", 1),
        ("{{ none }}\n", None),
        ("{{ text }}\n", "10.10\n"),
        ("{% if flag %}a{% else %}{{ cluster.endpoint.port }}{% endif %}", 6379),
        ("{% for name in names %}{{ loop.index }}{{ name }};{% endfor %}", "1web;2db;"),
        ("{% set big = cluster.name | upper %}{{ big }}", "LAB"),
        ("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(one) }}", "<1>"),
        ("{{ names | map('upper') }}", ["WEB", "DB"]),
        ("{{ cluster.endpoint.items() }}", [["address", "a.b"], ["port", 6379]]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ braces }}", "{{ one }}"),
        ("a{{ braces }}", "a{{ one }}"),
        ("{# nothing #}", None),
    ],
)
def test_a_template_of_one_piece_is_its_object_and_others_join_as_text(
    templates: Templates, source: str, value: Any
) -> None:
    assert templates.render(Template(source), scope_of(templates)) == value


def test_plain_text_is_data_whatever_braces_it_holds(templates: Templates) -> None:
    value = {"a": "{{ one }}", "b": ["{% if %}"]}
    assert templates.render(value, scope_of(templates)) == value


def test_rendering_is_deep_and_leaves_out_what_is_omitted(templates: Templates) -> None:
    value = {
        "name": Template("{{ cluster.name }}-2"),
        Template("key-{{ one }}"): [
            Template("{{ one }}"),
            {"gone": Template("{{ nothing | default(omit) }}")},
        ],
        "gone": Template("{{ omit }}"),
    }
    made = templates.render(value, scope_of(templates))
    assert made == {"name": "lab-2", "key-1": [1, {}]}
    assert templates.render(Template("{{ omit }}"), scope_of(templates)) is OMIT


def test_what_a_template_changes_in_place_is_its_own_copy(templates: Templates) -> None:
    scope = scope_of(templates, mine=[1], held={"in": [1]})
    source = "{% set _ = mine.append(2) %}{{ held['in'].append(2) }}{{ mine ~ held }}"
    assert templates.render(Template(source), scope) == "[1, 2]{'in': [1, 2]}"
    assert scope.get("mine") == [1]
    assert scope.get("held") == {"in": [1]}


@pytest.mark.parametrize("source", ["{{ x ~ omit }}", "{{ omit ~ 'x' }}"])
def test_omit_joined_to_a_text_is_refused(templates: Templates, source: str) -> None:
    with pytest.raises(TemplateError, match="'omit' can't be part of a text"):
        templates.render(Template(source), scope_of(templates, x="x"))


def test_numbers_remember_how_they_were_written(templates: Templates) -> None:
    version = SourceFloat(7.1, "7.10")
    assert templates.render(Template("{{ version }}"), scope_of(templates, version=version)).text == "7.10"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("flag or broken", UndefinedVariable),
        ("one or broken", 1),
        ("flag and broken", False),
        ("1 if one else broken", 1),
        ("broken | default('d')", "d"),
        ("broken is defined", False),
        ("missing.deep.deeper | default(2)", 2),
        ("cluster.nothing is undefined", True),
    ],
)
def test_names_are_looked_up_only_when_they_are_used(templates: Templates, source: str, value: Any) -> None:
    scope = scope_of(templates, broken=Template("{{ not_there }}"))
    if isinstance(value, type):
        with pytest.raises(value):
            templates.evaluate(Expression(source), scope)
    else:
        assert templates.evaluate(Expression(source), scope) == value


def test_only_what_was_used_counts_as_read(templates: Templates) -> None:
    scope = scope_of(templates, url=Template("http://{{ cluster.name }}"))
    templates.evaluate(Expression("url if one else names"), scope)
    assert scope.reads == {"url", "cluster", "one"}


def test_a_condition_is_true_or_false(templates: Templates) -> None:
    assert as_truth(True) is True
    assert as_truth(Secret(False)) is False
    unknown = Unknown("cluster")
    assert as_truth(unknown) is unknown


@pytest.mark.parametrize("value", [None, 0, 2, 1.5, "", "true", "yes", [], [1], {}, {"a": 1}])
def test_any_other_value_is_no_answer_to_a_condition(templates: Templates, value: Any) -> None:
    with pytest.raises(TemplateError, match="Conditionals must have a boolean result"):
        templates.truth(Expression("v"), scope_of(templates, v=value))


@pytest.mark.parametrize(
    "source",
    ["{{ one == 1 }}", " {{ one == 1 }} ", "'{{ text }}' == text", "text == 'x{{ text }}'[1:]", "not flag"],
)
def test_conditions_take_braces_as_ansible_does(templates: Templates, source: str) -> None:
    assert templates.truth(Expression(source), scope_of(templates)) is True


def test_a_false_condition_decides_even_after_an_unknown_one(templates: Templates) -> None:
    scope = scope_of(templates, planned=Unknown("cluster"))
    conditions = [Expression("planned.ready"), Expression("flag")]
    assert templates.holds(conditions, scope) is False
    assert type(templates.holds([Expression("planned.ready"), Expression("one == 1")], scope)) is Unknown
    assert type(templates.holds([Expression("planned.ready"), Expression("gone.x")], scope)) is Unknown
    assert templates.holds([Expression("one == 1"), Expression("not flag")], scope) is True
    with pytest.raises(UndefinedVariable):
        templates.holds([Expression("gone.x")], scope)


def test_a_template_file_drops_line_ends_after_blocks_and_keeps_its_last(templates: Templates) -> None:
    source = "{% for name in names %}\n- {{ name }}\n{% endfor %}\nend\n"
    assert templates.render_text(source, scope_of(templates), "hosts.j2") == "- web\n- db\nend\n"


def test_a_template_file_of_one_expression_is_still_text(templates: Templates) -> None:
    assert templates.render_text("{{ one }}", scope_of(templates), "one.j2") == "1"


def test_template_files_can_include_others_and_share_their_variables(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "part.j2").write_text("[{{ name }} {{ cluster.name }}]")
    templates = Templates(tmp_path)
    source = "{% for name in names %}{% include 'part.j2' %}{% endfor %}"
    assert templates.render_text(source, scope_of(templates), "whole.j2") == "[web lab][db lab]"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% extends 'base.j2' %}{% block a %}{{ super() }}!{% endblock %}", "base lab!|"),
        ("{% import 'tools.j2' as t %}{{ t.wrap(one) }}", "<1>"),
        ("{% from 'tools.j2' import wrap with context %}{{ wrap(text) }}", "<10.10>"),
        ("{% from 'tools.j2' import wrap %}{% call wrap('a') %}{{ one }}{% endcall %}", "<a1>"),
        (
            "{% set ns = namespace(n=0) %}{% for x in names %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
            "2",
        ),
        ("{% set one = 5 %}{% for x in names %}{% set one = x %}{{ one }}{% endfor %}{{ one }}", "webdb5"),
        ("{% for one in names %}{{ one }}{% endfor %}{{ one }}", "webdb1"),
        ("{% for x in names %}{{ one }}{% set one = 7 %}{{ one }}{% endfor %}", "1717"),
        ("{% if flag %}{% set one = 9 %}{% endif %}{{ one }}", "1"),
        ("{% with one = 3 %}{{ one }}{% endwith %}{{ one }}", "31"),
        ("{% for x in names recursive %}{{ x }}{{ loop(['z']) if x == 'db' }}{% endfor %}", "webdbz"),
        ("{% filter upper %}{{ cluster.name }}{% endfilter %}", "LAB"),
        ("{% for x in names %}{% if loop.first %}{% continue %}{% endif %}{{ x }}{% endfor %}", "db"),
        ("{% raw %}{{ one }}{% endraw %}", "{{ one }}"),
        ("{{ self.t() }}{% block t %}{{ one }}{% endblock %}", "11"),
        ("{% macro f(n) %}{{ 1 if n == 0 else n * f(n - 1) | int }}{% endmacro %}{{ f(4) }}", "24"),
    ],
)
def test_the_whole_language_works_on_variables_that_are_looked_up_late(
    tmp_path: Path, source: str, text: str
) -> None:
    (tmp_path / "base.j2").write_text("{% block a %}base {{ cluster.name }}{% endblock %}|")
    wrap = "{% macro wrap(x) %}<{{ x }}{{ caller() if caller is defined }}>{% endmacro %}"
    (tmp_path / "tools.j2").write_text(wrap)
    templates = Templates(tmp_path)
    assert templates.render_text(source, scope_of(templates), "x.j2") == text


# ---------------------------------------------------------------- errors


def error_of(
    templates: Templates, source: str, position: Position | None = None, **more: Any
) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        templates.render(Template(source, position), scope_of(templates, **more))
    return caught.value


def test_an_undefined_variable_is_named_with_the_nearest_known_one(templates: Templates) -> None:
    error = error_of(templates, "x {{ clutser.name }}")
    assert isinstance(error, UndefinedVariable)
    assert error.message == "'clutser' is undefined, in: x {{ clutser.name }}"
    assert error.hint == "Did you mean 'cluster'?"


def test_a_missing_key_is_named_with_those_that_are_there(templates: Templates) -> None:
    assert error_of(templates, "{{ cluster.endpoint.adress }}").hint == "Did you mean 'address'?"
    error = error_of(templates, "{{ cluster.endpoint.zzz }}")
    assert error.message.startswith("object of type 'dict' has no attribute 'zzz'")
    assert error.hint == "It has: address, port."
    assert error_of(templates, "{{ names[7] }}").hint == "It has 2 items."
    assert error_of(templates, "{{ one.two }}").hint == "It is a whole number."


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("- debug:\n    msg: hello {{ one }} {{ gone }}\n", 2, 29),
        ("- debug:\n    msg: 'hello {{ gone }}'\n", 2, 20),
        ("- debug:\n    msg: |\n      first {{ one }}\n      second {{ gone }}\n", 4, 17),
        ("- debug:\n    msg: >-\n      folded {{ one }}\n      {{ gone }}\n", 4, 10),
    ],
)
def test_an_error_points_at_the_expression_in_the_file(
    templates: Templates, tmp_path: Path, text: str, line: int, column: int
) -> None:
    import yaml

    file = tmp_path / "play.yml"
    file.write_text(text)
    node = yaml.compose(text).value[0].value[0][1].value[0][1]  # type: ignore[union-attr]
    position = Position(str(file), node.start_mark.line + 1, node.start_mark.column + 1)
    error = error_of(templates, node.value, position)
    assert error.position == Position(str(file), line, column)
    assert error.excerpt == text.splitlines()[line - 1]
    marked = str(error).splitlines()
    assert marked[2].index("^") == marked[1].index("gone")


def test_an_error_in_a_template_file_names_its_line(templates: Templates) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        templates.render_text("fine\n  {{ gone }}\n", scope_of(templates), "a/motd.j2")
    assert caught.value.position == Position("a/motd.j2", 2, 6)
    assert caught.value.excerpt == "  {{ gone }}"


def test_an_error_of_a_nested_variable_is_told_once_and_says_who_needed_it(templates: Templates) -> None:
    error = error_of(templates, "{{ url }}", url=Template("http://{{ host_nam }}"), host_name="h")
    assert error.message == "'host_nam' is undefined, in: http://{{ host_nam }}"
    assert error.hint == "Did you mean 'host_name'? Needed by the variable 'url'."


def test_a_variable_that_needs_itself_is_told_with_the_chain(templates: Templates) -> None:
    error = error_of(templates, "{{ a }}", a=Template("{{ b }}"), b=Template("{{ a }}"))
    assert "'a' needs itself: a -> b -> a" in error.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ one / 0 }}", "division by zero"),
        ("{{ names + 1 }}", "can only concatenate list"),
        ("{{ names | combine({}) }}", "failed to combine variables, expected dicts but got a"),
        ("{{ 'x' | from_json }}", "Expecting value"),
        ("{{ cluster.items }}", "This is the method 'items', not a value"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{{ 'x' if flag }}", "has no 'else'"),
        ("{{ [gone] }}", "'gone' is undefined"),
        ("{{ names | map(attribute='x') }}", "object of type 'str' has no attribute 'x'"),
        ("{{ lookup('fil', 'x') }}", "The lookup plugin 'fil' was not found"),
    ],
)
def test_what_goes_wrong_is_a_template_error_in_plain_words(
    templates: Templates, source: str, words: str
) -> None:
    assert words in error_of(templates, source).message


# ---------------------------------------------------------------- syntax, before anything is rendered


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        (Template("{{ one | uper }}"), "No filter named 'uper'", "Did you mean 'upper'?"),
        (Expression("one is defind"), "No test named 'defind'", "Did you mean 'defined'?"),
        (Template("{{ one"), "Syntax error in template: unexpected end of template", None),
        (Template("{% if one %}x"), "Syntax error in template: Unexpected end of template", None),
        (Expression("one == "), "Syntax error in expression: ", None),
        (Expression("one }} {{ two"), "Syntax error in expression: unexpected '}}'", None),
        (Expression("one two"), "Syntax error in expression: unexpected 'two' after the expression", None),
    ],
)
def test_bad_syntax_is_found_without_rendering(
    template: Template | Expression, message: str, hint: str | None
) -> None:
    problem = check_syntax(template)
    assert problem is not None
    assert problem.message.startswith(message)
    assert problem.hint == hint


def test_good_syntax_is_no_problem() -> None:
    assert check_syntax(Template("{% for a in b %}{{ a | upper }}{% endfor %}")) is None
    assert check_syntax(Expression("result is failed and 'x' in result.msg")) is None


def test_a_syntax_error_points_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("a: b\nmsg: hi {{ one | uper }}\n")
    problem = check_syntax(Template("hi {{ one | uper }}", Position(str(file), 2, 6)))
    assert problem is not None
    assert problem.position == Position(str(file), 2, 18)
    assert problem.excerpt == "msg: hi {{ one | uper }}"
