"""Loops: what an item is known by, and what the items' outcomes come to."""

from __future__ import annotations

from runbook.loops import extended, flat, in_loop, item_keys, no_items, scope_of, shown, together
from runbook.model import Action, Change, Include, Meta, Outcome, Status
from runbook.values import Secret, Unknown


def test_an_item_is_known_by_its_text_and_how_many_equal_ones_stand_before() -> None:
    keys = item_keys(["a", {"x": 1, "y": 2}, "a", {"y": 2, "x": 1}])
    assert keys[0][0] == keys[2][0]
    assert (keys[0][1], keys[2][1]) == (0, 1)
    assert keys[1][0] == keys[3][0], "the order of keys is nothing"
    assert len(set(keys)) == 4


def test_items_may_be_unknown_secret_or_bytes() -> None:
    keys = item_keys([Unknown("endpoint"), Secret("hunter2"), Secret("other"), b"x"])
    assert len({mark for mark, _ in keys}) == 4


def test_other_items_do_not_change_what_an_item_is_known_by() -> None:
    assert item_keys(["new", "a"])[1] == item_keys(["a"])[0]


def test_with_items_flattens_one_level() -> None:
    assert flat([1, [2, [3]], (4,)]) == [1, 2, [3], 4]
    assert flat("x") == ["x"]


def outcome(status: Status, **other: object) -> Outcome:
    return Outcome(status=status, result={"changed": status is Status.CHANGED}, **other)  # type: ignore[arg-type]


def item(name: str, status: Status) -> Outcome:
    return in_loop(outcome(status), {"item": name}, ("mark", 0))


def test_one_failed_item_fails_the_loop_and_all_results_are_kept() -> None:
    made = together([item("a", Status.CHANGED), item("b", Status.FAILED)])
    assert made.status is Status.FAILED
    assert made.result["failed"]
    assert [result["item"] for result in made.result["results"]] == ["a", "b"]
    assert made.result["changed"]
    assert not made.ignored


def test_a_loop_is_ignored_when_all_its_failures_are() -> None:
    made = together([outcome(Status.FAILED, ignored=True), outcome(Status.OK)])
    assert made.status is Status.FAILED
    assert made.ignored


def test_a_loop_is_skipped_when_all_its_items_are_or_there_are_none() -> None:
    every = together([outcome(Status.SKIPPED)])
    assert every.status is Status.SKIPPED
    assert every.result["skipped"]
    assert no_items().status is Status.SKIPPED
    assert no_items().result["skipped_reason"] == "No items in the list"
    assert "failed" not in every.result, "as in Ansible"


def test_changes_facts_and_notifications_of_all_items_are_kept_once() -> None:
    change = Change(action=Action.CREATE)
    items = [
        outcome(Status.CHANGED, changes=(change,), notified=("h",), facts={"x": 1}),
        outcome(Status.CHANGED, changes=(change,), notified=("h", "i"), facts={"x": 2}),
    ]
    made = together(items)
    assert made.changes == (change, change)
    assert made.notified == ("h", "i")
    assert made.facts == {"x": 2}


def test_of_a_failed_loop_no_fact_and_no_notification_stays() -> None:
    good = outcome(Status.CHANGED, notified=("h",), facts={"x": 1})
    made = together([good, outcome(Status.FAILED)])
    assert (made.notified, made.facts) == ((), {})


def test_where_an_item_stands_among_all() -> None:
    first = extended(["a", "b", "c"], 0, all_items=True)
    assert first == {
        "index": 1, "index0": 0, "first": True, "last": False, "length": 3, "revindex": 3, "revindex0": 2,
        "allitems": ["a", "b", "c"], "nextitem": "b",
    }  # fmt: skip
    last = extended(["a", "b", "c"], 2, all_items=False)
    assert last["previtem"] == "b"
    assert not last.keys() & {"nextitem", "allitems"}


def test_an_include_carries_the_items_variables() -> None:
    asked = outcome(Status.OK, directives=(Include("part.yml"), Meta("noop")))
    include, meta = in_loop(asked, {"item": "a"}, ("mark", 1)).directives
    assert include == Include("part.yml", vars={"item": "a"}, item=scope_of(("mark", 1)))
    assert meta == Meta("noop")


def test_an_item_in_a_line_of_text() -> None:
    assert shown("a") == "a"
    assert shown({"endpoint": Unknown("x")}) == '{"endpoint": "(known after apply)"}'
