"""The report for programs: one JSON object a line for each event (docs/events.md)."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from .events import Event
from .journal_values import Packer
from .report import Masking

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class JsonReporter:
    """Writes events as they come. Values that JSON lacks look as in the journal: `{"$bytes": ...}`."""

    def __init__(self, stream: TextIO, masker: Masking) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # what JSON is written in, whatever the machine's habit
        self._stream = stream
        self._packer = Packer(masker.mask, planned=True)

    def tell(self, event: Event) -> None:
        fields: dict[str, Any] = self._packer.pack(event)
        line = {"event": _name(event), "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}
        self._stream.write(msgspec.json.encode(line).decode() + "\n")
        self._stream.flush()

    def tick(self) -> None:
        pass

    def close(self) -> None:
        self._stream.flush()


def _name(event: Event) -> str:
    """`StepFinished` -> `step_finished`."""
    return _WORD.sub("_", type(event).__name__).lower()
