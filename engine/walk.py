"""One host's way through a play, as a generator: it yields the next task and is sent how that ended.

The generator holds the whole meaning of block, rescue, always, includes and handlers, and nothing else. A resume
walks again from the start and is sent the recorded endings, so it arrives where the run stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from .model import NO_VARS, Block, Include, Node, Task

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
    includes: tuple[tuple[Include, tuple[Node, ...]], ...] = ()
    flush: bool = False


@dataclass(slots=True)
class Trail:
    """What a walk leaves behind, and what it is told beside the verdicts."""

    notified: list[str] = field(default_factory=list)
    """Names that tasks notified since the last look."""
    due: set[int] = field(default_factory=set)
    """Handlers that were notified and have not run, by their place among the handlers."""
    rescued: int = 0
    flushes: int = 0
    on_rescue: Callable[[], None] = field(default=lambda: None)


Walk: TypeAlias = Generator[Slot, Verdict, bool]


def walk_play(
    tasks: Sequence[Node], handlers: Sequence[Node], trail: Trail, *, chain: str, force_handlers: bool = False
) -> Walk:
    """Walk the tasks, then the handlers that were notified. Returns whether the host failed."""
    failed = yield from _walk(tasks, Frame(order=(0,), chain=chain), trail, handlers)
    if not failed or force_handlers:
        late = yield from _flush(Frame(order=(1,), chain=chain), trail, handlers)
        failed = failed or late
    return failed


def _walk(nodes: Sequence[Node], frame: Frame, trail: Trail, handlers: Sequence[Node]) -> Walk:
    for index, node in enumerate(nodes):
        order = (*frame.order, index)
        if isinstance(node, Block):
            failed = yield from _walk_block(node, frame, order, trail, handlers)
        else:
            failed = yield from _walk_task(Slot(node, frame, order), trail, handlers)
        if failed:
            return True
    return False


def _walk_task(slot: Slot, trail: Trail, handlers: Sequence[Node]) -> Walk:
    verdict = yield slot
    if verdict.failed:
        return True
    for number, (include, nodes) in enumerate(verdict.includes):
        inner = Frame(
            order=(*slot.order, number),
            chain=_link(slot, include),
            vars={**slot.frame.vars, **include.vars} if include.vars else slot.frame.vars,
            handler=slot.frame.handler,
            rescued=slot.frame.rescued,
        )
        failed = yield from _walk(nodes, inner, trail, handlers)
        if failed:
            return True
    if verdict.flush:
        return (yield from _flush(replace(slot.frame, order=slot.order, vars=NO_VARS), trail, handlers))
    return False


def _walk_block(block: Block, frame: Frame, order: Order, trail: Trail, handlers: Sequence[Node]) -> Walk:
    body = replace(frame, order=(*order, 0), rescued=frame.rescued or bool(block.rescue))
    failed = yield from _walk(block.body, body, trail, handlers)
    if failed and block.rescue:
        failed = yield from _walk(block.rescue, replace(frame, order=(*order, 1)), trail, handlers)
        if not failed:
            trail.rescued += 1
            trail.on_rescue()
    late = yield from _walk(block.always, replace(frame, order=(*order, 2)), trail, handlers)
    return failed or late


def _flush(frame: Frame, trail: Trail, handlers: Sequence[Node]) -> Walk:
    """Run what was notified, in the order the handlers are defined; one may notify another (Ansible's rule).

    Each runs once in a flush, so that handlers that notify each other come to an end. What a failure keeps from
    running stays due: a rescue may go on to another flush.
    """
    trail.flushes += 1
    place = replace(frame, chain=f"{frame.chain}flush{trail.flushes}/", handler=True)
    known = list(_tasks(handlers))
    ran: set[int] = set()
    while True:
        trail.due |= {n for n, handler in enumerate(known) if _answers(handler, trail.notified)}
        trail.notified.clear()
        if not trail.due - ran:
            return False
        number = min(trail.due - ran)
        trail.due.discard(number)
        ran.add(number)
        slot = Slot(known[number], place, (*frame.order, number))
        failed = yield from _walk_task(slot, trail, handlers)
        if failed:
            return True


def _tasks(nodes: Sequence[Node]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _tasks(node.body)
        else:
            yield node


def _answers(handler: Task, notified: Sequence[str]) -> bool:
    return handler.name in notified or any(topic in notified for topic in handler.listen)


def _link(slot: Slot, include: Include) -> str:
    """The chain below an include: bounded in length however deep the includes are."""
    text = f"{slot.frame.chain}{slot.task.identity}#{include.item}#{include.file}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() + "/"
