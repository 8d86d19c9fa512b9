"""The engine's own context of a step, without a run around it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from runbook.context import Permits, Services, SharedReads, StepContext
from runbook.contract import Target
from runbook.effects import Effects, Place
from runbook.events import Event, Progress
from runbook.journal import NoJournal
from runbook.planned import PlannedWorld
from runbook.resume import History

FAST = Target(speed=1000.0)


def no_clients() -> Any:
    raise AssertionError("no client was expected")


@dataclass
class Bench:
    """A context, and what it told."""

    events: list[Event] = field(default_factory=list)
    cancel: threading.Event = field(default_factory=threading.Event)
    permits: Permits = field(default_factory=lambda: Permits(1))
    planned: PlannedWorld | None = None

    def context(self, **fields: Any) -> StepContext:
        services = Services(
            run="r1",
            clients=no_clients,
            effects=Effects(NoJournal(), History(), lambda _error: None),
            planned=self.planned,
            permits=self.permits,
            cancel=self.cancel,
            emit=self.events.append,
            ask=lambda prompt: f"answer to {prompt}",
        )
        made = StepContext(
            services=services,
            host="web",
            task="wait",
            target=FAST,
            connection="local",
            variables={},
            environment={},
            base=Path(),
            place=Place("r1", "step@web", "", "ask", lambda _seconds: None),
            reads=SharedReads(),
            files=cast(Any, None),
            started=time.monotonic(),
        )
        return replace(made, **fields)

    @property
    def phases(self) -> list[tuple[str, float | None]]:
        return [(e.phase, e.percent) for e in self.events if isinstance(e, Progress)]
