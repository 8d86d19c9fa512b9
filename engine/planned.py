"""The planned world of a dry run: what resources would be like after the steps so far."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .model import Action, Change

T = TypeVar("T")


class PlannedWorld:
    """Answers an observation with the planned `after` of an earlier step, when there is one.

    Task 5 may scale what task 1 only plans to create.
    """

    def __init__(self) -> None:
        self._after: dict[str, Any] = {}
        self._lock = threading.Lock()

    def observe(self, resource: str | None, read: Callable[[], T]) -> T:
        with self._lock:
            if resource is not None and resource in self._after:
                found: T = self._after[resource]
                return found
        return read()

    def names(self, prefix: str) -> tuple[str, ...]:
        """Resources that would be changed, of those whose names begin with `prefix`."""
        with self._lock:
            return tuple(name for name in self._after if name.startswith(prefix))

    def note(self, change: Change) -> None:
        """Remember what a planned change would leave behind."""
        if change.resource is None or not change.action.changes or change.action is Action.UNDECIDED:
            return
        with self._lock:
            self._after[change.resource] = None if change.action is Action.DELETE else change.after
