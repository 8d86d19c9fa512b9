"""What a plan promises of one call of a module, and whether a run keeps it: pure comparison.

`play --plan` computes each change anew, after it has looked at the world and before it does anything; it goes on
where that is what the plan says. Where the plan holds something not known, any value passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from .contract import Params
from .errors import Position, Stopped
from .model import Action, Change
from .plan_values import ABSENT, Difference, differences, opened

Keyer = Callable[[Any], str]


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change as a plan keeps it: values as in docs/events.md, secrets as `{"$keyed": HASH}`."""

    action: Action
    resource: Any = None
    reason: str = ""
    before: Any = None
    after: Any = None
    warnings: tuple[str, ...] = ()
    also: tuple[PlannedChange, ...] = ()
    """Other resources that the same call changes."""


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one call of a module would do: of a step, or of one item of its loop."""

    change: PlannedChange
    item: str = ""
    """The item's identity in its loop."""
    label: str = ""
    """The item as it is shown."""
    open: bool = False
    """The item holds what is known after apply only, so that its identity is another one then."""
    changed: bool = True
    """False: it runs something that changes nothing, as the task says (`changed_when: false`)."""
    lasting: str = ""
    """Why nothing takes it back; empty: something may."""
    arguments: Any = None
    settings: Any = None
    """Where and how it acts: AWS settings, connection, environment."""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step that would change something, or can't be decided before the run."""

    step: str
    host: str
    task: str
    module: str
    file: str
    line: int
    calls: tuple[PlannedCall, ...]
    definition: str = ""
    """Digest of the task as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is about to be made, or to be planned: its arguments are bound, nothing is done yet."""

    step: str
    item: str
    """The item of a loop, in the identity of its effects."""
    first: bool
    """It is no repeated try (`until`, `retries`)."""
    host: str
    task: str
    module: str
    position: Position
    params: Params
    under: tuple[str, ...] = ()
    """Steps that include the file or role that the task stands in."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    tainted: frozenset[str] = frozenset()
    """Names of the arguments that were made from a secret; `environment`, when that was."""
    secret: bool = False
    """`no_log`."""
    lasting: Callable[[Change], str] = lambda _change: ""
    """Why nothing takes the change back."""
    ask: Callable[[str], str] = lambda _prompt: ""
    begun: Callable[[], bool] = lambda: False
    """Whether this run did a part of it before it stopped."""

    @property
    def arguments(self) -> dict[str, Any]:
        return {name: getattr(self.params, name) for name in self.params.__struct_fields__}


class Promise(Protocol):
    """Hears of each call when its change is known, and of each step when it has ended. Any thread may tell it."""

    def hold(self, call: Call, change: Change) -> None:
        """Called before anything is done. Raises Stopped when it must not be."""
        ...

    def ended(self, step: str, items: frozenset[str], *, skipped: str) -> None:
        """A step ended well. `items` are those that this run had done before; `skipped`: why nothing was done, or
        empty. Raises Stopped when it should have changed something."""
        ...


def removed(change: Change) -> Iterator[Change]:
    """What of a change takes something away."""
    if change.action in (Action.DELETE, Action.REPLACE):
        yield change
    for one in change.also:
        yield from removed(one)


def needs_a_yes(call: Call, told: str, hint: str) -> None:
    """Ask before something is taken away. Raises Stopped when nobody says yes; `hint`: what to do then."""
    if call.ask(f"{told}\nDo it? Type yes").strip().lower() in ("yes", "y"):
        return
    raise Stopped(f"{told}. Nobody said yes, and nothing of it was done.", position=call.position, hint=hint)


def call_differences(
    planned: PlannedCall, call: Call, change: Change, keyer: Keyer, *, begun: bool = False
) -> list[Difference]:
    """How a call is not what was planned. `begun`: a part of the change was made by this run already."""
    found = list(change_differences(planned.change, change, keyer, begun=begun))
    if not change.action.changes or found:
        return found
    found += _named("argument", planned.arguments, opened(call.arguments), keyer)
    return found + _named("setting", planned.settings, opened(dict(call.settings)), keyer)


def _named(what: str, planned: Any, now: Any, keyer: Keyer) -> list[Difference]:
    return [
        Difference(f"{what} {found.path}", found.planned, found.now)
        for found in differences(planned or {}, now, keyer)
    ]


def change_differences(
    planned: PlannedChange, now: Change, keyer: Keyer, *, begun: bool = False
) -> Iterator[Difference]:
    """How a change is not what was planned."""
    if begun and not now.action.changes:
        return
    if planned.action is not now.action and not (begun and _goes_on(planned.action, now.action)):
        yield Difference("action", planned.action.value, now.action.value)
        return
    yield from differences(planned.resource, opened(now.resource), keyer, "resource")
    if begun and now.action is not Action.RUN:
        yield from _changed(planned, now, keyer, before=False)
    elif now.action is Action.UPDATE:
        yield from _changed(planned, now, keyer)
    else:
        if now.action in (Action.DELETE, Action.REPLACE):
            yield from differences(planned.before, opened(now.before), keyer, "before")
        yield from differences(planned.after, opened(now.after), keyer)
    yield from _also(planned, now, keyer, begun=begun)


_REST: Mapping[Action, frozenset[Action]] = {
    Action.CREATE: frozenset({Action.UPDATE}),
    Action.REPLACE: frozenset({Action.CREATE, Action.UPDATE, Action.DELETE}),
}


def _goes_on(planned: Action, now: Action) -> bool:
    """Whether it may be what is left of a change that was begun."""
    return now in _REST.get(planned, ())


def _changed(
    planned: PlannedChange, now: Change, keyer: Keyer, *, before: bool = True
) -> Iterator[Difference]:
    """Compare only what is to become another, then or now; the rest is no effect."""
    one, other = opened(now.before), opened(now.after)
    if not (isinstance(other, dict) and isinstance(planned.after, dict)):
        yield from differences(planned.after, other, keyer)
        return
    one = one if isinstance(one, dict) else {}
    old = planned.before if isinstance(planned.before, dict) else {}
    moves = [name for name in other if one.get(name) != other[name]]
    if before:
        moves += [n for n in planned.after if old.get(n) != planned.after[n] and n not in moves]
    for name in moves:
        found = list(differences(planned.after.get(name, ABSENT), other.get(name, ABSENT), keyer, name))
        if not found and before:
            was = differences(old.get(name, ABSENT), one.get(name, ABSENT), keyer, name)
            found = [Difference(f"{each.path} (before)", each.planned, each.now) for each in was]
        yield from found


def _also(planned: PlannedChange, now: Change, keyer: Keyer, *, begun: bool) -> Iterator[Difference]:
    left = [other for other in planned.also if other.action.changes]
    for change in now.also:
        if not change.action.changes:
            continue
        fits = [o for o in left if not any(differences(o.resource, opened(change.resource), keyer))]
        if not fits:
            yield Difference("also", None, f"{change.action.value} {change.resource}")
            continue
        left.remove(fits[0])
        yield from change_differences(fits[0], change, keyer, begun=begun)
    if left and not begun:
        yield Difference("also", f"{left[0].action.value} {left[0].resource}", None)
