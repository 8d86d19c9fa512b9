"""Where the human report goes when no person watches it: a file, a pipe, a CI log."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Protocol, TextIO

from .events import Progress
from .prose import duration, visible
from .report import Masking
from .style import is_terminal

_COUNT = re.compile(r"\d+")
SHORT_SECONDS = 3.0
"""A wait that is over sooner gets no line."""

QUIET_SECONDS = 30.0
"""Between two lines about something that waits in one phase."""


class Screen(Protocol):
    """Shows lines, and what is being waited for."""

    def write(self, lines: list[str]) -> None: ...

    def progress(self, event: Progress) -> None: ...

    def finished(self, host: str, task: str) -> None:
        """Nothing is waited for any more in this step."""
        ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


def forgiving(stream: TextIO) -> TextIO:
    """The stream; a character that its encoding lacks is spelled out there and does not end a run."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def screen_for(stream: TextIO, environ: Mapping[str, str], masker: Masking) -> Screen:
    """Live rows for a person at a terminal that can draw them; plain lines for everybody else."""
    if is_terminal(stream) and environ.get("TERM") != "dumb":
        from .report_live import LiveScreen

        return LiveScreen(stream, masker)
    return PlainScreen(stream, masker)


class PlainScreen:
    """Lines only; a wait that is not short gets a line when its phase changes, and one every QUIET_SECONDS."""

    def __init__(self, stream: TextIO, masker: Masking) -> None:
        self._stream = forgiving(stream)
        self._masker = masker
        self._said: dict[tuple[str, str], tuple[str, float]] = {}

    def write(self, lines: list[str]) -> None:
        if lines:
            self._stream.write(self._masker.mask("\n".join(lines) + "\n"))
            self._stream.flush()

    def progress(self, event: Progress) -> None:
        if event.elapsed < SHORT_SECONDS:
            return
        key = (event.host, event.task)
        phase, elapsed = self._said.get(key, ("", 0.0))
        now = _COUNT.sub("", event.phase)  # a count that goes up or down is no other phase
        if now == phase and 0 <= event.elapsed - elapsed < QUIET_SECONDS:
            return
        self._said[key] = (now, event.elapsed)
        self.write([f"waiting: {progress_text(event)}"])

    def finished(self, host: str, task: str) -> None:
        self._said.pop((host, task), None)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        self._stream.flush()


def progress_text(event: Progress, *, since: float = 0.0) -> str:
    """One line of what is waited for. `since`: seconds that went by after the event."""
    percent = "" if event.percent is None else f", {event.percent:.0f}%"
    elapsed = duration(event.elapsed + since)
    return f"[{visible(event.host)}] {visible(event.phase)}{percent} ({elapsed})"
