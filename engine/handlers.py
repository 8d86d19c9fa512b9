"""The handlers of a play, and which of them a notification is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import LoadError, Problem, StepError, nearest
from .model import Block, Node, Task
from .template import Templates
from .values import Template, UnknownValue
from .variables import Surroundings
from .walk import Slot, Trail


class Handlers:
    """They run in the order in which they are held; roles that are included in the run add theirs at the end."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.tasks: list[Task] = []
        """All of them: `walk.walk_play` walks this very list."""
        self._groups: list[list[int]] = []
        """Of one role, or of the play: the last group that has a name wins, and in it the first that has it."""
        for node in nodes:
            for task in _tasks([node]):
                if not self.tasks or self.tasks[-1].role is not task.role:
                    self._groups.append([])
                self._groups[-1].append(len(self.tasks))
                self.tasks.append(task)

    def add(self, nodes: Sequence[Node], params: dict[str, Any]) -> None:
        """Handlers of a role that was included. `params`: what the include hands on."""
        first = len(self.tasks)
        for task in _tasks(nodes):
            self.tasks.append(replace(task, params={**params, **task.params}) if params else task)
        if len(self.tasks) > first:
            self._groups.append(list(range(first, len(self.tasks))))

    def notified(self, name: str, text: Callable[[Task], str | None]) -> list[int]:
        """The handlers that answer: the one of that name, and all that listen to it. `text`: the name of a handler
        that is made of variables; None when it can't be told."""
        found = [number for number in self._searched() if self._is_named(number, name, text)][:1]
        seen: set[str] = set()
        for number in self._searched():
            task = self.tasks[number]
            if name not in task.listen or (task.name is not None and str(task.name) in seen):
                continue
            if task.name is not None:
                seen.add(str(task.name))
            if number not in found:
                found.append(number)
        return found

    def names(self) -> list[str]:
        """Names as they are written, for messages."""
        found = (t.name.source if isinstance(t.name, Template) else t.name for t in self.tasks)
        return sorted({str(name) for name in found if name is not None})

    def _searched(self) -> Iterator[int]:
        for group in reversed(self._groups):
            yield from group

    def _is_named(self, number: int, name: str, text: Callable[[Task], str | None]) -> bool:
        task = self.tasks[number]
        if task.name is None:
            return False
        own = text(task) if isinstance(task.name, Template) else str(task.name)
        if own is None:
            return False
        return name == own or (task.role is not None and name == f"{task.role.name} : {own}")


@dataclass(frozen=True, slots=True)
class Notified:
    """Finds the handlers that a notification is for, with the variables of the host that sent it."""

    handlers: Handlers
    around: Surroundings
    templates: Templates

    def notify(self, host: str, slot: Slot, trail: Trail, name: str, *, sure: bool = True) -> None:
        """`sure`: not so in a dry run, when a step is not decided.

        Raises LoadError for a name that no handler has: as in Ansible nothing goes on then, and nothing is lost,
        because what was done is recorded."""
        found = self.named(host, name)
        if not found:
            names = self.handlers.names()
            hint = nearest(name, names) or (f"Handlers: {', '.join(names)}" if names else None)
            message = f"There is no handler named '{name}' in this play, and none listens to it"
            raise LoadError([Problem(message, slot.task.position, hint)])
        if slot.frame.handler:
            trail.maybe.difference_update(found if sure else ())
            trail.maybe.update(() if sure else set(found) - trail.due)
            trail.due.update(found)
            return
        if name not in trail.notified:
            trail.notified.append(name)
            if not sure:
                trail.open.add(name)
        elif sure:
            trail.open.discard(name)

    def named(self, host: str, name: str) -> Sequence[int]:
        """The handlers that answer to the name, by their numbers."""

        def text(handler: Task) -> str | None:
            scope = self.around.scope(self.around.hosts[host], handler)
            try:
                return str(self.templates.render(handler.name, scope))
            except (StepError, UnknownValue):
                return None

        return self.handlers.notified(name, text)


def _tasks(nodes: Sequence[Node]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _tasks(node.body)
        else:
            yield node
