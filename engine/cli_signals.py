"""Ctrl-C and its like: once, the run stops and records; twice, the process ends at once. Both can be resumed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 4
"""Exit code."""

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
"""Ctrl-C; `kill`; Ctrl-Break on Windows; the terminal was closed."""


@contextmanager
def stopping(cancel: threading.Event, tell: Callable[[], None]) -> Iterator[None]:
    """Set `cancel` at the first signal, and `tell` about it; end the process at the second.

    `tell` is called in a signal handler. Only the main thread can take signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()  # `cancel` is set by a failure too

    def stop(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(STOPPED)
        asked.set()
        cancel.set()
        tell()

    before = {number: signal.signal(number, stop) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _signals() -> Iterator[signal.Signals]:
    for name in _NAMES:
        number: signal.Signals | None = getattr(signal, name, None)
        # Under nohup the run is to outlive its terminal.
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            yield number
