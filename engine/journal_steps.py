"""A run's records as a reader wants them: step by step, each with the effects and items that belong to it.

They stream: a run of a hundred thousand steps takes no more room than its largest step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from .journal import JOB, EffectDone, EffectIntent, ItemDone, RunHeader, StepDone
from .journal_reader import Entry
from .model import Outcome, Status

META = "meta"
"""The module whose steps are words to the engine: they are not counted."""

EffectState: TypeAlias = Literal["done", "refused", "absent", "settled", "in_doubt", "begun"]
"""What is known of an effect: it happened; it was refused, so nothing happened; it was looked for and was not
there, so it was tried again; what came of it was not written, and the step came to its end all the same; nobody
knows; it is being done now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEffect:
    """One try of one effect."""

    intent: EffectIntent
    done: EffectDone | None
    ended: datetime | None
    state: EffectState


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStep:
    """A step that came to its end, or at last one that was begun only (`record` is None)."""

    number: int
    """From 1, in the order in which they ended; 0: it has no end."""
    time: int
    """Which time of the run, from 1."""
    at: datetime
    """When its last record was written, UTC."""
    step: str
    record: StepDone | None
    items: tuple[ItemDone, ...] = ()
    effects: tuple[ToldEffect, ...] = ()
    job: str = ""
    """Its name, when this is the end of a task in the background; the outcome is that of its one item."""

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None: it did not."""
        if self.record is not None:
            return self.record.outcome
        return self.items[0].outcome if self.job else None

    @property
    def failed(self) -> bool:
        """It is what the run failed with: nobody forgave it."""
        record = self.record
        return record is not None and record.outcome.failed and not record.rescued

    @property
    def host(self) -> str:
        return self.record.host if self.record else self.step.partition("@")[2]

    @property
    def task(self) -> str:
        if self.record:
            return self.record.task
        named = [item.label for item in self.items if self.job]
        return next(iter(named + [told.intent.task for told in self.effects if told.intent.task]), "")

    @property
    def doubts(self) -> tuple[EffectIntent, ...]:
        return tuple(told.intent for told in self.effects if told.state == "in_doubt")


@dataclass(slots=True)
class _Tried:
    intent: EffectIntent
    done: EffectDone | None = None
    ended: datetime | None = None


@dataclass(slots=True)
class _Begun:
    """What was written of a step since its last end."""

    at: datetime
    items: list[ItemDone] = field(default_factory=list)
    effects: list[_Tried] = field(default_factory=list)

    def told(self, otherwise: EffectState) -> tuple[ToldEffect, ...]:
        """`otherwise`: what an effect is of which nobody wrote what came of it."""
        latest = {tried.intent.key: tried.intent.attempt for tried in self.effects}
        return tuple(
            ToldEffect(
                intent=tried.intent,
                done=tried.done,
                ended=tried.ended,
                state=_state(tried, otherwise, again=tried.intent.attempt < latest[tried.intent.key]),
            )
            for tried in self.effects
        )


class JournalSteps:
    """The steps of one run, to be iterated once; after that, `left` and `in_doubt` answer."""

    def __init__(self, entries: Iterable[Entry], *, running: bool = False) -> None:
        """`running`: what has no end is being done now."""
        self._entries = entries
        self._open_state: EffectState = "begun" if running else "in_doubt"
        self._doubtful: dict[str, ToldStep] = {}
        self.failures: dict[str, ToldStep] = {}
        """The last failure of each host, unless the step was done again."""
        self.done = 0
        """Steps that ended well."""
        self.changed = 0
        self._begun: dict[str, _Begun] = {}
        self._time = 0
        self._number = 0

    def __iter__(self) -> Iterator[ToldStep]:
        for entry in self._entries:
            record = entry.record
            match record:
                case RunHeader():
                    self._time += 1
                case StepDone():
                    yield self._ended(entry.at, record)
                case ItemDone() if record.item.startswith(JOB):
                    yield self._job_ended(entry.at, record)
                case ItemDone():
                    self._open(record.step, entry.at).items.append(record)
                case EffectIntent():
                    self._open(record.step, entry.at).effects.append(_Tried(record))
                case EffectDone():
                    self._settle(entry.at, record)

    def all(self) -> Iterator[ToldStep]:
        """Those that ended, then those that did not."""
        yield from self
        yield from self.left()

    def in_doubt(self) -> list[tuple[ToldStep, EffectIntent]]:
        """Effects of which nobody knows whether they happened, each with its step."""
        steps = [*self._doubtful.values(), *self.left()]
        return [(step, intent) for step in steps for intent in step.doubts]

    def left(self) -> list[ToldStep]:
        """Steps that were begun and have no end, in the order in which they began."""
        return [
            ToldStep(
                number=0,
                time=self._time,
                at=begun.at,
                step=step,
                record=None,
                items=tuple(begun.items),
                effects=begun.told(self._open_state),
            )
            for step, begun in self._begun.items()
        ]

    def _open(self, step: str, at: datetime) -> _Begun:
        begun = self._begun.setdefault(step, _Begun(at))
        begun.at = at
        return begun

    def _settle(self, at: datetime, done: EffectDone) -> None:
        for tried in reversed(self._open(done.step, at).effects):
            if tried.intent.key == done.key and tried.intent.attempt == done.attempt:
                tried.done, tried.ended = done, at
                return

    def _ended(self, at: datetime, record: StepDone) -> ToldStep:
        begun = self._begun.pop(record.step, None) or _Begun(at)
        failed = record.outcome.failed and not record.rescued
        told = self._told(at, record, begun, "in_doubt" if failed else "settled")
        self._doubtful.pop(record.step, None)
        if record.host in self.failures and self.failures[record.host].step == record.step:
            del self.failures[record.host]
        if failed:
            self.failures[record.host] = told
        elif record.host and record.module != META and not record.outcome.failed and not record.anew:
            self.done += 1
            self.changed += record.outcome.status is Status.CHANGED
        if told.doubts:
            self._doubtful[record.step] = told
        return told

    def _job_ended(self, at: datetime, item: ItemDone) -> ToldStep:
        begun = self._begun.pop(item.step, None) or _Begun(at)
        name = item.item.removeprefix(JOB)
        self._number += 1
        return ToldStep(
            number=self._number,
            time=self._time,
            at=at,
            step=item.step,
            record=None,
            items=(item,),
            effects=begun.told("settled"),
            job=name,
        )

    def _told(self, at: datetime, record: StepDone, begun: _Begun, otherwise: EffectState) -> ToldStep:
        self._number += 1
        return ToldStep(
            number=self._number,
            time=self._time,
            at=at,
            step=record.step,
            record=record,
            items=tuple(begun.items),
            effects=begun.told(otherwise),
        )


def _state(tried: _Tried, otherwise: EffectState, *, again: bool) -> EffectState:
    if tried.done is not None:
        return "done" if tried.done.error is None else "refused"
    return "absent" if again else otherwise
