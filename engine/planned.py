"""The planned world of a dry run: what resources would be like after the steps so far."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from .model import Action, Change
from .values import Unknown, UnknownValue

T = TypeVar("T")


class PlannedWorld:
    """Answers an observation with the planned `after` of an earlier step, when there is one.

    Task 5 may scale what task 1 only plans to create. `where` is the world that a name belongs to, an account and
    Region: `memorydb:cluster/lab` in one of them says nothing of the one in another.

    What an undecided step may change is in doubt: whoever observes it learns that it is not known.
    """

    def __init__(self) -> None:
        self._after: dict[tuple[Hashable, str], Any] = {}
        self._lock = threading.Lock()

    def observe(self, where: Hashable, resource: str | None, read: Callable[[], T]) -> T:
        """What the resource would be like by now; `read` tells what it is like when no step would change it. Raises
        UnknownValue when only the run can tell."""
        with self._lock:
            if resource is not None and (where, resource) in self._after:
                found: T = self._after[where, resource]
                if isinstance(found, Unknown):
                    raise UnknownValue(found)
                return found
        return read()

    def aside(self) -> PlannedWorld:
        """The same world by now, for a step that only compares: what it notes is not part of the plan."""
        return self._copied(PlannedWorld())

    def supposing(self, why: str) -> PlannedWorld:
        """The same world by now, for a step of which nobody knows whether it will be done: what it notes is in
        doubt from then on."""
        return self._copied(_Supposed(self, why))

    def _copied(self, other: PlannedWorld) -> PlannedWorld:
        with self._lock:
            other._after = dict(self._after)
        return other

    def names(self, where: Hashable, prefix: str) -> tuple[str, ...]:
        """Resources that would be changed, of those whose names begin with `prefix`."""
        with self._lock:
            return tuple(name for place, name in self._after if place == where and name.startswith(prefix))

    def note(self, where: Hashable, change: Change) -> None:
        """Remember what a planned change would leave behind."""
        for other in change.also:
            self.note(where, other)
        if change.resource is None or not change.action.changes:
            return
        if change.action is Action.UNDECIDED:
            self.doubt(where, change.resource, Unknown(f"{change.resource}, which may be changed before"))
            return
        with self._lock:
            self._after[where, change.resource] = None if change.action is Action.DELETE else change.after

    def doubt(self, where: Hashable, resource: str, why: Unknown) -> None:
        """Only the run can tell what it would be like by now."""
        with self._lock:
            self._after[where, resource] = why


class _Supposed(PlannedWorld):
    def __init__(self, world: PlannedWorld, why: str) -> None:
        super().__init__()
        self._world = world
        self._why = why

    def note(self, where: Hashable, change: Change) -> None:
        for other in change.also:
            self.note(where, other)
        if change.resource is not None and change.action.changes:
            self._world.doubt(where, change.resource, Unknown(self._why))
