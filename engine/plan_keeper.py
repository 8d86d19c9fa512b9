"""Holds a run to its plan: `play --plan`. What is not as planned stops the run before anything of it is done."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .diff import SYMBOLS
from .errors import Stopped
from .journal_values import unpack
from .model import Action, Change
from .plan_file import PlanFile
from .plan_values import ABSENT, KEYED, Difference, differences, opened
from .promise import (
    Call,
    Keyer,
    PlannedCall,
    PlannedStep,
    call_differences,
    change_differences,
    needs_a_yes,
    removed,
)
from .prose import SECRET_TEXT, inline

_FLUSH = re.compile(r"flush\d+/")
"""Which flush of handlers it is depends on what is notified: one that was undecided makes it another one."""

MOST_TOLD = 8
"""Differences of one step that are told."""


class Keeper:
    """A `Promise` that keeps a plan. Thread-safe.

    `edited`: what is not as it was when the plan was made (the playbook, the inventory), for messages.
    """

    def __init__(
        self, plan: PlanFile, keyer: Keyer, mask: Callable[[str], str], edited: Sequence[str] = ()
    ) -> None:
        self._keyer = keyer
        self._mask = mask
        self._edited = edited
        self._playbook = plan.playbook
        self._steps = plan.steps
        self._index: dict[str, list[PlannedStep]] = {}
        for step in plan.steps:
            self._index.setdefault(_place(step.step), []).append(step)
        self._met: dict[int, str] = {}
        """Planned calls by `id`, each with the item that met it."""
        self._seen: set[str] = set()
        """Steps that ended, or whose end is of no more interest."""
        self._lock = threading.Lock()

    def hold(self, call: Call, change: Change) -> None:
        if change.action is Action.UNDECIDED:
            return  # what is not known now fails the step by itself
        planned = list(self._planned(call))
        if not self._counts(change):
            self._hold_still(planned, call, change)
            return
        found: list[tuple[PlannedCall, list[Difference]]] = []
        for one in planned:
            if one.change.action is Action.UNDECIDED:
                differ = self._around(one, call)
            else:
                begun = not call.first or call.begun()
                differ = call_differences(one, call, change, self._keyer, begun=begun)
            if not differ and self._take(one, call.item):
                self._agree(one, call, change)
                return
            found.append((one, differ))
        if not found and self._under_undecided(call):
            self._ask(call, change)
            return
        raise self._not_planned(call, change, found)

    def _hold_still(self, planned: Sequence[PlannedCall], call: Call, change: Change) -> None:
        """It would change nothing now: that is wrong where a change of this very item was planned."""
        begun = not call.first or call.begun()
        for one in planned:
            if one.change.action is Action.UNDECIDED or (one.open and not begun):
                continue
            differ = list(change_differences(one.change, change, self._keyer, begun=begun))
            if differ:
                raise self._not_planned(call, change, [(one, differ)])
            if self._take(one, call.item):
                return

    def ended(self, step: str, items: frozenset[str], *, skipped: str) -> None:
        for planned in self._index.get(_place(step), ()):
            self._seen.add(planned.step)
            for call in planned.calls:
                done = id(call) in self._met or call.item in items or (call.open and items)
                if call.change.action is not Action.UNDECIDED and not done:
                    raise self._not_done(planned, call, skipped)

    def unmet(self, finished: Callable[[str], bool]) -> list[str]:
        """Planned changes that nothing came of, one line each. `finished`: this run has done the step before."""
        if any(step.module == "meta" for step in self._steps):
            return []  # it was not known whether the play would end there
        return [
            f"{self._headline(call)}: {step.task} ({step.host})"
            for step in self._steps
            if step.step not in self._seen and not finished(step.step)
            for call in step.calls
            if call.change.action is not Action.UNDECIDED and id(call) not in self._met
        ]

    # -------------------------------------------------------------- what the plan says of a call

    def _planned(self, call: Call) -> Iterator[PlannedCall]:
        """What may have been planned for it: for its very item, for an item that was not known, for a step that was
        not decided as a whole."""
        every = [one for step in self._index.get(_place(call.step), ()) for one in step.calls]
        exact = [one for one in every if one.item == call.item and not one.open]
        yield from exact
        if not exact:
            yield from (one for one in every if one.open)
            yield from (one for one in every if not one.item and one.change.action is Action.UNDECIDED)

    def _under_undecided(self, call: Call) -> bool:
        """Whether it stands in a file or role of which the plan did not know that it is included."""
        over = [planned for step in call.under for planned in self._index.get(_place(step), ())]
        return any(one.change.action is Action.UNDECIDED for planned in over for one in planned.calls)

    def _around(self, planned: PlannedCall, call: Call) -> list[Difference]:
        """Of a call that was undecided: what the plan knew of its arguments."""
        if planned.arguments is None:
            return []
        found = [
            *differences(planned.arguments, opened(call.arguments), self._keyer, "argument"),
            *differences(planned.settings or {}, opened(dict(call.settings)), self._keyer, "setting"),
        ]
        return [Difference(d.path.replace(".", " ", 1), d.planned, d.now) for d in found]

    def _take(self, planned: PlannedCall, item: str) -> bool:
        """One planned call is for one item."""
        with self._lock:
            return (
                self._met.setdefault(id(planned), item) == item or planned.change.action is Action.UNDECIDED
            )

    def _agree(self, planned: PlannedCall, call: Call, change: Change) -> None:
        if planned.change.action is Action.UNDECIDED:
            self._ask(call, change)

    def _ask(self, call: Call, change: Change) -> None:
        """What was undecided may be done, but for what removes something: that takes a yes."""
        lost = list(removed(change))
        if not lost or call.begun():
            return
        what = ", ".join(f"{SYMBOLS[one.action]} {one.resource or one.reason}" for one in lost)
        told = self._mask(
            f"{call.task} ({call.host}) was undecided in the plan, and would now remove something: {what}"
        )
        needs_a_yes(call, told, hint=f"Play it at a terminal to be asked. {self._ways_out()}")

    @staticmethod
    def _counts(change: Change) -> bool:
        return change.action.changes or any(one.action.changes for one in change.also)

    # -------------------------------------------------------------- messages

    def _not_planned(
        self, call: Call, change: Change, found: Sequence[tuple[PlannedCall, list[Difference]]]
    ) -> Stopped:
        if not found:
            found = [(one, call_differences(one, call, change, self._keyer)) for one in self._namesakes(call)]
        head = f"{call.task} ({call.host}) is not as it was planned, and nothing of it was done."
        if found:
            _, told = min(found, key=lambda pair: len(pair[1]))
            lines = self._told(told) or [f"planned once, and now for another item: {self._now(change)}"]
        else:
            lines = [f"planned: no change, now: {self._now(change)}"]
        return self._stopped(head, lines, call)

    def _namesakes(self, call: Call) -> list[PlannedCall]:
        """Of a task that was edited, and so is another step: what was planned under its name."""
        return [
            one
            for step in self._steps
            if (step.host, step.task) == (call.host, call.task) and step.step not in self._seen
            for one in step.calls
            if one.change.action is not Action.UNDECIDED and one.item == call.item
        ]

    def _not_done(self, step: PlannedStep, call: PlannedCall, skipped: str) -> Stopped:
        item = f" (item={call.label})" if call.label else ""
        head = f"{step.task} ({step.host}){item} is not as it was planned: it was not done."
        why = f"skipped, {skipped}" if skipped else "nothing to do"
        return self._stopped(head, [f"planned: {self._headline(call)}, now: {why}"], None)

    def _stopped(self, head: str, lines: Sequence[str], call: Call | None) -> Stopped:
        body = [f"    {line}" for line in lines]
        if self._edited:
            body.append(f"  Since the plan was made, {' and '.join(self._edited)} changed.")
        text = self._mask("\n".join([head, *body]))
        return Stopped(text, position=call.position if call else None, hint=self._ways_out())

    def _ways_out(self) -> str:
        return (
            f"Make a new plan (`runbook plan {self._playbook} -o FILE`), or play without one: `runbook play "
            f"{self._playbook}` goes on with this run, and is held to nothing."
        )

    def _told(self, found: Sequence[Difference]) -> list[str]:
        lines = [
            f"{each.path or 'it'}: planned {_value(each.planned)}, now {self._clear(each)}" for each in found
        ]
        more = len(lines) - MOST_TOLD
        return [*lines[:MOST_TOLD], *([f"({more} more)"] if more > 0 else [])]

    def _clear(self, found: Difference) -> str:
        if isinstance(found.planned, dict) and KEYED in found.planned:
            return "another one"
        return _value(found.now)

    def _headline(self, call: PlannedCall) -> str:
        what = _value(call.change.resource, quoted=False) if call.change.resource else call.change.reason
        return f"{call.change.action.value} {what}".rstrip()

    def _now(self, change: Change) -> str:
        one = change if change.action.changes else next(c for c in (*change.also, change) if c.action.changes)
        return f"{one.action.value} {one.resource or one.reason}"


def _place(step: str) -> str:
    return _FLUSH.sub("flush/", step)


def _value(packed: Any, *, quoted: bool = True) -> str:
    """A value of a plan on one line."""
    if packed is ABSENT or packed is None:
        return "none"
    if isinstance(packed, Mapping) and KEYED in packed:
        return SECRET_TEXT
    if isinstance(packed, str) and not quoted:
        return packed
    return inline(unpack(_without_hashes(packed)))


def _without_hashes(packed: Any) -> Any:
    if isinstance(packed, dict):
        if KEYED in packed:
            return {"$secret": ""}
        return {name: _without_hashes(value) for name, value in packed.items()}
    return [_without_hashes(item) for item in packed] if isinstance(packed, list) else packed
