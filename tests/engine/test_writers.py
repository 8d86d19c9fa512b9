"""Who wrote which field of which resource, first and last: pure folds over changes."""

from __future__ import annotations

from typing import Any

from runbook.model import Action, Change
from runbook.values import MASK, Secret, Unknown
from runbook.writers import (
    EXISTS,
    MISSING,
    alike,
    last_writers,
    leaves,
    narrowed,
    net,
    settled,
    take_back,
    touched,
)


def change(before: Any, after: Any) -> Change:
    return Change(action=Action.UPDATE, resource="r", before=before, after=after)


def test_fields_of_mappings_are_fields_and_lists_are_values() -> None:
    state = {"a": 1, "tags": {"x": "1", "deep": {"y": [1, {"z": 2}]}}, "none": {}}
    assert leaves(state) == {
        ("a",): 1,
        ("tags", "x"): "1",
        ("tags", "deep", "y"): [1, {"z": 2}],
        ("none",): {},
    }
    assert leaves(None) == {}


def test_a_change_touches_what_differs_and_a_new_thing_everything() -> None:
    assert touched(change({"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"c": 2, "d": 3}})) == {
        ("b", "c"),
        ("b", "d"),
    }
    assert touched(change(None, {"a": 1})) == {EXISTS, ("a",)}
    assert touched(change({"a": 1}, None)) == {EXISTS, ("a",)}
    assert touched(change({"a": [1]}, {"a": Unknown("later")})) == {("a",)}, "what only AWS knows"
    assert touched(change({"a": 1}, {"a": True})) == {("a",)}


def test_what_was_not_known_or_not_written_down_may_be_anything() -> None:
    for recorded in (Unknown("x"), Secret("y", "vault"), f"pre{MASK}", f"{MASK}".encode()):
        assert alike(recorded, "anything")
    assert alike([{"id": Unknown("x"), "name": "n", "tag": ""}], [{"id": "1", "name": "n", "tag": "t"}])
    assert not alike([{"name": "n"}], [{"name": "m"}])
    assert not alike([1], [1, 2])
    assert alike({}, None)
    assert not alike(0, None)
    assert not alike("", "x"), "outside of lists nothing is something"
    assert not alike({"a": 1}, {})


def test_a_narrowed_change_leaves_the_other_fields_as_they_were() -> None:
    whole = change({"a": 1, "b": {"c": 1, "d": 1}, "l": [1]}, {"a": 2, "b": {"c": 2, "e": 5}, "l": [2]})
    one = narrowed(whole, frozenset({("b", "c")}))
    assert one.after == {"a": 1, "b": {"c": 2, "d": 1}, "l": [1]}
    assert narrowed(whole, touched(whole)).after == whole.after


def test_what_was_not_known_when_it_was_planned_is_none_for_modules() -> None:
    made = settled(change(None, {"a": Unknown("x"), "b": [{"c": Unknown("y")}], "d": 1}))
    assert made.after == {"a": None, "b": [{"c": None}], "d": 1}


def test_what_was_made_is_taken_back_once_whatever_happened_to_it_then() -> None:
    first, then = change(None, {"a": 1}), change({"a": 1}, {"a": 2})
    assert take_back([("make", first), ("edit", then)]) == [("make", first)]


def test_what_came_and_went_needs_nothing() -> None:
    assert take_back([("make", change(None, {"a": 1})), ("remove", change({"a": 1}, None))]) == []


def test_each_field_is_put_back_by_its_first_writer_the_last_one_first() -> None:
    one, two = change({"a": 1, "b": 1}, {"a": 2, "b": 1}), change({"a": 2, "b": 1}, {"a": 3, "b": 2})
    (late, rest), (early, whole) = take_back([("one", one), ("two", two)])
    assert (late, early) == ("two", "one")
    assert touched(rest) == {("b",)}
    assert whole.before == {"a": 1, "b": 1}
    assert touched(whole) == {("a",)}


def test_a_field_that_was_written_twice_is_put_back_once() -> None:
    one, two = change({"a": 1}, {"a": 2}), change({"a": 2}, {"a": 3})
    assert [key for key, _ in take_back([("one", one), ("two", two)])] == ["one"]


def test_what_went_after_changes_comes_back_before_they_are_taken_back() -> None:
    one, gone = change({"a": 1}, {"a": 2}), change({"a": 2}, None)
    assert [key for key, _ in take_back([("one", one), ("gone", gone)])] == ["gone", "one"]


def test_what_went_and_came_again_is_taken_back_in_turn() -> None:
    gone, again = change({"a": 1}, None), change(None, {"a": 2})
    assert take_back([("gone", gone), ("again", again)]) == [("again", again), ("gone", gone)]


def test_drift_is_judged_by_the_last_writer() -> None:
    part1 = change(None, {"replicas": 0, "acl": "open"})
    part5 = change({"replicas": 0, "acl": "open"}, {"replicas": 1, "acl": "open"})
    found = last_writers([("part 1", part1), ("part 5", part5)])
    assert found[("replicas",)] == ("part 5", 1)
    assert found[("acl",)] == ("part 1", "open")
    assert found[EXISTS] == ("part 1", True)


def test_who_removed_a_resource_wrote_all_of_it() -> None:
    found = last_writers([("make", change(None, {"a": 1})), ("remove", change({"a": 1}, None))])
    assert found == {EXISTS: ("remove", False), ("a",): ("remove", MISSING)}


def test_what_a_later_step_puts_right_again_is_no_difference() -> None:
    there = {"replicas": 1, "acl": "open", "nodes": [1, 2]}
    one = change(there, {**there, "replicas": 0, "nodes": Unknown("nodes")})
    other = change(one.after, {**one.after, "replicas": 1})
    assert net([one, other]) == {}
    assert net([one]) == {("replicas",): (1, 0)}


def test_a_resource_that_is_missing_is_one_difference() -> None:
    assert net([change(None, {"a": 1})]) == {EXISTS: (False, True)}
    assert net([change({"a": 1}, None)]) == {EXISTS: (True, False)}
    assert net([change(None, {"a": 1}), change({"a": 1}, None)]) == {}


def test_steps_that_look_at_parts_of_a_resource_are_told_together() -> None:
    one = change({"records": {"a": 1}}, {"records": {"a": 2}})
    other = change({"records": {"b": 1}}, {"records": {"b": 1, "c": 3}})
    assert net([one, other]) == {("records", "a"): (1, 2), ("records", "c"): (MISSING, 3)}
