"""A plan for programs: one JSON document (docs/plan.md), with its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from . import __version__
from .diff import COUNTED
from .journal import RunHeader
from .model import Action
from .plan_book import Manner, PlanBook
from .promise import PlannedCall, PlannedChange, PlannedStep

FORMAT = 1


class ShownChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one resource, field by field."""

    action: Action
    resource: str | None
    """Its name, such as `memorydb:cluster/lab-cluster`; null: nothing that has a name."""
    reason: str
    item: str | None
    """Which item of a loop; null: no loop."""
    before: Any
    """What is there now; null: nothing."""
    after: Any
    """What would be there. `{"$unknown": ...}` is known after apply only, `{"$secret": ...}` is not shown."""
    warnings: tuple[str, ...]


class ShownStep(msgspec.Struct, frozen=True, kw_only=True):
    """A task on a host that would change something, or is not decided before the run."""

    step: str
    """Its identity, the same in each plan and run of the playbook."""
    host: str
    task: str
    module: str
    file: str
    line: int
    changes: tuple[ShownChange, ...]
    lasting: str | None
    """Why `runbook undo` can't take it back; null: it may."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many changes of each kind."""

    add: int = 0
    change: int = 0
    replace: int = 0
    remove: int = 0
    run: int = 0
    undecided: int = 0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A step that failed already while it was planned."""

    host: str
    task: str
    message: str
    hint: str


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `play` would do."""

    format: int = FORMAT
    made: datetime
    """UTC."""
    made_by: str
    """Version of runbook."""
    playbook: str
    target: str
    """Which world."""
    account: str
    region: str
    complete: bool
    """Nothing failed or stopped: these are all changes."""
    exit_code: int
    summary: Summary
    steps: tuple[ShownStep, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def document(
    book: PlanBook,
    header: RunHeader,
    manner: Manner,
    *,
    exit_code: int,
    failures: Sequence[Failure],
    notes: Sequence[str],
) -> PlanDocument:
    """What a dry run found."""
    steps = tuple(_shown_steps(book.steps(manner)))
    return PlanDocument(
        made=header.started,
        made_by=__version__,
        playbook=header.playbook,
        target=header.target,
        account=header.account,
        region=header.region,
        complete=exit_code == 0,
        exit_code=exit_code,
        summary=summary(steps),
        steps=steps,
        failures=tuple(failures),
        notes=tuple(notes),
    )


def summary(steps: Sequence[ShownStep]) -> Summary:
    """The counts of the closing line."""
    actions = [change.action for step in steps for change in step.changes]
    return Summary(**{name: actions.count(action) for action, name in COUNTED.items()})


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    made: dict[str, Any] = msgspec.json.schema(PlanDocument)
    return made


def _shown_steps(steps: Sequence[PlannedStep]) -> Iterator[ShownStep]:
    for step in steps:
        changes = tuple(change for call in step.calls if call.changed for change in _shown(call))
        if changes:
            yield ShownStep(
                step=step.step,
                host=step.host,
                task=step.task,
                module=step.module,
                file=step.file,
                line=step.line,
                changes=changes,
                lasting=next((call.lasting for call in step.calls if call.changed and call.lasting), None),
            )


def _shown(call: PlannedCall) -> Iterator[ShownChange]:
    also = (one for one in call.change.also if one.resource is not None)
    for change in (call.change, *also):
        if change.action.changes:
            yield _change(change, call.label if call.item else None)


def _change(change: PlannedChange, item: str | None) -> ShownChange:
    return ShownChange(
        action=change.action,
        resource=change.resource if isinstance(change.resource, str) else None,
        reason=change.reason,
        item=item,
        before=change.before,
        after=change.after,
        warnings=change.warnings,
    )
