"""What a state file says of the one run in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.journal import ItemDone, Record, StepDone
from runbook.journal_reader import SqliteReader
from runbook.resume import History

_CLOCKS = re.compile(r"\b0:00:\d\d\.\d+|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+00:00|Z)?")
_TIMES = ("start", "end", "delta", "seconds")


@dataclass(frozen=True)
class Told:
    """A run so far."""

    finished: bool
    """It has written down that it is done."""
    steps: Mapping[str, StepDone]
    """How its steps ended, by their identity; a failure that was neither rescued nor ignored is none."""

    repeated: tuple[str, ...]
    """Tasks of which a step or loop item came to a good end more than once."""

    def results(self) -> dict[str, Any]:
        """What later steps see of each step: how it ended, what it registered and set, whom it notified."""
        return {
            f"{step.task} {identity}": [
                step.outcome.status.value,
                step.outcome.result,
                step.outcome.facts,
                step.outcome.notified,
            ]
            for identity, step in self.steps.items()
        }


def read(state: Path) -> Told:
    """The run in the file; nothing, where the process died before there was one."""
    with SqliteReader(state) as reader:
        runs = list(reader.runs())
        if not runs:
            return Told(finished=False, steps={}, repeated=())
        (run,) = runs
        records = list(reader.records(run.run))
    history = History(records)
    ended = (record for record in records if isinstance(record, StepDone))
    steps = {one.step: one for one in ended if history.finished(one.step) is not None}
    return Told(run.finished, steps, tuple(_repeated(records)))


def _repeated(records: Sequence[Record]) -> Iterator[str]:
    seen: set[tuple[str, ...]] = set()
    for record in records:
        if not isinstance(record, StepDone | ItemDone) or (record.outcome.failed and not _stands(record)):
            continue
        one = (record.step, *((record.item, str(record.same)) if isinstance(record, ItemDone) else ()))
        if one in seen:
            yield " ".join(one)
        seen.add(one)


def _stands(record: StepDone | ItemDone) -> bool:
    return isinstance(record, StepDone) and record.rescued


def without_clocks(value: Any) -> Any:
    """Plain data without what differs between any two runs: times, and how long something took."""
    if isinstance(value, Mapping):
        return {name: without_clocks(item) for name, item in value.items() if name not in _TIMES}
    if isinstance(value, list | tuple):
        return [without_clocks(item) for item in value]
    return _CLOCKS.sub("TIME", value) if isinstance(value, str) else value


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two plain values differ, a line each."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted({*one, *other}):
            yield from differences(one.get(name), other.get(name), f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{path}/{number}")
    elif one != other:
        yield f"{path}: {one!r} undisturbed, {other!r} after the crash"
