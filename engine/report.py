"""Observers of a run, off its hot path: events go through a queue to one thread, which tells each reporter."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, Self

from .events import Event

TICK = 0.5
"""Seconds between two chances of a reporter to refresh what it shows while nothing happens."""


class Masking(Protocol):
    """Hides known secrets in a text."""

    def mask(self, text: str) -> str: ...


class Reporter(Protocol):
    """Shows a run in one form. Called by one thread only."""

    def tell(self, event: Event) -> None: ...

    def tick(self) -> None:
        """Time went by."""
        ...

    def close(self) -> None:
        """Nothing more comes: leave the terminal as it was."""
        ...


class _Hold:
    """Keeps the thread of the reports waiting."""

    def __init__(self) -> None:
        self.shown = threading.Event()
        self.go_on = threading.Event()


class Reports:
    """Hands events to the reporters. `tell` may be called by any thread and returns at once.

    A reporter that can't write (the reader of a pipe went away) is dropped, and the run goes on; another mistake of
    a reporter is raised by `close`.
    """

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = list(reporters)
        self._queue: queue.SimpleQueue[Event | _Hold | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        self._queue.put(event)

    def flush(self) -> None:
        """Wait until everything told so far is shown."""
        with self.held():
            pass

    @contextmanager
    def held(self) -> Iterator[None]:
        """Everything told so far is shown, and what is told meanwhile only afterwards: for a prompt."""
        hold = _Hold()
        if self._thread.is_alive():
            self._queue.put(hold)
            hold.shown.wait()
        try:
            yield
        finally:
            hold.go_on.set()

    def close(self) -> None:
        """Show the rest. Raises what a reporter failed with."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            try:
                got = self._queue.get(timeout=TICK)
            except queue.Empty:
                self._each(None)
                continue
            if got is None:
                break
            if isinstance(got, _Hold):
                got.shown.set()
                got.go_on.wait()
            else:
                self._each(got)
        for reporter in tuple(self._reporters):
            self._guard(reporter, reporter.close)

    def _each(self, event: Event | None) -> None:
        for reporter in tuple(self._reporters):
            self._guard(reporter, reporter.tick if event is None else partial(reporter.tell, event))

    def _guard(self, reporter: Reporter, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError:  # nobody reads any more, or the disk is full: no reason to stop a run
            self._drop(reporter)
        except Exception as error:  # noqa: BLE001 (raised by `close`; the run goes on)
            self._failure = self._failure or error
            self._drop(reporter)

    def _drop(self, reporter: Reporter) -> None:
        if reporter in self._reporters:
            self._reporters.remove(reporter)
