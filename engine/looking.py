"""A dry run of which nobody is told: what it saw and planned, by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .events import Event, Notice
from .journal import Journal, NoJournal, Record, RunHeader, StepDone
from .model import Change, Outcome
from .plain import plain
from .promise import Call, Promise


@dataclass(slots=True)
class Ledger(NoJournal):
    """Keeps how steps ended."""

    ended: dict[str, StepDone] = field(default_factory=dict)

    def append(self, record: Record) -> None:
        if isinstance(record, StepDone):
            self.ended[record.step] = record


@dataclass(slots=True)
class Looking:
    """The part of a run's plan that only listens (`plan_run.PlanPart`)."""

    ledger: Ledger = field(default_factory=Ledger)
    header: RunHeader | None = None
    held: list[tuple[Call, Change]] = field(default_factory=list)
    """Every call with what it would change, in the order in which they were planned."""

    def journal(self) -> Journal:
        return self.ledger

    def begin(self, header: RunHeader) -> Promise | None:
        self.header = header
        return self

    def end(self, finished: Callable[[str], bool]) -> None:
        pass

    def hold(self, call: Call, change: Change) -> None:
        self.held.append((call, change))

    def ended(self, step: str, items: frozenset[str], *, skipped: str) -> None:
        pass

    def of(self, identity: str, host: str) -> Outcome | None:
        """How a generated task ended."""
        record = self.ledger.ended.get(f"{identity}@{host}")
        return record.outcome if record is not None else None


@dataclass(slots=True)
class Notes:
    """Hears a run in the operator's stead, and keeps what it says to him (`report.Reporter`)."""

    messages: list[str] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.messages.append(event.message)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one call saw when it was made again without effect."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    """What it would change now, by resource; also where that is nothing."""
    error: str = ""
    """Why it could not look."""

    def sees(self, resource: str) -> bool:
        return resource in self.changes

    def state(self, resource: str) -> Any:
        """What the resource is like; None: it is not there."""
        return plain(self.changes[resource].before)


def seen_by(outcome: Outcome | None) -> Seen:
    """What a task that compares saw."""
    if outcome is None:
        return Seen(error="it was not looked at")
    changes = {change.resource: change for change in outcome.changes if change.resource is not None}
    bad = outcome.failed or outcome.ignored
    error = str(outcome.result.get("msg", "it failed")) if bad else ""
    return Seen(changes=changes, error=error)
