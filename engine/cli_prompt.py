"""A question to the person at the terminal, between the lines of a run's report."""

from __future__ import annotations

import getpass
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TextIO

from .errors import Stopped
from .report import Masking, Reports

TICK = 0.25
"""Seconds between two looks at the cancel flag."""

_MOST = 65536
"""Bytes of a line."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Asks one question at a time; steps of several hosts may call it at once.

    What was told before the question is shown before it, and what is told meanwhile after the answer.
    """

    reports: Reports
    masker: Masking
    cancel: threading.Event
    answers: TextIO | None = field(default_factory=lambda: sys.stdin)
    questions: TextIO = field(default_factory=lambda: sys.stderr)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _asked: threading.Event = field(default_factory=threading.Event)

    def __call__(self, prompt: str) -> str:
        """What was typed; '' at once when nobody is at a terminal. Raises Stopped when the run is cancelled."""
        if self.answers is None or not self.there():
            return ""
        with self._turn:
            if self._asked.is_set():
                self.cancel.wait(TICK)  # the answer to the question before may have stopped the run
            self._asked.set()
            self._refuse_when_cancelled()
            with self.reports.held():
                self.questions.write(f"\n{self.masker.mask(prompt)}: ")
                self.questions.flush()
                return self._line(self.answers)

    def there(self) -> bool:
        """Whether a person is at the terminal."""
        return self.answers is not None and self.answers.isatty()

    def question(self, question: str, *, private: bool = False) -> str:
        """What was typed, by the thread that runs the plays; private: it is not shown. Raises Stopped."""
        if not private:
            return self(question)
        with self._turn, self.reports.held(), _interruptible():
            try:
                return getpass.getpass(f"\n{self.masker.mask(question)}: ", self.questions)
            except EOFError:  # Ctrl-D
                return ""
            except KeyboardInterrupt:
                self.cancel.set()
                raise Stopped("The run was interrupted while it asked.") from None

    def _line(self, stream: TextIO) -> str:
        # A thread of its own: nothing can interrupt a read. It goes around the stream's buffer, whose lock would
        # else be held when the process ends.
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(stream, lines), name="prompt", daemon=True).start()
        while not self.cancel.is_set():
            try:
                return lines.get(timeout=TICK)
            except queue.Empty:
                continue
        raise Stopped("The run was interrupted while it asked.")

    def _refuse_when_cancelled(self) -> None:
        if self.cancel.is_set():
            raise Stopped("The run was interrupted before it asked.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a read at once, so that the terminal shows again what is typed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read(stream: TextIO, lines: queue.SimpleQueue[str]) -> None:
    raw: IO[bytes]
    typed = b""
    with suppress(OSError), open(stream.fileno(), "rb", buffering=0, closefd=False) as raw:
        while not typed.endswith(b"\n"):
            part = raw.read(_MOST)
            if not part:  # Ctrl-D; a terminal that was closed is an OSError
                break
            typed += part
    # A Windows console is read as UTF-8, whatever its code page.
    encoding = "utf-8" if sys.platform == "win32" else stream.encoding
    lines.put(typed.decode(encoding, "replace").rstrip("\r\n"))
