"""Variables: layers, rendered when read and once, cheap loop items, errors only when used."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from runbook.errors import TemplateError, UndefinedVariable
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.values import Expression, Secret, Template, Unknown


@pytest.fixture
def templates() -> Templates:
    return Templates()


class Counting(Mapping[str, Any]):
    """A layer that counts how often each name is read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_ = values
        self.reads: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.reads.append(name)
        return self.values_[name]

    def __contains__(self, name: object) -> bool:
        return name in self.values_

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_the_first_layer_that_has_a_name_wins(templates: Templates) -> None:
    scope = VariableScope(templates, [{"a": 1}, {"a": 2, "b": 3}])
    assert (scope.get("a"), scope.get("b")) == (1, 3)
    assert set(scope) == {"a", "b"}
    assert len(scope) == 2


def test_a_template_of_a_lower_layer_sees_the_winning_values(templates: Templates) -> None:
    scope = VariableScope(templates, [{"env": "prod"}, {"env": "dev", "url": Template("http://{{ env }}")}])
    assert scope.get("url") == "http://prod"


def test_a_variable_is_rendered_when_read_and_only_once(templates: Templates) -> None:
    layer = Counting({"n": 1, "twice": Template("{{ n + n }}"), "unused": Template("{{ gone }}")})
    scope = VariableScope(templates, [layer])
    assert scope.get("twice") + scope.get("twice") == 4
    assert layer.reads == ["twice", "n", "n"]
    assert scope.reads == {"twice", "n"}


def test_a_missing_name_is_told_with_the_nearest_one(templates: Templates) -> None:
    scope = VariableScope(templates, [{"cluster_name": "lab"}])
    with pytest.raises(UndefinedVariable, match="'cluster_nam' is undefined") as caught:
        scope.get("cluster_nam")
    assert caught.value.hint == "Did you mean 'cluster_name'?"
    assert scope.get("cluster_nam", None) is None
    assert "cluster_nam" not in scope
    with pytest.raises(KeyError):
        scope["cluster_nam"]


def test_a_broken_part_of_a_variable_fails_only_when_it_is_used(templates: Templates) -> None:
    config = {"good": 1, "bad": Template("{{ gone }}"), "list": [Template("{{ 1 / 0 }}"), 5]}
    scope = VariableScope(templates, [{"config": config}])
    assert scope.evaluate(Expression("config.good + config.list[1]")) == 6
    assert scope.evaluate(Expression("config.bad | default('d')")) == "d"
    with pytest.raises(UndefinedVariable, match="'gone' is undefined"):
        scope.evaluate(Expression("config.bad"))
    with pytest.raises(TemplateError, match="division by zero"):
        scope.evaluate(Expression("config.list[0] + 1"))
    with pytest.raises(UndefinedVariable, match="'gone' is undefined"):
        scope.get("config")
    with pytest.raises(UndefinedVariable):
        scope.evaluate(Expression("config"))


def test_a_part_may_read_its_own_siblings_no_more_than_itself(templates: Templates) -> None:
    scope = VariableScope(templates, [{"me": {"name": "x", "url": Template("{{ me.name }}")}}])
    assert scope.evaluate(Expression("me.name")) == "x"
    with pytest.raises(TemplateError, match="'me' needs itself: me -> me"):
        scope.evaluate(Expression("me.url"))


def test_a_child_sees_its_own_layer_first(templates: Templates) -> None:
    scope = VariableScope(templates, [{"item": "outer", "label": Template("<{{ item }}>"), "base": "b"}])
    assert scope.get("label") == "<outer>"
    for item in ("one", "two"):
        assert scope.child({"item": item}).get("label") == f"<{item}>"
    assert scope.get("label") == "<outer>"


def test_children_share_what_does_not_depend_on_them(templates: Templates) -> None:
    layer = Counting(
        {"base": "b", "shared": Template("{{ base }}!"), "own": Template("{{ base }}{{ item }}")}
    )
    scope = VariableScope(templates, [layer])
    for item in range(3):
        child = scope.child({"item": item})
        assert child.get("shared") == "b!"
        assert child.get("own") == f"b{item}"
        assert {"shared", "own", "base", "item"} == child.reads
    # `shared` needed `base` once for all children, `own` once for each.
    assert layer.reads.count("base") == 1 + 3


def test_a_grandchild_does_not_take_what_depends_on_its_parents_item(templates: Templates) -> None:
    scope = VariableScope(templates, [{"both": Template("{{ a }}{{ b }}")}])
    child = scope.child({"a": 1})
    assert child.child({"b": 2}).get("both") == "12"
    assert child.child({"b": 3}).get("both") == "13"
    assert scope.child({"a": 9}).child({"b": 2}).get("both") == "92"


def test_reads_of_a_shared_rendering_count_for_every_child(templates: Templates) -> None:
    scope = VariableScope(templates, [{"base": "b", "shared": Template("{{ base }}!")}])
    scope.child({"item": 1}).get("shared")
    second = scope.child({"item": 2})
    second.get("shared")
    assert second.reads == {"shared", "base"}


def test_data_is_handed_over_as_it_is(templates: Templates) -> None:
    result = {"stdout": "{{ not_a_template }}", "lines": [1, 2]}
    scope = VariableScope(templates, [{"result": result}])
    assert scope.get("result") is result


def test_unknown_and_secret_go_through_nested_variables(templates: Templates) -> None:
    layer = {
        "c": {"at": Unknown("c.at")},
        "p": Secret("pw", "vault"),
        "both": {"u": Template("{{ c.at }}:1")},
    }
    scope = VariableScope(templates, [{"line": Template("x={{ p }}")}, layer])
    assert type(scope.evaluate(Expression("both.u"))) is Unknown
    assert Secret.reveal(scope.get("line")) == "x=pw"
    assert type(scope.get("line")) is Secret


def test_a_mapping_with_a_part_that_is_missing_fails_as_a_whole_when_it_is_used_as_one(
    templates: Templates,
) -> None:
    scope = VariableScope(templates, [{"d": {"good": 1, "bad": Template("{{ gone }}")}}])
    with pytest.raises(UndefinedVariable):
        templates.render(Template("{{ d }}"), scope)  # the very first read
    assert templates.render(Template("{{ d.good }}"), scope) == 1
    with pytest.raises(UndefinedVariable):
        templates.render(Template("{{ d }}"), scope.child({"x": 1}))


def test_another_hosts_variables_are_read_lazily(templates: Templates) -> None:
    other = VariableScope(templates, [{"ip": "10.0.0.1", "bad": Template("{{ gone }}"), "reads": "mine"}])
    scope = VariableScope(templates, [{"hostvars": {"db": other}, "name": "db"}])
    assert scope.evaluate(Expression("hostvars[name].ip")) == "10.0.0.1"
    assert scope.evaluate(Expression("hostvars['db'].nothing | default('x')")) == "x"
    assert scope.evaluate(Expression("hostvars.db.get('ip')")) == "10.0.0.1"
    assert scope.evaluate(Expression("hostvars.db.reads")) == "mine"
    with pytest.raises(UndefinedVariable):
        scope.evaluate(Expression("hostvars.db.bad"))
    with pytest.raises(UndefinedVariable):
        scope.evaluate(Expression("hostvars.db.lookup"))


def test_a_scope_and_one_expression_cost_little(templates: Templates) -> None:
    layers: list[Mapping[str, Any]] = [{"x": 1} for _ in range(8)]
    layers.append({"a": 1, "b": Template("{{ a + 1 }}")})
    expression = Expression("a == 1")
    assert VariableScope(templates, layers).evaluate(expression) is True

    def cost() -> float:
        began = time.process_time()
        for _ in range(2000):
            VariableScope(templates, layers).evaluate(expression)
        return (time.process_time() - began) / 2000

    assert min(cost() for _ in range(5)) < 60e-6  # 8 µs on an idle machine
