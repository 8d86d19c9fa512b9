"""One host's way through a play, as a generator: it yields the next task and is sent how that ended.

The generator holds the whole meaning of block, rescue, always, includes and handlers, and nothing else. A resume
walks again from the start and is sent the recorded endings, so it arrives where the run stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from .model import NO_VARS, Block, Include, IncludeRole, Node, Role, Task

Order: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a list of nodes stands."""

    order: Order = ()
    chain: str = ""
    """Identity of the includes, and of the handler flush, that led here."""
    vars: Mapping[str, Any] = field(default_factory=dict)
    handler: bool = False
    rescued: bool = False
    """A rescue section takes over when a task here fails."""
    maybe: bool = False
    """A handler of which a dry run does not know whether it is notified."""
    under: tuple[str, ...] = ()
    """The includes that led here: steps without their host."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A task at its place in a host's walk. `order` compares as the tasks are written."""

    task: Task
    frame: Frame
    order: Order

    def step(self, host: str) -> str:
        """The structural identity of this step: never a running counter."""
        return f"{self.frame.chain}{self.task.identity}@{host}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the task of a slot ended, as far as the walk is concerned."""

    failed: bool = False
    includes: tuple[tuple[Include | IncludeRole, tuple[Node, ...]], ...] = ()
    flush: bool = False
    end_role: bool = False
    """Pass over what is left of the role that the task belongs to."""


@dataclass(slots=True)
class RolesPlayed:
    """Which roles a host has played: without `allow_duplicates` it plays none twice (Ansible's rule)."""

    begun: set[str] = field(default_factory=set)
    """Roles of which a task was done, and not skipped, by their keys."""
    done: set[str] = field(default_factory=set)

    def passed_over(self, role: Role) -> bool:
        return not role.allow_duplicates and role.key in self.done

    def end(self, role: Role) -> None:
        if role.key in self.begun:
            self.done.add(role.key)


class _RoleEnds(Exception):
    """`meta: end_role`: out of all blocks of the role."""


@dataclass(slots=True)
class Trail:
    """What a walk leaves behind, and what it is told beside the verdicts."""

    notified: list[str] = field(default_factory=list)
    """Names that tasks notified: which handlers they are for is asked when handlers are flushed."""
    named: Callable[[str], Sequence[int]] = field(default=lambda _: ())
    """The handlers that answer to a name."""
    due: set[int] = field(default_factory=set)
    """Handlers that were notified and have not run, by their place among the handlers."""
    open: set[str] = field(default_factory=set)
    """Of `notified`, in a dry run: names that only undecided steps notified."""
    maybe: set[int] = field(default_factory=set)
    """Of `due`, in a dry run: those that only such names are for."""
    roles: RolesPlayed = field(default_factory=RolesPlayed)
    flushes: int = 0
    failed: bool = False
    """The host failed in its tasks; handlers may still run (`force_handlers`)."""


Walk: TypeAlias = Generator[Slot, Verdict, bool]


def walk_play(
    tasks: Sequence[Node], handlers: Sequence[Task], trail: Trail, *, chain: str, force_handlers: bool = False
) -> Walk:
    """Walk the tasks, then the handlers that were notified. Returns whether the host failed.

    `handlers` may grow meanwhile, at its end.
    """
    failed = yield from _walk(tasks, Frame(order=(0,), chain=chain), trail, handlers)
    trail.failed = failed
    if not failed or force_handlers:
        for number in (1, 2):  # what a handler notified that stands before it has waited for the second
            late = yield from _flush(Frame(order=(number,), chain=chain), trail, handlers)
            failed = failed or late
            if late or not trail.due:
                break
    return failed


def _walk(nodes: Sequence[Node], frame: Frame, trail: Trail, handlers: Sequence[Task]) -> Walk:
    for index, node in enumerate(nodes):
        order = (*frame.order, index)
        if isinstance(node, Block):
            if node.role is not None:
                failed = yield from _walk_role(node.role, node, frame, order, trail, handlers)
            else:
                failed = yield from _walk_block(node, frame, order, trail, handlers)
        else:
            failed = yield from _walk_task(Slot(node, frame, order), trail, handlers)
        if failed:
            return True
    return False


def _walk_task(slot: Slot, trail: Trail, handlers: Sequence[Task]) -> Walk:
    verdict = yield slot
    if verdict.end_role:
        raise _RoleEnds
    if verdict.failed:
        return True
    for number, (include, nodes) in enumerate(verdict.includes):
        inner = Frame(
            order=(*slot.order, number),
            chain=_link(slot, include),
            vars=_params(slot, include),
            handler=slot.frame.handler,
            rescued=slot.frame.rescued,
            under=(*slot.frame.under, f"{slot.frame.chain}{slot.task.identity}"),
        )
        failed = yield from _walk(nodes, inner, trail, handlers)
        if failed:
            return True
    if verdict.flush:
        return (yield from _flush(replace(slot.frame, order=slot.order, vars=NO_VARS), trail, handlers))
    return False


def _params(slot: Slot, include: Include | IncludeRole) -> Mapping[str, Any]:
    """What the included tasks see above facts and registered results."""
    if not slot.task.params and not include.vars:
        return slot.frame.vars
    return {**slot.frame.vars, **slot.task.params, **include.vars}


def _walk_role(
    role: Role, block: Block, frame: Frame, order: Order, trail: Trail, handlers: Sequence[Task]
) -> Walk:
    if trail.roles.passed_over(role):
        return False
    try:
        failed = yield from _walk(block.body, replace(frame, order=(*order, 0)), trail, handlers)
    except _RoleEnds:
        failed = False
    if not failed:
        trail.roles.end(role)
    return failed


def _walk_block(block: Block, frame: Frame, order: Order, trail: Trail, handlers: Sequence[Task]) -> Walk:
    body = replace(frame, order=(*order, 0), rescued=frame.rescued or bool(block.rescue))
    failed = yield from _walk(block.body, body, trail, handlers)
    if failed and block.rescue:
        failed = yield from _walk(block.rescue, replace(frame, order=(*order, 1)), trail, handlers)
    late = yield from _walk(block.always, replace(frame, order=(*order, 2)), trail, handlers)
    return failed or late


def _flush(frame: Frame, trail: Trail, handlers: Sequence[Task]) -> Walk:
    """Run what was notified, in the order the handlers are defined; one may notify another that stands behind it
    (Ansible's rule). What stands before it, and what a failure keeps from running, stays due for another flush."""
    trail.flushes += 1
    for name in trail.notified:
        found = set(trail.named(name))
        trail.maybe -= found if name not in trail.open else set()
        trail.maybe |= found - trail.due if name in trail.open else set()
        trail.due |= found
    trail.notified.clear()
    trail.open.clear()
    place = replace(frame, chain=f"{frame.chain}flush{trail.flushes}/", handler=True)
    number = 0
    while number < len(handlers):
        if number in trail.due:
            trail.due.discard(number)
            here = replace(place, maybe=True) if number in trail.maybe else place
            trail.maybe.discard(number)
            failed = yield from _walk_task(
                Slot(handlers[number], here, (*frame.order, number)), trail, handlers
            )
            if failed:
                return True
        number += 1
    return False


def _link(slot: Slot, include: Include | IncludeRole) -> str:
    """The chain below an include: bounded in length however deep the includes are."""
    named = (
        include.file if isinstance(include, Include) else f"role {include.name}/{include.tasks_from or ''}"
    )
    text = f"{slot.frame.chain}{slot.task.identity}#{include.item}#{named}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() + "/"
