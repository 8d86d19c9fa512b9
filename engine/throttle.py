"""`throttle`: how many hosts may run a task at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .context import TICK, Services
from .errors import Stopped
from .model import Task


class Throttles:
    """Those of one run. A step that waits for its turn gives its place among `forks` back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turns: dict[str, threading.Semaphore] = {}
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, task: Task, most: int) -> Iterator[None]:
        """While the task runs on one more host; 0: on as many as there are. Raises Stopped when cancelled."""
        if most <= 0:
            yield
            return
        with self._guard:
            turns = self._turns.setdefault(task.identity, threading.Semaphore(most))
        self._wait(turns)
        try:
            yield
        finally:
            turns.release()

    def _wait(self, turns: threading.Semaphore) -> None:
        if turns.acquire(blocking=False):
            return
        cancel = self._services.cancel
        with self._services.permits.given_back(cancel):
            while not turns.acquire(timeout=TICK):
                if cancel.is_set():
                    raise Stopped("The run was interrupted while a step waited for its turn.")
