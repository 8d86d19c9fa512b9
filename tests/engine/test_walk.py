"""A host's way through a play: blocks, rescues, includes and handlers, from verdicts alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from runbook.errors import Position
from runbook.model import Block, Include, Node, Role, Task
from runbook.walk import Slot, Trail, Verdict, walk_play

AT = Position("site.yml", 1, 1)
FAILED = Verdict(failed=True)


def task(name: str, *listen: str) -> Task:
    return Task(module="debug", args={}, position=AT, identity=f"id-{name}", name=name, listen=listen)


def block(*body: Node, rescue: Sequence[Node] = (), always: Sequence[Node] = ()) -> Block:
    return Block(body=body, rescue=tuple(rescue), always=tuple(always), position=AT, identity="b")


class Walked:
    """A walk that was sent these verdicts by task name; a function is handed the trail first."""

    def __init__(
        self,
        tasks: Sequence[Node],
        verdicts: Mapping[str, Verdict | Callable[[Trail], Verdict]] | None = None,
        *,
        handlers: Sequence[Task] = (),
        force_handlers: bool = False,
    ) -> None:
        self.trail = Trail()
        self.slots: list[Slot] = []
        walk = walk_play(tasks, handlers, self.trail, chain="", force_handlers=force_handlers)
        verdict = None
        try:
            while True:
                slot = next(walk) if verdict is None else walk.send(verdict)
                self.slots.append(slot)
                given = (verdicts or {}).get(str(slot.task.name), Verdict())
                verdict = given(self.trail) if callable(given) else given
        except StopIteration as end:
            self.failed = bool(end.value)

    @property
    def names(self) -> list[str]:
        return [str(slot.task.name) for slot in self.slots]

    @property
    def steps(self) -> list[str]:
        return [slot.step("web") for slot in self.slots]


def notify(*handlers: int, failed: bool = False) -> Callable[[Trail], Verdict]:
    """A verdict that leaves these handlers due, by their place among them."""

    def verdict(trail: Trail) -> Verdict:
        trail.due.update(handlers)
        return Verdict(failed=failed)

    return verdict


def test_tasks_are_walked_as_they_are_written() -> None:
    walked = Walked([task("a"), block(task("b"), always=[task("c")]), task("d")])

    assert walked.names == ["a", "b", "c", "d"]
    assert [slot.order for slot in walked.slots] == sorted(slot.order for slot in walked.slots)
    assert not walked.failed


def test_a_failure_ends_the_walk() -> None:
    walked = Walked([task("a"), task("b")], {"a": FAILED})

    assert walked.names == ["a"]
    assert walked.failed


def test_a_rescue_takes_over_and_the_walk_goes_on() -> None:
    walked = Walked(
        [block(task("a"), task("b"), rescue=[task("r")], always=[task("z")]), task("c")], {"a": FAILED}
    )

    assert walked.names == ["a", "r", "z", "c"]
    assert not walked.failed


def test_a_rescue_that_fails_too_leaves_the_failure_and_always_runs() -> None:
    walked = Walked([block(task("a"), rescue=[task("r")], always=[task("z")])], {"a": FAILED, "r": FAILED})

    assert walked.names == ["a", "r", "z"]
    assert walked.failed


def test_a_task_knows_whether_a_rescue_waits_for_it() -> None:
    walked = Walked([block(block(task("inner")), rescue=[task("r")]), task("outer")], {"inner": FAILED})

    assert {str(slot.task.name): slot.frame.rescued for slot in walked.slots} == {
        "inner": True,
        "r": False,
        "outer": False,
    }


def test_includes_are_walked_in_place_each_with_an_identity_of_its_own() -> None:
    file = (task("x"),)
    includes = tuple((Include(file="f.yml", vars={"item": n}, item=f"{n}.0"), file) for n in (1, 2))
    walked = Walked([task("i"), task("z")], {"i": Verdict(includes=includes)})

    assert walked.names == ["i", "x", "x", "z"]
    assert len(set(walked.steps)) == 4
    assert [slot.frame.vars for slot in walked.slots[1:3]] == [{"item": 1}, {"item": 2}]


def test_identities_do_not_depend_on_what_else_is_there() -> None:
    alone = Walked([task("b")]).steps

    assert Walked([task("a"), task("b")]).steps[1:] == alone


def test_handlers_run_once_in_their_order_at_the_end() -> None:
    walked = Walked(
        [task("a"), task("b")],
        {"a": notify(1, 0), "b": notify(0)},
        handlers=[task("one"), task("two"), task("three")],
    )

    assert walked.names == ["a", "b", "one", "two"]


def test_a_handler_that_stands_before_the_one_that_notified_it_waits_for_the_next_flush() -> None:
    walked = Walked(
        [task("a"), task("flush"), task("b")],
        {"a": notify(1), "two": notify(0), "flush": Verdict(flush=True)},
        handlers=[task("one"), task("two")],
    )

    assert walked.names == ["a", "flush", "two", "b", "one"]


def test_handlers_that_notify_each_other_come_to_an_end() -> None:
    walked = Walked(
        [task("a")], {"a": notify(1), "two": notify(0), "one": notify(1)}, handlers=[task("one"), task("two")]
    )

    assert walked.names == ["a", "two", "one", "two"]


def test_a_failed_play_runs_its_handlers_only_when_forced() -> None:
    tasks, verdicts = [task("a"), task("b")], {"a": notify(0), "b": FAILED}

    assert Walked(tasks, verdicts, handlers=[task("h")]).names == ["a", "b"]
    forced = Walked(tasks, verdicts, handlers=[task("h")], force_handlers=True)
    assert forced.names == ["a", "b", "h"]
    assert forced.failed


def test_what_a_failed_flush_left_is_run_after_a_rescue() -> None:
    walked = Walked(
        [block(task("a"), task("flush"), rescue=[task("r")])],
        {"a": notify(0, 1), "flush": Verdict(flush=True), "one": FAILED},
        handlers=[task("one"), task("two")],
    )

    assert walked.names == ["a", "flush", "one", "r", "two"]
    assert not walked.failed


def test_each_flush_is_a_place_of_its_own() -> None:
    walked = Walked(
        [task("a"), task("flush"), task("b")],
        {"a": notify(0), "b": notify(0), "flush": Verdict(flush=True)},
        handlers=[task("h")],
    )

    assert walked.names == ["a", "flush", "h", "b", "h"]
    assert len(set(walked.steps)) == 5


def test_the_same_verdicts_lead_to_the_same_steps() -> None:
    tasks = [block(task("a"), rescue=[task("r")]), task("b")]

    assert Walked(tasks, {"a": FAILED}).steps == Walked(tasks, {"a": FAILED}).steps


def role(key: str = "r", *, allow_duplicates: bool = False) -> Role:
    return Role(name=key, path=f"/{key}", identity=key, key=key, allow_duplicates=allow_duplicates)


def of_role(made: Role, *body: Node) -> Block:
    return Block(body=body, position=AT, identity="b", role=made)


def begin(key: str) -> Callable[[Trail], Verdict]:
    def verdict(trail: Trail) -> Verdict:
        trail.roles.begun.add(key)
        return Verdict()

    return verdict


def test_a_role_is_played_once_unless_it_allows_duplicates() -> None:
    def names(first: Role, second: Role) -> list[str]:
        return Walked([of_role(first, task("a")), of_role(second, task("b"))], {"a": begin("r")}).names

    assert names(role(), role()) == ["a"]
    assert names(role(), role("other")) == ["a", "b"]
    assert names(role(), role(allow_duplicates=True)) == ["a", "b"]
    assert Walked([of_role(role(), task("a")), of_role(role(), task("b"))]).names == ["a", "b"], "all skipped"


def test_end_role_leaves_all_blocks_of_the_role_and_no_more() -> None:
    inner = block(task("end"), task("x"), always=[task("y")])
    walked = Walked([of_role(role(), inner, task("z")), task("b")], {"end": Verdict(end_role=True)})

    assert walked.names == ["end", "b"]


def test_an_include_hands_its_vars_on() -> None:
    parent = replace(task("i"), params={"a": 1, "b": 1})
    walked = Walked([parent], {"i": Verdict(includes=((Include("f", vars={"b": 2}), (task("t"),)),))})

    assert walked.slots[-1].frame.vars == {"a": 1, "b": 2}
