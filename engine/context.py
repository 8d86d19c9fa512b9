"""The context that a step hands to its module: clients, effects, waiting, and nothing of the engine beyond."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from .background import Background
from .contract import ClientFactory, Finding, Intent, PlaybookFolder, Ready, Target, Waiting
from .doubts import nobody
from .effects import Effects, Place
from .errors import Failed, Interrupted, RunbookError, Stopped
from .events import Event, Notice, Progress
from .planned import PlannedWorld
from .promise import Promise
from .shown_first import ShownFirst
from .values import Unknown, UnknownValue

T = TypeVar("T")

GROWTH = 1.5
"""How much longer each wait is than the one before."""

TICK = 0.25
"""Seconds between two looks at the cancel flag of what waits for a place."""


class Permits:
    """How many steps may work at once. A step that only waits gives its place back."""

    def __init__(self, forks: int) -> None:
        self._free = threading.Semaphore(forks)

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._free:
            yield

    @contextmanager
    def given_back(self, cancel: threading.Event) -> Iterator[None]:
        """Without a place meanwhile. A run that ends does not wait for one again."""
        self._free.release()
        try:
            yield
        finally:
            while not self._free.acquire(timeout=TICK) and not cancel.is_set():
                pass


class SharedReads:
    """What was read once for a task is not read again for its other hosts and items.

    `where` is the world that a name belongs to, as in `PlannedWorld`.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[Hashable, str], Any] = {}
        self._locks: dict[tuple[Hashable, str], threading.Lock] = {}
        self._guard = threading.Lock()
        self._age = 0
        """How often an effect made what was read stale."""

    def get(self, where: Hashable, resource: str, read: Callable[[], T]) -> T:
        key = (where, resource)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._values:
                    known: T = self._values[key]
                    return known
                age = self._age
            found = read()
            with self._guard:
                if age == self._age:
                    self._values[key] = found
            return found

    def forget(self) -> None:
        """After an effect, what was read before may be stale; so may be what is being read now."""
        with self._guard:
            self._age += 1
            self._values.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all steps of a run share."""

    run: str
    clients: Callable[[], ClientFactory]
    effects: Effects
    planned: PlannedWorld | None
    """None: this run applies."""
    promise: Promise | None = None
    edited: ShownFirst | None = None
    """What hears of steps that an edit brought back; None: this run applies nothing."""
    """A plan that this run keeps, or in a dry run makes."""
    permits: Permits
    cancel: threading.Event
    emit: Callable[[Event], None]
    ask: Callable[[str], str] = nobody
    diff: bool = False
    """`--diff`: results tell what was and what is."""
    background: Background = field(default_factory=Background)
    """Tasks with `async` that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When a step has to be through (`timeout`, `async`), and how it fails when it is not."""

    ends: float
    """By the monotonic clock."""
    error: Failed

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def over(self) -> bool:
        return self.left <= 0


NO_FRAME = "(not known)"
"""What Ansible has room for, too: where in its own program the time was over."""


def time_limit(seconds: float) -> Limit | None:
    """That of `timeout`; None: 0 seconds mean none."""
    if seconds <= 0:
        return None
    period = int(seconds) if seconds == int(seconds) else seconds
    told: dict[str, object] = {"timedout": {"frame": NO_FRAME, "period": period}}
    error = Failed(f"Timed out after {seconds:g} second(s).", result=told)
    return Limit(time.monotonic() + seconds, error)


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
    files: PlaybookFolder
    started: float
    diff: bool = False
    secret_arguments: frozenset[str] = frozenset()
    spot: str = ""
    """The host that it acts on, when another one than `host` was asked to (`delegate_to`)."""
    limit: Limit | None = None
    acts: bool = False
    """It is there for `apply`: only then are there effects."""

    @property
    def run(self) -> str:
        return self.services.run

    @property
    def began(self) -> Mapping[str, bool]:
        return self.services.effects.began(self.place)

    @property
    def cancelled(self) -> bool:
        return self.services.cancel.is_set() or (self.limit is not None and self.limit.over)

    def cut_short(self) -> RunbookError:
        if self.limit is not None and self.limit.over and not self.services.cancel.is_set():
            return self.limit.error
        return Interrupted("The run was interrupted, and this with it.")

    def background(self, job: str, *, forget: bool = False) -> Mapping[str, Any] | None:
        if self.services.planned is not None:
            raise UnknownValue(Unknown("a task in the background"))
        known = self.services.background.look(job)
        if known is False:
            return None
        told = {"ansible_job_id": job, "started": True, "results_file": f"~/.ansible_async/{job}"}
        if known is True:
            return told | {"finished": False}
        if forget:
            self.services.background.forget(job)
        return {**known.result, **told, "finished": True, "changed": known.changed, "failed": known.failed}

    def client(self, service: str, *, retries: bool = True) -> Any:
        return self.services.clients().client(self.target, service, retries=retries)

    def observe(self, resource: str, read: Callable[[], T]) -> T:
        planned = self.services.planned
        if planned is not None:
            return planned.observe(self.target, resource, lambda: self.reads.get(self.target, resource, read))
        return self.reads.get(self.target, resource, read)

    def planned(self, prefix: str) -> tuple[str, ...]:
        planned = self.services.planned
        return planned.names(self.target, prefix) if planned is not None else ()

    def effect(
        self,
        key: str,
        call: Callable[[Intent], T],
        *,
        find: Callable[[Intent], Finding[T]] | None = None,
        before: Any = None,
        vouched: Callable[[str], T] | None = None,
    ) -> T:
        if not self.acts:
            raise Failed(f"Internal error: '{self.task}' would change the world while it only looks")
        place = self.place if vouched is None else replace(self.place, vouched=vouched)
        try:
            result: T = self.services.effects.perform(place, key, call, find, before)
        finally:
            self.reads.forget()  # a call that failed may have changed something all the same
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
        """Wait by the target's clock, giving back the place; ends at once when the run is cancelled, or the step's
        time is over."""
        most = max(0.0, seconds) / self.target.speed
        if self.limit is not None:
            most = min(most, self.limit.left)
        with self.services.permits.given_back(self.services.cancel):
            cancelled = self.services.cancel.wait(most)
        if cancelled:
            raise Stopped("The run was interrupted while it waited; what it waits for goes on.")
        if self.limit is not None and self.limit.over:
            raise self.limit.error

    def ask(self, prompt: str) -> str:
        """As `sleep`, it works for nobody while it waits."""
        with self.services.permits.given_back(self.services.cancel):
            return self.services.ask(prompt)

    def progress(self, phase: str, percent: float | None = None) -> None:
        elapsed = time.monotonic() - self.started
        self.services.emit(
            Progress(host=self.host, task=self.task, phase=phase, elapsed=elapsed, percent=percent)
        )

    def warn(self, message: str) -> None:
        self.services.emit(Notice(message=f"{self.task} ({self.host}): {message}"))
