"""What a run did to the world, as its journal tells it: one act for each call of a module that changed something.

A step that ended badly, or was killed, did something all the same: its first effect stands in the journal with all
that it was about to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .called import Called
from .errors import UsageError
from .journal import EffectDone, EffectIntent, ItemDone, Record, StepDone
from .loops import scope_of
from .model import Action, Change
from .resume import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One call that changed something, or began to."""

    step: str
    host: str
    task: str
    module: str
    changes: tuple[Change, ...]
    called: Called | None = None
    """None: the journal does not tell."""
    finished: bool = True
    """The step came to a good end."""
    adopted: bool = False
    """What it would have made was there already, made by someone else."""

    @property
    def scope(self) -> str:
        return self.called.scope if self.called is not None else ""


def acts_of(records: Iterable[Record]) -> tuple[Act, ...]:
    """All that a run did, in the order in which it was begun; what is in doubt counts as done."""
    records = list(records)
    history = History(records)
    begun = list(_begun(records, history))
    known = {act.step for act in begun}
    return (*begun, *(act for act in _told(records, history) if act.step not in known))


def _begun(records: Sequence[Record], history: History) -> Iterator[Act]:
    """By the first effect of each call."""
    results = _results(records)
    for (step, scope), intents in _intents(records).items():
        if not history.ever_acted(step, scope):
            continue
        first, called = intents[0], intents[-1].called
        ended = history.recorded(step)
        result = results.get((step, scope.partition("/")[0])) or {}
        changes = _whole([intent.planned for intent in intents])
        if _says_no(result, changes):
            continue
        yield Act(
            step=step,
            host=first.host,
            task=first.task,
            module=called.module if called is not None else ended.module if ended is not None else "",
            changes=changes,
            called=called,
            finished=history.finished(step) is not None,
            adopted=result.get("adopted") is True,
        )


def _intents(records: Iterable[Record]) -> dict[tuple[str, str], list[EffectIntent]]:
    """By step and scope, the intents that tell what the call was about to change; more than one where it was begun
    again. Those of which it is proven that nothing happened are left out."""
    found: dict[tuple[str, str], list[EffectIntent]] = {}
    open_: dict[tuple[str, str], tuple[list[EffectIntent], EffectIntent]] = {}
    happened: set[tuple[str, str]] = set()
    for record in records:
        if isinstance(record, EffectIntent) and record.planned:
            called = record.called
            scope = called.scope if called is not None else record.key.rpartition("/")[0]
            place = found.setdefault((record.step, scope), [])
            place.append(record)
            open_[record.step, record.key] = place, record
        elif isinstance(record, EffectDone):
            key = (record.step, record.key)
            if record.error is None:
                happened.add(key)
            elif key not in happened and key in open_:
                place, intent = open_.pop(key)
                place.remove(intent)
    return {place: intents for place, intents in found.items() if intents}


def _whole(tries: Sequence[tuple[Change, ...]]) -> tuple[Change, ...]:
    """What several tries of one call come to: from before the first to after the last."""
    made: dict[str | None, Change] = {}
    for changes in tries:
        for change in changes:
            known = made.get(change.resource)
            made[change.resource] = change if known is None else replace(change, before=known.before)
    return tuple(made.values())


def _told(records: Iterable[Record], history: History) -> Iterator[Act]:
    """By what steps told that changed something without any recorded effect."""
    for record in records:
        if not isinstance(record, StepDone) or history.recorded(record.step) is not record:
            continue
        changes = tuple(change for change in record.outcome.changes if change.action.changes)
        if changes and not _says_no(record.outcome.result, changes):
            yield Act(
                step=record.step, host=record.host, task=record.task, module=record.module, changes=changes
            )


def _says_no(result: Mapping[str, Any], changes: Iterable[Change]) -> bool:
    """A command of which the task says that it changes nothing."""
    return result.get("changed") is False and all(change.action is Action.RUN for change in changes)


def _results(records: Iterable[Record]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What was registered, of steps and of items of loops."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for record in records:
        if isinstance(record, ItemDone):
            found[record.step, scope_of((record.item, record.same))] = record.outcome.result
        elif isinstance(record, StepDone):
            found[record.step, ""] = record.outcome.result
    return found


def refuse_doubts(records: Iterable[Record]) -> None:
    """Raises UsageError when it is in doubt whether something happened."""
    history = History(records)
    doubts = history.in_doubt()
    if doubts:
        names = ", ".join(dict.fromkeys(f"'{one.task or one.key}'" for one in doubts))
        run = history.headers[0].run if history.headers else ""
        raise UsageError(
            f"It is in doubt what {names} of run {run} did: it was stopped there",
            hint=f"`runbook resume {run}` settles that; then it can be taken back.",
        )
