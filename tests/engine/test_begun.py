"""A step that was killed is told, after it went on, as if nobody had killed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import pytest
from runbook.attempt import Attempt
from runbook.contract import Absent, Context, Params, Permissions
from runbook.doubts import Answer
from runbook.errors import Failed
from runbook.model import Action, Change

from tests.support.killable import Life, before_the_answer, before_the_call


class Nothing(Params, frozen=True, kw_only=True):
    pass


class Pair(msgspec.Struct, frozen=True):
    left: int
    right: int


class Told(msgspec.Struct, frozen=True):
    msg: str


@dataclass
class Halves:
    """Makes both numbers 1, one call each."""

    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = Nothing
    Result: ClassVar[type[msgspec.Struct]] = Told
    permissions: ClassVar[Permissions] = Permissions()
    world: dict[str, int] = field(default_factory=lambda: {"left": 0, "right": 0})
    calls: list[str] = field(default_factory=list)
    fails: str = ""
    refuses: str = ""
    warnings: tuple[str, ...] = ()

    def resource(self, params: Any) -> str | None:
        return "pair"

    def observe(self, ctx: Context, params: Any) -> Pair:
        return Pair(**self.world)

    def plan(self, params: Any, observed: Pair) -> Change:
        wrong = [name for name in ("left", "right") if getattr(observed, name) != 1]
        return Change(
            action=Action.UPDATE if wrong else Action.NONE,
            resource="pair",
            before=observed,
            after=Pair(1, 1),
            result=Told(f"set {' and '.join(wrong) or 'nothing'}"),
            warnings=self.warnings if wrong else (),
        )

    def apply(self, ctx: Context, params: Any, change: Change) -> Told:
        for name in ("left", "right"):
            if getattr(change.before, name) != 1:
                ctx.effect(f"set {name}", lambda _, name=name: self.set(name), find=lambda _: Absent())
                if self.fails == name:
                    raise Failed(f"after {name}")
        told: Told = change.result
        return told

    def set(self, name: str) -> None:
        if self.refuses == name:
            raise Failed(f"no {name}")
        self.calls.append(name)
        self.world[name] = 1


@pytest.fixture
def halves() -> Halves:
    return Halves()


@pytest.fixture
def life(halves: Halves) -> Life:
    return Life(module=halves)


def is_whole(made: Attempt) -> bool:
    (change,) = made.changes
    told = (change.action, change.before, change.after, made.result, made.changed)
    both = ({"left": 0, "right": 0}, {"left": 1, "right": 1})
    return told == (Action.UPDATE, *both, {"msg": "set left and right"}, True)


@pytest.mark.parametrize(
    "kill", [before_the_answer(1), before_the_call(2), before_the_answer(2)], ids=["1", "between", "2"]
)
def test_it_is_told_from_before_its_first_effect(life: Life, halves: Halves, kill: Any) -> None:
    assert is_whole(life.resumed(kill))
    assert halves.calls == ["left", "right"]


def test_its_warnings_stay_in_its_result(life: Life, halves: Halves) -> None:
    halves.warnings = ("beware",)
    assert life.resumed(before_the_answer(2)).result["warnings"] == ["beware"]


def test_it_is_told_so_after_two_kills(life: Life, halves: Halves) -> None:
    life.killed(before_the_answer(1))
    life.killed(before_the_answer(1))
    assert is_whole(life.play())
    assert halves.calls == ["left", "right"]


def test_what_was_killed_before_it_did_anything_is_told_by_its_new_plan(life: Life, halves: Halves) -> None:
    life.killed(before_the_call(1))
    halves.world["left"] = 1  # by someone else
    made = life.play()
    assert made.result == {"msg": "set right"}
    assert halves.calls == ["right"]


def test_a_step_that_failed_after_an_effect_changed_the_world_all_the_same(
    life: Life, halves: Halves
) -> None:
    halves.fails = "right"
    assert life.play().failed
    halves.fails = ""
    made = life.play()
    assert made.changed, "handlers hear of it"
    assert halves.calls == ["left", "right"]
    (change,) = made.changes
    assert (change.before, change.after) == ({"left": 0, "right": 0}, {"left": 1, "right": 1})
    assert made.result == {"msg": "set nothing"}, "it was run again as a whole"


def test_what_was_refused_leaves_no_plan_behind(life: Life, halves: Halves) -> None:
    halves.refuses = "left"
    assert life.play().failed
    halves.refuses = ""
    halves.world = {"left": 1, "right": 1}
    made = life.play()
    assert not made.changed
    assert made.result == {"msg": "set nothing"}


@pytest.mark.parametrize("assume", ["done", "not-done"])
def test_the_operator_is_not_believed_where_the_world_can_be_asked(
    life: Life, halves: Halves, assume: Answer
) -> None:
    life.killed(before_the_answer(1))
    halves.world["left"] = 0
    life.assume = assume
    assert life.play().changed
    assert halves.world == {"left": 1, "right": 1}


def test_another_run_knows_nothing_of_it(life: Life, halves: Halves) -> None:
    life.killed(before_the_answer(2))
    assert not life.again().play().changed
