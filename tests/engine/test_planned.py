"""What earlier steps of a dry run would leave behind."""

from __future__ import annotations

import pytest
from runbook.model import Action, Change
from runbook.planned import PlannedWorld
from runbook.values import UnknownValue


def never() -> str:
    raise AssertionError("the real world was asked")


def test_a_planned_change_answers_instead_of_the_world() -> None:
    world = PlannedWorld()
    world.note("here", Change(action=Action.CREATE, resource="db", after="new"))

    assert world.observe("here", "db", never) == "new"
    assert world.names("here", "d") == ("db",)


def test_the_same_name_elsewhere_is_another_resource() -> None:
    world = PlannedWorld()
    world.note("eu", Change(action=Action.CREATE, resource="db", after="new"))

    assert world.observe("us", "db", lambda: "real") == "real"
    assert world.names("us", "") == ()


def test_what_is_deleted_is_not_there() -> None:
    world = PlannedWorld()
    world.note("here", Change(action=Action.DELETE, resource="db", after="ignored"))

    assert world.observe("here", "db", never) is None


@pytest.mark.parametrize("action", [Action.NONE, Action.READ])
def test_what_changes_nothing_leaves_nothing(action: Action) -> None:
    world = PlannedWorld()
    world.note("here", Change(action=action, resource="db", after="x"))

    assert world.observe("here", "db", lambda: "real") == "real"


def test_what_an_undecided_step_may_change_is_in_doubt() -> None:
    world = PlannedWorld()
    world.note("here", Change(action=Action.UNDECIDED, resource="db"))
    world.supposing("`when` depends on x").note("here", Change(action=Action.DELETE, resource="other"))

    for name in ("db", "other"):
        with pytest.raises(UnknownValue):
            world.observe("here", name, lambda: "real")
    assert set(world.names("here", "")) == {"db", "other"}
    assert world.observe("here", "third", lambda: "real") == "real"


def test_what_is_noted_aside_is_not_planned() -> None:
    world = PlannedWorld()
    world.note("here", Change(action=Action.CREATE, resource="db", after="new"))
    aside = world.aside()
    aside.note("here", Change(action=Action.UPDATE, resource="db", after="newer"))

    assert aside.observe("here", "db", never) == "newer"
    assert world.observe("here", "db", never) == "new"


def test_what_else_a_step_changes_is_remembered_too() -> None:
    world = PlannedWorld()
    above = Change(action=Action.CREATE, resource="folder", after="made")
    world.note("here", Change(action=Action.CREATE, resource="folder/file", after="new", also=(above,)))

    assert [world.observe("here", name, never) for name in ("folder", "folder/file")] == ["made", "new"]


def test_the_last_change_counts() -> None:
    world = PlannedWorld()
    for after in ("one", "two"):
        world.note("here", Change(action=Action.UPDATE, resource="db", after=after))

    assert world.observe("here", "db", never) == "two"
