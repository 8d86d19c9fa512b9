"""Where the human report goes when a person watches it: lines, and below them what is being waited for, live."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from .events import Progress
from .report import Masking
from .report_screen import forgiving, progress_text

MOST = 8
"""Waiting steps that are shown at once."""

_SPINNER = "|/-\\"
_CLEAR_BELOW = "\x1b[J"


class LiveScreen:
    """Lines scroll by; the last rows are drawn again with each event and each tick."""

    def __init__(
        self, stream: TextIO, masker: Masking, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = forgiving(stream)
        self._masker = masker
        self._clock = clock
        self._waiting: dict[tuple[str, str], tuple[Progress, float]] = {}
        self._drawn = 0
        """Rows that stand below the last line now."""
        self._turn = 0

    def write(self, lines: list[str]) -> None:
        if lines:
            self._draw(self._masker.mask("\n".join(lines) + "\n"))

    def progress(self, event: Progress) -> None:
        self._waiting[event.host, event.task] = (event, self._clock())
        self._draw()

    def finished(self, host: str, task: str) -> None:
        # Drawn with the line that tells how it ended.
        self._waiting.pop((host, task), None)

    def tick(self) -> None:
        if self._waiting:
            self._turn += 1
            self._draw()

    def close(self) -> None:
        self._waiting.clear()
        self._draw()

    def _draw(self, text: str = "") -> None:
        """One write for all of it, so that nothing flickers."""
        rows = self._rows()
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        clear = _CLEAR_BELOW if self._drawn else ""
        self._stream.write(up + clear + text + "".join(f"{row}\n" for row in rows))
        self._stream.flush()
        self._drawn = len(rows)

    def _rows(self) -> list[str]:
        size = shutil.get_terminal_size()
        most = max(1, min(MOST, size.lines - 3))
        now = self._clock()
        spin = _SPINNER[self._turn % len(_SPINNER)]
        rows = [
            f"  {spin} {progress_text(event, since=now - seen)}"
            for event, seen in list(self._waiting.values())[:most]
        ]
        if len(self._waiting) > most:
            rows.append(f"    and {len(self._waiting) - most} more")
        return [self._masker.mask(row)[: size.columns - 1] for row in rows]
