"""What the operator wrote into variables, as digests."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.model import Value
from runbook.scope import VariableScope
from runbook.sealing import Seal
from runbook.template import Templates
from runbook.values import Expression, Secret, Template, Vaulted
from runbook.vault import Password, Vault, seal
from runbook.written import ABSENT, Written

PASSWORD = Password("default", b"password")
VAULT = Vault((PASSWORD,))


def written(key: bytes | None = b"key") -> Written:
    return Written(Seal(key, b"0123456789abcdef"), VAULT)


def read(value: Value, name: str = "x") -> VariableScope:
    scope = VariableScope(Templates(vault=VAULT), [{"x": value}])
    scope.evaluate(Expression(f"{name} is defined and ({name} | string) != ''"))
    return scope


def vaulted(text: str) -> Vaulted:
    return Vaulted(seal(text.encode(), PASSWORD))


@pytest.mark.parametrize(
    ("then", "now", "changed"),
    [
        ("a", "a", False),
        ("a", "b", True),
        (1, "1", True),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, False),
        ({"a": 1}, {"a": 2}, True),
        (Template("{{ now() }}"), Template("{{ now() }}"), False),
        (Template("{{ 1 }}"), Template("{{ 2 - 1 }}"), True),
        (Secret("a", "one place"), Secret("a", "another"), False),
        (Secret("a"), Secret("b"), True),
        ([Secret("a")], [Secret("b")], True),
        (vaulted("a"), vaulted("a"), False),
        (vaulted("a"), vaulted("b"), True),
        ({"deep": [vaulted("a")]}, {"deep": [vaulted("b")]}, True),
    ],
)
def test_a_value_counts_as_it_is_written(then: Any, now: Any, changed: bool) -> None:
    known = written().reads(read(then))
    assert written().changed(known, read(now)) == (["x"] if changed else [])


def test_no_digest_of_a_secret_can_be_made_without_the_key() -> None:
    plain = written().reads(read("1234"))["x"]
    with_key = written().reads(read(Secret("1234")))["x"]
    without = written(None).reads(read(Secret("1234")))["x"]
    assert len({plain, with_key, without}) == 3
    assert plain not in with_key + without
    assert written(b"other").changed({"x": with_key}, read(Secret("4321"))) == []


def test_a_variable_that_is_not_there_is_known_as_such_and_what_is_offered_is_none() -> None:
    scope = read("a", "y")
    scope.evaluate(Expression("[now(), range(2), omit is defined] | length"))
    assert written().reads(scope) == {"y": ABSENT}


def test_what_the_run_found_out_does_not_count() -> None:
    facts: dict[str, Value] = {"x": 1}
    scope = VariableScope(Templates(), [facts, {"x": 2}], data=[facts])
    assert scope.evaluate(Expression("x")) == 1
    assert written().reads(scope) == {}
