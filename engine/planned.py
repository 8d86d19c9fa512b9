"""The planned world of a dry run: what resources would be like after the steps so far."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from .model import Action, Change

T = TypeVar("T")


class PlannedWorld:
    """Answers an observation with the planned `after` of an earlier step, when there is one.

    Task 5 may scale what task 1 only plans to create. `where` is the world that a name belongs to, an account and
    Region: `memorydb:cluster/lab` in one of them says nothing of the one in another.
    """

    def __init__(self) -> None:
        self._after: dict[tuple[Hashable, str], Any] = {}
        self._lock = threading.Lock()

    def observe(self, where: Hashable, resource: str | None, read: Callable[[], T]) -> T:
        """What the resource would be like by now; `read` tells what it is like when no step would change it."""
        with self._lock:
            if resource is not None and (where, resource) in self._after:
                found: T = self._after[where, resource]
                return found
        return read()

    def aside(self) -> PlannedWorld:
        """The same world by now, for a step that only compares: what it notes is not part of the plan."""
        other = PlannedWorld()
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
        if change.resource is None or not change.action.changes or change.action is Action.UNDECIDED:
            return
        with self._lock:
            self._after[where, change.resource] = None if change.action is Action.DELETE else change.after
