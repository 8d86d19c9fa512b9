"""The context that a step hands to its module: clients, effects, waiting, and nothing of the engine beyond."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .contract import ClientFactory, Finding, Intent, Ready, Target, Waiting
from .effects import Effects, Place
from .errors import Failed, Stopped
from .model import Event, Notice, Progress
from .planned import PlannedWorld

T = TypeVar("T")

GROWTH = 1.5
"""How much longer each wait is than the one before."""


class Permits:
    """How many steps may work at once. A step that only waits gives its place back."""

    def __init__(self, forks: int) -> None:
        self._free = threading.Semaphore(forks)

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._free:
            yield

    @contextmanager
    def given_back(self) -> Iterator[None]:
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


class SharedReads:
    """What was read once for a task is not read again for its other hosts and items."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, resource: str, read: Callable[[], T]) -> T:
        with self._guard:
            lock = self._locks.setdefault(resource, threading.Lock())
        with lock:
            if resource not in self._values:
                self._values[resource] = read()
            found: T = self._values[resource]
            return found

    def forget(self) -> None:
        """After an effect, what was read before may be stale."""
        with self._guard:
            self._values.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all steps of a run share."""

    run: str
    clients: Callable[[], ClientFactory]
    effects: Effects
    planned: PlannedWorld | None
    """None: this run applies."""
    permits: Permits
    cancel: threading.Event
    emit: Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """`contract.Context` for one step."""

    services: Services
    host: str
    task: str
    target: Target
    connection: str
    variables: Mapping[str, Any]
    environment: Mapping[str, str]
    base: Path
    place: Place
    reads: SharedReads
    started: float
    secret_arguments: frozenset[str] = frozenset()

    @property
    def run(self) -> str:
        return self.services.run

    @property
    def cancelled(self) -> bool:
        return self.services.cancel.is_set()

    def client(self, service: str, *, retries: bool = True) -> Any:
        return self.services.clients().client(self.target, service, retries=retries)

    def observe(self, resource: str, read: Callable[[], T]) -> T:
        planned = self.services.planned
        if planned is not None:
            return planned.observe(resource, lambda: self.reads.get(resource, read))
        return self.reads.get(resource, read)

    def planned(self, prefix: str) -> tuple[str, ...]:
        planned = self.services.planned
        return planned.names(prefix) if planned is not None else ()

    def effect(
        self,
        key: str,
        call: Callable[[Intent], T],
        *,
        find: Callable[[Intent], Finding[T]] | None = None,
        before: Any = None,
    ) -> T:
        result: T = self.services.effects.perform(self.place, key, call, find, before)
        self.reads.forget()
        return result

    def poll(
        self,
        what: str,
        read: Callable[[], Waiting | Ready[T]],
        *,
        timeout: float,
        interval: float = 5.0,
        longest: float = 60.0,
    ) -> T:
        speed = self.target.speed
        deadline = time.monotonic() + timeout / speed
        pause = interval
        while True:
            answer = read()
            if isinstance(answer, Ready):
                return answer.value
            self.progress(f"{what}: {answer.phase}", answer.percent)
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed(
                    f"{what}: still {answer.phase} after {timeout:g} seconds",
                    hint="Run the same play again: it goes on waiting from here.",
                )
            jitter = random.uniform(0.8, 1.2)  # noqa: S311 (spreads load, keeps no secret)
            self.sleep(min(pause * jitter, left * speed))
            pause = min(pause * GROWTH, longest)

    def sleep(self, seconds: float) -> None:
        """Wait by the target's clock, giving back the place; ends at once when the run is cancelled."""
        with self.services.permits.given_back():
            cancelled = self.services.cancel.wait(max(0.0, seconds) / self.target.speed)
        if cancelled:
            raise Stopped("The run was interrupted while it waited; what it waits for goes on.")

    def progress(self, phase: str, percent: float | None = None) -> None:
        elapsed = time.monotonic() - self.started
        self.services.emit(
            Progress(host=self.host, task=self.task, phase=phase, elapsed=elapsed, percent=percent)
        )

    def warn(self, message: str) -> None:
        self.services.emit(Notice(message=f"{self.task} ({self.host}): {message}"))
