"""What takes a run back: pure, from its acts and what their modules say."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .acts import Act
from .contract_undo import Undo, can_undo
from .errors import ContractError, UsageError
from .model import Change
from .preflight import asks_aws
from .values import MASK, Secret, contains_unknown
from .writers import Path, by_field, last_writers, leaves, settled, take_back, touched

Find = Callable[[str], Any]
"""A module by its name. Raises ContractError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """One task of the undoing."""

    act: Act
    change: Change
    """What it takes back, as its module was told."""
    undo: Undo
    left_behind: Mapping[Path, tuple[int, Any]] = field(default_factory=dict)
    """The fields that it takes back, each with the number of the act that wrote it last, and what it wrote."""

    @property
    def resource(self) -> str:
        return self.change.resource or ""

    @property
    def module(self) -> str:
        return self.undo.module or self.act.module


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is not taken back, and why."""

    act: Act
    resource: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """The tasks, the first one first, and what is not taken back."""

    backs: tuple[Back, ...]
    kept: tuple[Kept, ...]

    @property
    def resources(self) -> frozenset[str]:
        return frozenset(back.resource for back in self.backs)


Place = tuple[str, str]
"""The world that a resource is in, and its name."""


def plan_undo(acts: Sequence[Act], find: Find, snapshot: str = "") -> Undoing:
    """What takes these acts back, the last one first. `snapshot`: the name of a last snapshot of what is deleted.

    Raises UsageError when there is nothing of which a snapshot could be taken.
    """
    backs: list[tuple[int, Back]] = []
    kept: list[tuple[int, Kept]] = []
    told = by_resource(acts, find)
    fields = {number for changes in told.values() for number, _ in changes}
    for number, act in enumerate(acts):
        if number not in fields:
            kept.append((number, Kept(act=act, resource="", why=_not_by_field(act, find))))
    for changes in told.values():
        last = last_writers(changes)
        passing = {name for number, _ in changes for name in passing_of(acts[number], find)}
        for number, change in take_back(changes, passing):
            answer = _answer(acts[number], change, find)
            if isinstance(answer, str):
                kept.append((number, Kept(act=acts[number], resource=change.resource or "", why=answer)))
            else:
                backs.append((number, _back(acts[number], change, answer, last)))
    backs.sort(key=lambda one: (-one[0], *_within(one[1].change)))
    kept.sort(key=lambda one: one[0])
    return Undoing(
        backs=tuple(_with_snapshot([back for _, back in backs], snapshot)),
        kept=tuple(one for _, one in kept),
    )


def by_resource(acts: Sequence[Act], find: Find) -> dict[Place, list[tuple[int, Change]]]:
    """The changes that are told field by field, each with the number of its act, by what they changed."""
    found: dict[Place, list[tuple[int, Change]]] = {}
    for number, act in enumerate(acts):
        if act.adopted or (act.called is not None and act.called.hidden):
            continue
        where = _world(act, find)
        for change in act.changes:
            if change.resource is not None and by_field(change):
                found.setdefault((where, change.resource), []).append((number, change))
    return found


def passing_of(act: Act, find: Find) -> Collection[str]:
    """Fields of its resources that are not compared."""
    try:
        found: Collection[str] = getattr(find(act.module), "passing", ())
    except ContractError:
        return ()
    return found


def _world(act: Act, find: Find) -> str:
    """Accounts and Regions are different worlds for who asks AWS; this machine is one for all."""
    try:
        here = not asks_aws(find(act.module))
    except ContractError:
        here = False
    if act.called is None or here:
        return ""
    return json.dumps(dict(act.called.aws), sort_keys=True, default=str)


def _not_by_field(act: Act, find: Find) -> str:
    """Why an act can't be taken back that does not tell what it changed."""
    if act.adopted:
        return "it was there already, made by someone else: it is left alone"
    if act.called is not None and act.called.hidden:
        return "its task has `no_log`: what was there before is not kept"
    module, why = _module(act, find)
    if why:
        return why
    called = act.called
    answer = module.undo(called.arguments, settled(act.changes[0])) if called and act.changes else ""
    return answer if isinstance(answer, str) and answer else "nothing tells what it changed"


def _module(act: Act, find: Find) -> tuple[Any, str]:
    """The module that is asked, or why none can be."""
    try:
        module = find(act.module)
    except ContractError as error:
        return None, error.message
    if not can_undo(module):
        return None, f"`{act.module}` can't take back what it does"
    if act.called is None:
        return None, "the state file does not tell how its module was called (an older runbook wrote it)"
    return module, ""


def _answer(act: Act, change: Change, find: Find) -> Undo | str:
    module, why = _module(act, find)
    called = act.called
    if why or called is None:
        return why
    answer: Undo | str = module.undo(called.arguments, settled(change))
    if isinstance(answer, str):
        return answer
    secret = sorted(name for name, value in answer.arguments.items() if _is_withheld(value))
    if secret:
        return f"what it takes ({', '.join(secret)}) holds a secret, which the state file does not keep"
    return answer


def holds_secret(act: Act, resource: str) -> bool:
    """Whether something of what an act left there is not to be shown."""
    return any(
        _is_withheld(leaf)
        for change in act.changes
        if change.resource == resource
        for leaf in (*leaves(change.before).values(), *leaves(change.after).values())
    )


def _is_withheld(value: Any) -> bool:
    """Whether a secret is missing in a value, or a mask stands in its place."""
    if isinstance(value, Secret):
        return contains_unknown(Secret.reveal(value)) or Secret.reveal(value) is None
    if isinstance(value, Mapping):
        return any(map(_is_withheld, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple):
        return any(map(_is_withheld, value))
    if isinstance(value, bytes):
        return MASK.encode() in value
    return isinstance(value, str) and MASK in value


def _back(act: Act, change: Change, undo: Undo, last: Mapping[Path, tuple[int, Any]]) -> Back:
    written = touched(change)
    return Back(
        act=act,
        change=settled(change),
        undo=undo,
        left_behind={path: found for path, found in last.items() if path in written},
    )


def _within(change: Change) -> tuple[int, Any]:
    """The order within one act: what stands in another thing goes before it, and comes after it."""
    name = change.resource or ""
    return (0, _Descending(name)) if change.before is None else (1, name)


@dataclass(frozen=True, slots=True)
class _Descending:
    name: str

    def __lt__(self, other: _Descending) -> bool:
        return self.name > other.name


def _with_snapshot(backs: Sequence[Back], name: str) -> Iterator[Back]:
    takers = [back for back in backs if back.undo.snapshot]
    if name and not takers:
        raise UsageError("Nothing is taken back of which a last snapshot could be made")
    for back in backs:
        if not name or not back.undo.snapshot:
            yield back
            continue
        its = name if len(takers) == 1 else f"{name}-{takers.index(back) + 1}"
        arguments = {**back.undo.arguments, back.undo.snapshot: its}
        loses = f"{back.undo.loses} (the last snapshot is {its})"
        yield replace(back, undo=replace(back.undo, arguments=arguments, loses=loses))
