"""The plan for programs: nothing until its end, then one JSON document on one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

import msgspec

from .events import Event, Notice, RunFinished, StepFinished
from .plan_document import Failure, PlanDocument
from .report import Masking
from .report_card import message_of

Documenting = Callable[[int, Sequence[Failure], Sequence[str]], PlanDocument]
"""Makes the document of the exit code, the failures and the notes."""


class PlanJsonReporter:
    """Collects what goes into the document, and writes it."""

    def __init__(self, stream: TextIO, masker: Masking, documenting: Documenting) -> None:
        self._stream = stream
        self._masker = masker
        self._documenting = documenting
        self._failures: list[Failure] = []
        self._notes: list[str] = []

    def tell(self, event: Event) -> None:
        mask = self._masker.mask
        if isinstance(event, Notice):
            self._notes.append(mask(event.message))
        elif isinstance(event, StepFinished) and event.outcome.failed and not event.rescued:
            text = mask(message_of(event.outcome))
            hint = mask(event.outcome.hint)
            self._failures.append(Failure(host=event.host, task=mask(event.task), message=text, hint=hint))
        elif isinstance(event, RunFinished):
            made = self._documenting(event.exit_code, self._failures, self._notes)
            self._stream.write(msgspec.json.encode(made).decode() + "\n")

    def tick(self) -> None:
        pass

    def close(self) -> None:
        self._stream.flush()
