"""The one loop that decides what may run. Strategies are readiness policies over it.

What only computes runs in the loop itself; what may block runs in a worker thread. Nothing here knows what a step
is: the loop is handed what to do with a lane, and tells when it is through.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from .context import Permits
from .errors import RunbookError, Stopped
from .model import Outcome
from .walk import Order, Slot, Trail, Verdict, Walk

MOST_THREADS = 512
"""Waiting steps keep a thread, not a place among `forks`."""

TICK = 0.25
"""Seconds between two looks at the cancel flag while workers run; Windows can't interrupt a longer wait."""

GRACE = 1.0
"""Seconds that running steps get to record where they are once the run is cancelled."""


@dataclass(slots=True, eq=False)
class Lane:
    """One host on its way through a play."""

    host: str
    walk: Walk
    trail: Trail
    slot: Slot | None = None
    reached: Order = ()
    """Where the last task stands that it came to."""
    running: bool = False
    failed: bool = False
    gone: bool = False
    """Unreachable, or ended early: it takes no further step in this play."""

    def begin(self) -> None:
        self._take(lambda: next(self.walk))

    def advance(self, verdict: Verdict) -> None:
        """Tell the walk how its task ended, and move to the next one."""
        self.running = False
        self._take(lambda: self.walk.send(verdict))

    def leave(self) -> None:
        """Take no further step."""
        self.running = False
        self.gone = True
        self.slot = None
        self.walk.close()

    def _take(self, step: Callable[[], Slot]) -> None:
        try:
            self.slot = step()
            self.reached = self.slot.order
        except StopIteration as end:
            self.slot = None
            self.failed = self.failed or bool(end.value)
        self.failed = self.failed or self.trail.failed


class Strategy(Protocol):
    """Which lanes may start their next task now."""

    def ready(self, lanes: Collection[Lane]) -> Iterable[Lane]: ...


class Linear:
    """All hosts finish a task before any begins the next one (Ansible's default)."""

    def ready(self, lanes: Collection[Lane]) -> Iterable[Lane]:
        if any(lane.running for lane in lanes):
            return ()
        first: Order = min(lane.slot.order for lane in lanes if lane.slot is not None)
        return [lane for lane in lanes if lane.slot is not None and lane.slot.order == first]


class Free:
    """Each host goes on as fast as it can."""

    def ready(self, lanes: Collection[Lane]) -> Iterable[Lane]:
        return [lane for lane in lanes if lane.slot is not None and not lane.running]


class HostPinned:
    """As free, and a host that began comes to its end before another takes its place: at most `most` at once."""

    def __init__(self, most: int) -> None:
        self._most = most

    def ready(self, lanes: Collection[Lane]) -> Iterable[Lane]:
        # `lanes` are those with tasks left, in their order: the first ones have begun.
        return [lane for lane in list(lanes)[: self._most] if lane.slot is not None and not lane.running]


STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "linear": lambda _forks: Linear(),
    "free": lambda _forks: Free(),
    "host_pinned": HostPinned,
}


class Conduct(Protocol):
    """What the loop does with a lane; the runner's side of it."""

    def prepare(self, lane: Lane) -> Callable[[], Outcome] | None:
        """The work of the lane's task; None when it is settled without work (and the lane has advanced)."""
        ...

    def waits(self, lane: Lane) -> bool:
        """Whether that work may block."""
        ...

    def finish(self, lane: Lane, outcome: Outcome) -> None:
        """Take the outcome in and advance the lane."""
        ...

    def settle(self) -> None:
        """No lane runs: let those that wait for the others of their round go on."""
        ...


@dataclass(slots=True)
class _Finished:
    lane: Lane
    outcome: Outcome | None
    error: BaseException | None = None


@dataclass(slots=True)
class Scheduler:
    """Runs lanes to their ends."""

    conduct: Conduct
    permits: Permits
    cancel: threading.Event
    _done: queue.SimpleQueue[_Finished] = field(default_factory=queue.SimpleQueue)
    _pool: ThreadPoolExecutor | None = None
    _running: int = 0
    _ending: bool = False
    """Nothing more begins."""

    def run(self, lanes: Sequence[Lane], strategy: Strategy) -> None:
        """Returns when no lane has a task left. Raises Stopped, or what else stops the whole run."""
        for lane in lanes:
            lane.begin()
        try:
            self._go(lanes, strategy)
        except Exception as error:
            self._ending = True
            if not self.cancel.is_set():
                self._drain(error)  # what is nearly done ends well; cut short, it would be in doubt
                self.cancel.set()
            self._drain(error)
            raise

    def _go(self, lanes: Sequence[Lane], strategy: Strategy) -> None:
        active = [lane for lane in lanes if lane.slot is not None]
        while active:
            self._check_cancelled()
            for lane in strategy.ready(active):
                if lane.slot is not None:
                    self._start(lane)
            if self._running:
                self._take_one()
            if not self._running:
                self.conduct.settle()
            active = [lane for lane in active if lane.slot is not None]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, lane: Lane) -> None:
        work = self.conduct.prepare(lane)
        if work is None:
            return
        lane.running = True
        if not self.conduct.waits(lane):
            self.conduct.finish(lane, work())
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="step")
        self._running += 1
        self._pool.submit(self._work, lane, work)

    def _work(self, lane: Lane, work: Callable[[], Outcome]) -> None:
        try:
            with self.permits.held():
                self._refuse_when_cancelled()
                outcome = work()
        except BaseException as error:  # noqa: BLE001 (handed to the loop, which raises it)
            self._done.put(_Finished(lane, None, error))
        else:
            self._done.put(_Finished(lane, outcome))

    def _refuse_when_cancelled(self) -> None:
        if self._ending or self.cancel.is_set():
            raise Stopped("The run was interrupted before this step began.")

    def _take_one(self) -> None:
        while not self.cancel.is_set():
            try:
                finished = self._done.get(timeout=TICK)
            except queue.Empty:
                continue
            self._running -= 1
            self._take_in(finished)
            return

    def _take_in(self, finished: _Finished) -> None:
        if finished.outcome is not None:
            self.conduct.finish(finished.lane, finished.outcome)
            return
        assert finished.error is not None  # noqa: S101 (one of the two is always there)
        raise finished.error

    def _take_late(self, lane: Lane, outcome: Outcome, cause: BaseException | None) -> None:
        try:
            self.conduct.finish(lane, outcome)
        except RunbookError:
            if cause is None:  # otherwise something else is told already
                raise

    def _check_cancelled(self) -> None:
        if self.cancel.is_set():
            self._drain(None)
            raise Stopped("The run was interrupted.")

    def _drain(self, cause: BaseException | None) -> None:
        """Let running steps record where they are; what they wait for goes on without us."""
        while self._running:
            try:
                finished = self._done.get(timeout=GRACE)
            except queue.Empty:
                return
            self._running -= 1
            if finished.outcome is not None:
                self._take_late(finished.lane, finished.outcome, cause)
            elif (
                cause is None and not isinstance(finished.error, RunbookError) and finished.error is not None
            ):
                raise finished.error
