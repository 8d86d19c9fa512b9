"""Whether the world is as a run left it: recorded fields against what is seen. No world, no journal file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from runbook.acts import Act
from runbook.called import Called
from runbook.contract import Permissions
from runbook.looking import Seen
from runbook.model import Action, Change
from runbook.moved import Moved, differing
from runbook.undo_run import told
from runbook.values import Unknown
from runbook.writers import EXISTS


class Thing:
    permissions = Permissions()
    passing = frozenset({"status"})


def find(_name: str) -> Any:
    return Thing()


def change(before: Any, after: Any, resource: str = "r") -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change(action=action, resource=resource, before=before, after=after)


def act(name: str, *changes: Change, finished: bool = True, **arguments: Any) -> Act:
    called = Called(module="thing", arguments=arguments)
    return Act(
        step=name, host="h", task=name, module="thing", changes=changes, called=called, finished=finished
    )


def sees(state: Any, wanted: Any = None) -> Seen:
    """What a call finds now, and what it would make of it."""
    return Seen(changes={"r": change(state, state if wanted is None else wanted)})


def moved(acts: Sequence[Act], look: Mapping[int, Seen]) -> list[tuple[str, str]]:
    return [(one.act.task, ".".join(one.path)) for one in differing(acts, find, look)]


PART1 = act("part 1", change(None, {"replicas": 0, "acl": "open", "status": "ok", "nodes": Unknown("nodes")}))
PART5 = act("part 5", change({"replicas": 0, "acl": "open"}, {"replicas": 1, "acl": "open"}))


def test_a_field_is_compared_with_what_its_last_writer_left() -> None:
    there = {"replicas": 1, "acl": "open", "status": "busy", "nodes": [1, 2], "more": 1}
    assert moved([PART1, PART5], {0: sees(there), 1: sees(there)}) == []
    other = {**there, "replicas": 0, "acl": "closed"}
    assert moved([PART1, PART5], {0: sees(other), 1: sees(other)}) == [
        ("part 1", "acl"),
        ("part 5", "replicas"),
    ]


def test_what_is_gone_is_told_by_all_who_wrote_it_and_what_came_back_too() -> None:
    assert moved([PART1], {0: sees(None)}) == [("part 1", "")]
    removed = act("remove", change({"a": 1}, None))
    assert moved([removed], {0: sees(None)}) == []
    (back,) = differing([removed], find, {0: sees({"a": 1})})
    assert list(told(back)) == ["r: is there again (remove)"]


def test_what_the_module_takes_for_equal_is_equal() -> None:
    asked = act("ask", change({"groups": ["x"]}, {"groups": ["by-name"]}), groups=["by-name"])
    assert moved([asked], {0: sees({"groups": ["sg-1"]})}) == []
    assert moved([asked], {0: sees({"groups": ["sg-2"]}, {"groups": ["by-name"]})}) == [("ask", "groups")]


def test_a_field_that_no_argument_is_about_is_compared_as_it_is() -> None:
    """The line is still there, and the module content, but somebody added another one."""
    line = act("line", change({"content": "a"}, {"content": "a\nb"}), line="b")
    assert moved([line], {0: sees({"content": "a\nb\nc"})}) == [("line", "content")]


def test_a_step_that_did_not_end_well_is_judged_by_whether_its_thing_is_there() -> None:
    half = act("half", change(None, {"a": 1}), finished=False)
    assert moved([half], {0: sees({"a": 2})}) == []
    assert moved([half], {0: sees(None)}) == [("half", "")]


def test_what_can_not_be_looked_at_is_told_once_with_its_reason() -> None:
    many = act("many", change(None, {"a": 1}), change(None, {"a": 1}, "other"))
    (one,) = differing([many], find, {0: Seen(error="no such group\nmore")})
    assert list(told(one)) == ["r: can't be looked at: no such group (many)"]


@pytest.mark.parametrize("recorded", [None, ""])
def test_a_field_that_was_told_empty_is_compared_where_it_was_changed(recorded: Any) -> None:
    emptied = act("empty", change({"a": "x"}, {"a": recorded}))
    assert moved([emptied], {0: sees({"a": "x"})}) == [("empty", "a")]


def test_it_is_told_on_a_line() -> None:
    one = Moved(act=PART1, resource="r", path=("tags", "x"), recorded="1", now="y" * 200)
    (line,) = told(one)
    assert line.startswith('r: tags.x was left as "1", and is "yyy')
    assert len(line) < 140
    assert EXISTS == ()


def test_a_name_plays_no_tricks() -> None:
    moved = Moved(act=act("a\x1b[2J"), resource="file:a\nDone.", recorded=True, now=False)
    assert list(told(moved)) == [r"file:a\nDone.: is not there any more (a\x1b[2J)"]
