"""One call of a module: what ends where, in a real run and in a dry one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest
from runbook.attempt import Attempt, carry_out, decide, explained
from runbook.contract import Context, Decision, Params, Permissions
from runbook.errors import Failed, RunbookError, Stopped
from runbook.model import Action, Change
from runbook.planned import PlannedWorld
from runbook.values import NeedsPlain, Unknown, UnknownValue

from tests.support.step_context import FAST, Bench


class Nothing(Params, frozen=True, kw_only=True):
    pass


class State(msgspec.Struct, frozen=True):
    size: int


class Thing:
    """Wants a size of 2."""

    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = Nothing
    Result: ClassVar[type[msgspec.Struct]] = State
    permissions: ClassVar[Permissions] = Permissions()

    def __init__(self, size: int | None = None) -> None:
        self.state = None if size is None else State(size)
        self.applied = 0

    def resource(self, params: Any) -> str | None:
        return "thing"

    def observe(self, ctx: Context, params: Any) -> State | None:
        return self.state

    def plan(self, params: Any, observed: State | None) -> Change:
        if observed == State(2):
            return Change(action=Action.NONE, resource="thing", result=observed)
        action = Action.CREATE if observed is None else Action.UPDATE
        return Change(action=action, resource="thing", before=observed, after=State(2))

    def apply(self, ctx: Context, params: Any, change: Change) -> State:
        def grow(_intent: object) -> None:
            self.applied += 1
            self.state = State(2)

        ctx.effect("grow", grow)
        return State(2)


def test_what_is_as_it_should_be_is_left_alone() -> None:
    thing = Thing(2)
    made = carry_out(thing, Nothing(), Bench().context(), None)

    assert (made.changed, made.result, thing.applied) == (False, {"size": 2}, 0)


def test_a_real_run_applies_what_was_planned() -> None:
    thing = Thing()
    made = carry_out(thing, Nothing(), Bench().context(), None)

    assert (made.changed, made.result, thing.applied) == (True, {"size": 2}, 1)
    assert [change.action for change in made.changes] == [Action.CREATE]


def test_a_dry_run_ends_after_the_plan_and_remembers_it() -> None:
    thing, world = Thing(), PlannedWorld()
    first = carry_out(thing, Nothing(), Bench(planned=world).context(), world)
    second = carry_out(thing, Nothing(), Bench(planned=world).context(), world)

    assert (first.changed, second.changed, thing.applied) == (True, False, 0)
    assert isinstance(first.result["size"], Unknown)
    assert world.observe(FAST, "thing", lambda: None) == State(2)


def test_a_plan_that_depends_on_what_is_unknown_is_undecided() -> None:
    class Dependent(Thing):
        def plan(self, params: Any, observed: State | None) -> Change:
            raise UnknownValue(Unknown("cluster endpoint"))

    world = PlannedWorld()
    made = carry_out(Dependent(), Nothing(), Bench(planned=world).context(), world)

    assert made.undecided == "cluster endpoint"
    assert made.changes[0].action is Action.UNDECIDED
    with pytest.raises(UnknownValue):
        carry_out(Dependent(), Nothing(), Bench().context(), None)


def test_a_module_that_changes_the_world_while_it_looks_is_stopped() -> None:
    class Rash(Thing):
        def observe(self, ctx: Context, params: Any) -> State | None:
            self.apply(ctx, params, Change(action=Action.CREATE))
            return None

    rash, world = Rash(), PlannedWorld()
    with pytest.raises(Failed, match="only looks"):
        carry_out(rash, Nothing(), Bench(planned=world).context(), world)
    assert rash.applied == 0


def test_a_host_without_a_way_is_refused() -> None:
    class Local(Thing):
        connections: ClassVar[frozenset[str]] = frozenset({"local"})

    with pytest.raises(Failed, match="there is no connection"):
        carry_out(Local(), Nothing(), Bench().context(connection=""), None)


def test_a_computation_decides() -> None:
    class Odd:
        contract_version: ClassVar[int] = 1
        Params: ClassVar[type[Params]] = Nothing

        def compute(self, params: Any, scope: Any) -> Decision:
            return Decision(result={"msg": "x"}, changed=True, facts={"a": 1})

    made = decide(Odd(), Nothing(), None)
    assert (made.result, made.changed, made.facts) == ({"msg": "x"}, True, {"a": 1})


def raising(error: Exception) -> Callable[[], Attempt]:
    def work() -> Attempt:
        raise error

    return work


def refused(_error: Exception) -> RunbookError:
    return Failed("the service refused", result={"rc": 5})


def unknown(_error: Exception) -> None:
    return None


def test_what_fails_the_step_is_an_attempt_that_failed() -> None:
    made = explained(raising(Failed("no", hint="try", result={"rc": 1})), unknown)

    assert made.failed
    assert made.result == {"rc": 1, "msg": "no"}
    assert made.error is not None
    assert made.error.hint == "try"


def test_an_exception_of_an_sdk_is_what_the_factory_says() -> None:
    assert explained(raising(ValueError("raw")), refused).result == {"rc": 5, "msg": "the service refused"}


def test_what_stops_the_run_is_raised() -> None:
    with pytest.raises(Stopped):
        explained(raising(Stopped("now")), unknown)
    with pytest.raises(Stopped):
        explained(raising(ValueError("raw")), lambda _error: Stopped("expired"))


@pytest.mark.parametrize("error", [KeyError("x"), NeedsPlain(), UnknownValue(Unknown("u"))])
def test_a_mistake_in_a_module_fails_its_step_and_no_more(error: Exception) -> None:
    made = explained(raising(error), unknown)

    assert made.failed
    assert made.result["msg"].startswith(f"Internal error: {type(error).__name__}")
    assert "Traceback" in made.result["exception"]
