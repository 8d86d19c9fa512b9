"""Whether a call is what was planned: pure comparison."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.model import Action, Change
from runbook.plan_values import Keyer, differences, hidden, opened, sealed
from runbook.promise import PlannedChange, change_differences
from runbook.values import Secret, Unknown

KEYER = Keyer(b"key")


def planned(action: Action, before: Any = None, after: Any = None, **more: Any) -> PlannedChange:
    return PlannedChange(action=action, resource="db", before=opened(before), after=opened(after), **more)


def now(action: Action, before: Any = None, after: Any = None, **more: Any) -> Change:
    return Change(action=action, **{"resource": "db", "before": before, "after": after, **more})


def told(one: PlannedChange, other: Change, *, begun: bool = False) -> list[str]:
    return [found.path for found in change_differences(one, other, KEYER, begun=begun)]


BOTH = planned(Action.UPDATE, {"a": 0, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 5})


def test_the_same_change_is_the_same() -> None:
    assert told(BOTH, now(Action.UPDATE, {"a": 0, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 5})) == []


def test_what_is_not_to_be_changed_may_be_another() -> None:
    assert told(BOTH, now(Action.UPDATE, {"a": 0, "b": 0, "c": 6}, {"a": 1, "b": 1, "c": 6})) == []


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 0, "b": 0, "c": 5}, {"a": 2, "b": 1, "c": 5}, ["a"]),
        ({"a": 7, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 5}, ["a (before)"]),
        ({"a": 1, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 5}, ["a (before)"]),
        ({"a": 0, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 6}, ["c"]),
    ],
)
def test_another_update_is_told_by_its_fields(before: Any, after: Any, paths: list[str]) -> None:
    assert told(BOTH, now(Action.UPDATE, before, after)) == paths


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BOTH, now(Action.UPDATE, {"a": 1, "b": 0, "c": 5}, {"a": 1, "b": 1, "c": 5})),
        (BOTH, now(Action.NONE, {"a": 1}, {"a": 1})),
        (planned(Action.CREATE, None, {"a": 1}), now(Action.READ)),
        (planned(Action.CREATE, None, {"a": 1}), now(Action.UPDATE, {"a": 0}, {"a": 1})),
        (planned(Action.REPLACE, {"a": 0}, {"a": 1}), now(Action.CREATE, None, {"a": 1})),
        (planned(Action.DELETE, {"a": 0}), now(Action.NONE)),
    ],
)
def test_what_is_left_of_a_change_that_was_begun_passes(one: PlannedChange, other: Change) -> None:
    assert told(one, other) != []
    assert told(one, other, begun=True) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (planned(Action.CREATE, None, {"a": 1}), now(Action.DELETE, {"a": 1})),
        (planned(Action.UPDATE, {"a": 0}, {"a": 1}), now(Action.REPLACE, {"a": 0}, {"a": 1})),
        (BOTH, now(Action.UPDATE, {"a": 1, "b": 0}, {"a": 1, "b": 2})),
        (planned(Action.RUN, None, {"command": "a"}), now(Action.RUN, None, {"command": "b"})),
    ],
)
def test_a_change_that_was_begun_becomes_no_other(one: PlannedChange, other: Change) -> None:
    assert told(one, other, begun=True) != []


def test_another_resource_is_another_change() -> None:
    assert told(planned(Action.CREATE, None, {}), now(Action.CREATE, None, {}, resource="other")) == [
        "resource"
    ]


def test_what_is_removed_is_compared_as_a_whole() -> None:
    assert told(planned(Action.DELETE, {"a": 0}), now(Action.DELETE, {"a": 1})) == ["before.a"]


def test_other_resources_of_the_same_call_belong_to_it() -> None:
    folder = Change(action=Action.CREATE, resource="folder", after={"mode": 1})
    one = planned(
        Action.CREATE,
        None,
        {},
        also=(PlannedChange(action=Action.CREATE, resource="folder", after={"mode": 1}),),
    )
    assert told(one, now(Action.CREATE, None, {}, also=(folder,))) == []
    assert told(one, now(Action.CREATE, None, {})) == ["also"]
    assert told(planned(Action.CREATE, None, {}), now(Action.CREATE, None, {}, also=(folder,))) == ["also"]
    other = Change(action=Action.CREATE, resource="folder", after={"mode": 2})
    assert told(one, now(Action.CREATE, None, {}, also=(other,))) == ["mode"]


@pytest.mark.parametrize(
    ("plan", "value", "paths"),
    [
        ({"a": Unknown("x")}, {"a": [1, 2]}, []),
        ({"a": Unknown("x")}, {}, []),
        ([1, Unknown("x")], [1, "any"], []),
        ([1], [1, 2], [""]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": "1"}, ["a"]),
        ({"a": None}, {}, []),
        ({}, {"a": None}, []),
        ({}, {"a": 1}, ["a"]),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, ["a.b[0].c"]),
        (b"\xff", b"\xff", []),
        (b"\xff", b"\xfe", [""]),
    ],
)
def test_where_the_plan_does_not_know_any_value_passes(plan: Any, value: Any, paths: list[str]) -> None:
    assert [found.path for found in differences(opened(plan), opened(value), KEYER)] == paths


def test_a_secret_is_known_again_by_its_hash_only() -> None:
    value = {
        "user": "pat",
        "password": "hunter2",
        "pin": 1234,
        "raw": b"hunter2",
        "box": Secret("boxed", "x"),
    }
    kept = sealed(value, lambda text: text in ("hunter2", "1234"), KEYER)
    assert "hunter2" not in str(kept)
    assert set(kept["password"]) == set(kept["pin"]) == set(kept["raw"]) == set(kept["box"]) == {"$keyed"}
    assert kept["user"] == "pat"
    assert list(differences(kept, opened(value), KEYER)) == []
    other = {**value, "password": "hunter3", "pin": 1235}
    assert [found.path for found in differences(kept, opened(other), KEYER)] == ["password", "pin"]
    assert len(list(differences(kept, opened(value), Keyer(b"other")))) == 4


def test_of_what_is_hidden_not_even_the_names_are_kept() -> None:
    value = {"user": "pat", "nested": ["a"]}
    kept = hidden(value, KEYER)
    assert set(kept) == {"$keyed"}
    assert list(differences(kept, opened(value), KEYER)) == []
    open_part = hidden({"user": "pat", "id": Unknown("x")}, KEYER)
    assert list(differences(open_part, opened({"user": "pat", "id": 7}), KEYER)) == []
    assert "pat" not in str(open_part)
    assert "user" not in str(open_part)
    assert len(list(differences(open_part, opened({"user": "paul", "id": 7}), KEYER))) == 1
    assert len(list(differences(open_part, opened({"user": "pat", "id": 7, "more": 1}), KEYER))) == 1


def test_a_name_that_is_like_a_secret_is_still_a_name() -> None:
    kept = sealed({"a": "a", "b": 1}, lambda text: text == "a", KEYER)
    assert list(differences(kept, opened({"a": "a", "b": 1}), KEYER)) == []
    assert len(list(differences(kept, opened({"a": "b", "b": 1}), KEYER))) == 1
