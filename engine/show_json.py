"""`runbook show --output json`: one run as a document for programs (docs/runs.md), whose schema is these types.

It is written step by step, each on a line of its own: a run may have a hundred thousand of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from .ending import Left, Stop
from .journal import EffectIntent, ItemDone, RunSummary
from .journal_lock import Holder
from .journal_steps import EffectState, JournalSteps, ToldEffect, ToldStep
from .journal_values import Packer
from .model import Action, Change, Outcome
from .runs_list import RunLine, Status, line, status_of

StepStatus: TypeAlias = Literal["ok", "changed", "skipped", "failed", "unreachable", "begun"]
"""`begun`: it has no end."""

_packer = Packer(None, planned=True)  # the journal holds no secret
_encoder = msgspec.json.Encoder()


class ShownTime(msgspec.Struct, frozen=True, kw_only=True):
    """One of the times that the run was at work."""

    started: datetime
    ended: datetime | None
    status: Status
    exit_code: int | None
    seconds: float | None
    done: int | None
    """Steps that ended well until then."""
    changed: int | None
    stops: tuple[Stop, ...]
    """Why it ended early, when no task failed."""
    left: Left | None
    """What it had not begun."""


class ShownRun(RunLine, frozen=True, kw_only=True):
    """The run as a whole."""

    tags: tuple[str, ...]
    skip_tags: tuple[str, ...]
    start_at: str
    folder: str
    command: tuple[str, ...]
    """Words that start the same run, secrets left out."""
    times: tuple[ShownTime, ...]


class ShownChange(msgspec.Struct, frozen=True, kw_only=True):
    """As in the plan."""

    action: Action
    resource: str | None
    before: Any
    after: Any
    reason: str
    warnings: tuple[str, ...]
    compared: bool


class ShownEffect(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a call that changes the world."""

    key: str
    token: str
    attempt: int
    state: EffectState
    asks: bool
    """Nothing but the operator can tell whether it happened."""
    started: datetime
    ended: datetime | None
    before: Any
    result: Any
    error: str | None


class ShownItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a loop."""

    label: str
    item: str
    """A digest of it."""
    status: StepStatus
    seconds: float
    result: Any
    changes: tuple[ShownChange, ...]
    hint: str


class ShownStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step that came to its end, or was begun only."""

    number: int | None
    """What `runbook show RUN STEP` takes; null: it has no end."""
    time: int
    """In which of the run's times, from 1."""
    step: str
    """Its identity: the same one stands again when it failed and was done again."""
    host: str
    task: str
    module: str
    file: str
    line: int | None
    status: StepStatus
    ignored: bool
    """It failed, and the run went on all the same."""
    rescued: bool
    """It failed, and a rescue section took over."""
    background: str
    """The job whose end this is; empty: it is a step of its own."""
    ended: datetime | None
    seconds: float | None
    register: str | None
    result: Any
    """What `register` got."""
    facts: Any
    """Variables that it set."""
    notified: tuple[str, ...]
    changes: tuple[ShownChange, ...]
    effects: tuple[ShownEffect, ...]
    items: tuple[ShownItem, ...]
    hint: str
    """What to do about a failure."""


class ShownDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """An effect of which nobody wrote what came of it."""

    host: str
    task: str
    step: str
    key: str
    token: str
    attempt: int
    asks: bool
    started: datetime


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    run: ShownRun
    steps: tuple[ShownStep, ...]
    in_doubt: tuple[ShownDoubt, ...]


def schema() -> dict[str, Any]:
    """JSON Schema of what `document` writes."""
    return msgspec.json.schema(Document)


def document(
    summary: RunSummary,
    writer: Holder | None,
    again: Sequence[str],
    steps: JournalSteps,
    wanted: Callable[[ToldStep], bool],
) -> Iterator[str]:
    """The document in pieces: of the steps those that are wanted, those without an end last."""
    yield f'{{"run": {_text(_run(summary, writer, again))},\n"steps": ['
    comma = ""
    for told in steps.all():
        if wanted(told):
            yield f"{comma}\n{_text(_step(told))}"
            comma = ","
    doubts = [_doubt(step, intent) for step, intent in steps.in_doubt()]
    yield f'\n],\n"in_doubt": {_text(doubts)}}}\n'


def _text(value: object) -> str:
    return _encoder.encode(value).decode()


def _run(summary: RunSummary, writer: Holder | None, again: Sequence[str]) -> ShownRun:
    header = summary.header
    return ShownRun(
        **msgspec.structs.asdict(line(summary, writer, again)),
        tags=header.tags,
        skip_tags=header.skip_tags,
        start_at=header.start_at,
        folder=header.folder,
        command=header.argv,
        times=tuple(
            ShownTime(
                started=time.header.started,
                ended=time.ended.ended if time.ended else None,
                status=status_of(summary, time, writer),
                exit_code=time.ended.exit_code if time.ended else None,
                seconds=time.ended.seconds if time.ended else None,
                done=time.ended.done if time.ended else None,
                changed=time.ended.changed if time.ended else None,
                stops=time.ended.stops if time.ended else (),
                left=time.ended.left if time.ended else None,
            )
            for time in summary.times
        ),
    )


def _step(told: ToldStep) -> ShownStep:
    record = told.record
    outcome = told.outcome
    return ShownStep(
        number=told.number or None,
        time=told.time,
        step=told.step,
        host=told.host,
        task=told.task,
        module=record.module if record else "",
        file=record.file if record else "",
        line=record.line if record else None,
        status=outcome.status.value if outcome else "begun",
        ignored=bool(outcome and outcome.ignored),
        rescued=bool(record and record.rescued and record.outcome.failed),
        background=told.job,
        ended=told.at if outcome else None,
        seconds=outcome.seconds if outcome else None,
        register=record.register if record else None,
        result=_packer.pack(outcome.result) if outcome else None,
        facts=_packer.pack(outcome.facts) if outcome else {},
        notified=outcome.notified if outcome else (),
        changes=_changes(outcome),
        effects=tuple(map(_effect, told.effects)),
        items=() if told.job else tuple(map(_item, told.items)),
        hint=outcome.hint if outcome else "",
    )


def _changes(outcome: Outcome | None) -> tuple[ShownChange, ...]:
    return tuple(map(_change, outcome.changes)) if outcome else ()


def _change(change: Change) -> ShownChange:
    return ShownChange(
        action=change.action,
        resource=change.resource,
        before=_packer.pack(change.before),
        after=_packer.pack(change.after),
        reason=change.reason,
        warnings=change.warnings,
        compared=change.compared,
    )


def _effect(told: ToldEffect) -> ShownEffect:
    intent = told.intent
    return ShownEffect(
        key=intent.key,
        token=intent.token,
        attempt=intent.attempt,
        state=told.state,
        asks=intent.asks,
        started=intent.started,
        ended=told.ended,
        before=_packer.pack(intent.before),
        result=_packer.pack(told.done.result) if told.done else None,
        error=told.done.error if told.done else None,
    )


def _item(item: ItemDone) -> ShownItem:
    outcome = item.outcome
    return ShownItem(
        label=item.label,
        item=item.item,
        status=outcome.status.value,
        seconds=outcome.seconds,
        result=_packer.pack(outcome.result),
        changes=_changes(outcome),
        hint=outcome.hint,
    )


def _doubt(step: ToldStep, intent: EffectIntent) -> ShownDoubt:
    return ShownDoubt(
        host=intent.host or step.host,
        task=intent.task or step.task,
        step=step.step,
        key=intent.key,
        token=intent.token,
        attempt=intent.attempt,
        asks=intent.asks,
        started=intent.started,
    )
