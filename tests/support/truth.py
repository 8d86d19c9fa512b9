"""Whether a plan told the truth: its changes against those that a run recorded, one for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from runbook.journal import Record, StepDone
from runbook.model import Action, Change, Outcome
from runbook.plan_file import PlanFile
from runbook.plan_values import Keyer, differences, opened
from runbook.promise import PlannedChange, PlannedStep, change_differences

NO_KEY = Keyer(b"")


def lies(plan: PlanFile, records: Iterable[Record]) -> list[str]:
    """What the run did otherwise than the plan says, one line each; of a run that was not stopped."""
    done: Mapping[str, StepDone] = {record.step: record for record in records if isinstance(record, StepDone)}
    planned = {step.step: step for step in plan.steps}
    found: list[str] = []
    for step, record in done.items():
        found += [f"{record.task}: {lie}" for lie in _of_step(planned.get(step), record.outcome)]
    left = [step for step in plan.steps if step.step not in done]
    return found + [f"{step.task}: planned, and not done" for step in left if not _open(step)]


def _of_step(step: PlannedStep | None, outcome: Outcome) -> Iterator[str]:
    changes = list(_changing(outcome.changes))
    if step is None:
        yield from (
            f"not planned: {change.action.value} {change.resource or change.reason}" for change in changes
        )
        return
    if outcome.status == "failed" or _open(step):
        return
    left = [one for call in step.calls for one in _flat(call.change)]
    for change in changes:
        fits = [one for one in left if one.action is change.action and _same_thing(one, change)]
        if fits:
            left.remove(fits[0])
            yield from (
                f"{change.resource}: {each.path}: planned {each.planned!r}, done {each.now!r}"
                for each in change_differences(fits[0], change, NO_KEY)
            )
        elif not any(call.change.action is Action.UNDECIDED for call in step.calls):
            yield f"not planned: {change.action.value} {change.resource or change.reason}"
    yield from (
        f"planned, and not done: {one.action.value} {one.resource or one.reason}"
        for one in left
        if one.action is not Action.UNDECIDED
    )


def _open(step: PlannedStep) -> bool:
    return all(call.change.action is Action.UNDECIDED for call in step.calls)


def _changing(changes: Iterable[Change]) -> Iterator[Change]:
    return (change for change in changes if change.action.changes)


def _flat(change: PlannedChange) -> list[PlannedChange]:
    """As the journal tells it: the change itself, then what else it changes."""
    import msgspec

    also = [one for one in change.also if one.action.changes and one.resource is not None]
    alone = msgspec.structs.replace(change, also=())
    return [*([alone] if change.action.changes else []), *also]


def _same_thing(planned: PlannedChange, done: Change) -> bool:
    return not any(differences(planned.resource, opened(done.resource), NO_KEY))
