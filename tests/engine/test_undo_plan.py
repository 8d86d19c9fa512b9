"""From the records of a run to the tasks that take it back: no world, no journal file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from runbook.acts import Act, acts_of, refuse_doubts
from runbook.called import Called
from runbook.contract import Change, Permissions, Undo
from runbook.errors import ContractError, UsageError
from runbook.journal import Record
from runbook.model import Action, Outcome, Status
from runbook.undo_plan import Undoing, plan_undo
from runbook.values import Secret, Unknown

from tests.support.records import intent, item, landed, outcome, step

CREATE, UPDATE, DELETE, RUN = Action.CREATE, Action.UPDATE, Action.DELETE, Action.RUN


class Thing:
    """A module that can undo."""

    permissions = Permissions(write=("x:Change",))

    def undo(self, arguments: Mapping[str, Any], change: Change) -> Undo | str:
        if change.action is RUN:
            return "it ran"
        if change.before is None:
            return Undo(arguments={**arguments, "state": "absent"}, snapshot="last", loses="the data")
        if change.after is None:
            return "its data is gone"
        return Undo(arguments={"name": arguments["name"], **change.before})


class Command:
    permissions = Permissions()


def find(name: str) -> Any:
    if name == "gone":
        raise ContractError("There is no module 'gone'")
    return {"thing": Thing(), "command": Command()}[name]


def call(name: str = "a", scope: str = "", **fields: Any) -> Called:
    return Called(module="thing", arguments={"name": name}, scope=scope, **fields)


def change(before: Any, after: Any, resource: str = "thing/a", action: Action | None = None) -> Change:
    told = CREATE if before is None else DELETE if after is None else UPDATE
    return Change(action=action or told, resource=resource, before=before, after=after)


def done(name: str, made: Change, called: Called | None = None, **fields: Any) -> list[Record]:
    """The records of a step that came to a good end."""
    first = intent(name, planned=(made,), called=called or call(), task=name, host="h")
    ended = Outcome(status=Status.CHANGED, result={"changed": True, **fields}, changes=(made,))
    return [first, landed(name), step(name, ended)]


def undoing(*records: list[Record], snapshot: str = "") -> Undoing:
    return plan_undo(acts_of([one for some in records for one in some]), find, snapshot)


def told(found: Undoing) -> list[tuple[str, Mapping[str, Any]]]:
    return [(back.act.step, back.undo.arguments) for back in found.backs]


def test_the_last_one_is_taken_back_first() -> None:
    found = undoing(
        done("s1", change(None, {"size": 1})),
        done("s2", change({"size": 5}, {"size": 6}, "thing/b"), call("b")),
    )
    assert told(found) == [("s2", {"name": "b", "size": 5}), ("s1", {"name": "a", "state": "absent"})]
    assert not found.kept


def test_what_one_resource_went_through_is_taken_back_once() -> None:
    found = undoing(done("s1", change(None, {"size": 1})), done("s2", change({"size": 1}, {"size": 2})))
    assert told(found) == [("s1", {"name": "a", "state": "absent"})]
    assert found.backs[0].left_behind[("size",)] == (1, 2), "what it is like now, by the last writer"


def test_the_same_name_in_another_region_is_another_thing() -> None:
    there = call(aws={"region": "eu-west-1"})
    found = undoing(done("s1", change(None, {"size": 1})), done("s2", change(None, {"size": 1}), there))
    assert [back.act.step for back in found.backs] == ["s2", "s1"]


def test_what_stands_in_another_thing_of_the_same_call_goes_first() -> None:
    made = (
        change(None, {"s": 1}, "f:/a/b/c"),
        change(None, {"s": 1}, "f:/a"),
        change(None, {"s": 1}, "f:/a/b"),
    )
    records = [intent("s1", planned=made, called=call()), landed("s1"), step("s1")]
    assert [back.resource for back in undoing(records).backs] == ["f:/a/b/c", "f:/a/b", "f:/a"]


def test_items_of_a_loop_in_reverse_also_when_the_loop_was_killed() -> None:
    records: list[Record] = []
    for text in ("x", "y"):
        made = change(None, {"size": 1}, f"thing/{text}")
        records += [
            intent("s1", f"{text}.0/1/send", planned=(made,), called=call(text, f"{text}.0/1/")),
            landed("s1", f"{text}.0/1/send"),
            item("s1", text, 0, outcome(Status.CHANGED)),
        ]
    assert [back.undo.arguments["name"] for back in undoing(records).backs] == ["y", "x"]


def test_what_is_not_taken_back_is_told_with_its_reason() -> None:
    ran = intent("s1", planned=(change(None, None, "r", RUN),), called=Called(module="command"))
    old = intent("s2", planned=(change(None, {"size": 1}),))
    hidden = intent("s3", planned=(Change(action=CREATE, resource="thing/a"),), called=call(hidden=True))
    lost = intent("s4", planned=(change({"size": 1}, None, "thing/l"),), called=call("l"))
    gone = intent("s5", planned=(change(None, {"size": 1}, "g"),), called=Called(module="gone"))
    records = [r for one in (ran, old, hidden, lost, gone) for r in (one, landed(one.step))]
    found = undoing([*records, step("s2", module="thing")])
    assert not found.backs
    reasons = {kept.act.step: kept.why for kept in found.kept}
    assert reasons["s1"] == "`command` can't take back what it does"
    assert "older runbook" in reasons["s2"]
    assert "no_log" in reasons["s3"]
    assert reasons["s4"] == "its data is gone"
    assert reasons["s5"] == "There is no module 'gone'"


def test_what_was_adopted_is_left_alone() -> None:
    found = undoing(done("s1", change(None, {"size": 1}), adopted=True))
    assert not found.backs
    assert "left alone" in found.kept[0].why


@pytest.mark.parametrize("secret", [Secret(Unknown("withheld"), "vault"), "the ******** mask", b"x********"])
def test_a_secret_that_is_not_kept_is_no_argument(secret: Any) -> None:
    found = undoing(done("s1", change({"size": secret, "also": 1}, {"size": 1, "also": 2})))
    assert not found.backs
    assert "holds a secret" in found.kept[0].why


def test_a_step_that_did_nothing_is_not_there() -> None:
    refused = intent("s1", planned=(change(None, {"size": 1}),), called=call())
    compared = Change(action=Action.READ, resource="thing/a", before=None, after={"size": 1}, compared=True)
    ended = Outcome(status=Status.CHANGED, result={}, changes=(compared,))
    assert acts_of([refused, landed("s1", error="refused"), step("s2", ended)]) == ()


def test_a_command_that_changes_nothing_by_its_task_is_not_told() -> None:
    ran = intent("s1", planned=(change(None, None, "r", RUN),), called=Called(module="command"))
    assert acts_of([ran, landed("s1"), step("s1", outcome(Status.OK, changed=False))]) == ()
    assert len(acts_of([ran, landed("s1"), step("s1", outcome(Status.CHANGED, changed=True))])) == 1


def test_a_step_that_failed_after_it_began_is_taken_back_too() -> None:
    records = [
        intent("s1", planned=(change(None, {"size": 1}),), called=call()),
        landed("s1"),
        step("s1", outcome(Status.FAILED)),
    ]
    (act,) = acts_of(records)
    assert not act.finished
    assert told(undoing(records)) == [("s1", {"name": "a", "state": "absent"})]


def test_tries_after_a_failure_are_one_act_from_the_first_before_to_the_last_after() -> None:
    records = [
        intent("s1", "a", planned=(change({"size": 1, "n": 1}, {"size": 2, "n": 2}),), called=call()),
        landed("s1", "a"),
        step("s1", outcome(Status.FAILED)),
        intent("s1", "b", planned=(change({"size": 2, "n": 1}, {"size": 2, "n": 2}),), called=call()),
        landed("s1", "b"),
        step("s1", outcome(Status.CHANGED)),
    ]
    (act,) = acts_of(records)
    assert act.changes[0].before == {"size": 1, "n": 1}
    assert told(undoing(records)) == [("s1", {"name": "a", "size": 1, "n": 1})]


def test_a_step_in_doubt_has_to_be_settled_first() -> None:
    with pytest.raises(UsageError, match="in doubt") as caught:
        refuse_doubts([intent("s1", task="Send it")])
    assert "resume" in str(caught.value.hint)


def test_a_module_that_keeps_no_effects_is_told_all_the_same() -> None:
    ended = Outcome(status=Status.CHANGED, result={}, changes=(change(None, {"size": 1}),))
    (act,) = acts_of([step("s1", ended, module="thing")])
    assert isinstance(act, Act)
    assert act.called is None


def test_a_last_snapshot_is_taken_of_what_can_have_one() -> None:
    made = done("s1", change(None, {"size": 1}))
    (back,) = undoing(made, snapshot="keep-1").backs
    assert back.undo.arguments["last"] == "keep-1"
    assert "keep-1" in back.undo.loses
    two = undoing(made, done("s2", change(None, {"size": 1}, "thing/b")), snapshot="keep")
    assert [back.undo.arguments["last"] for back in two.backs] == ["keep-1", "keep-2"]
    with pytest.raises(UsageError, match="snapshot"):
        undoing(done("s1", change({"size": 1}, {"size": 2})), snapshot="keep-1")
