"""What a journal says about a run that goes on: a fold of its records, and the choice of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from .begun import Changes, joined, reopened
from .journal import (
    JOB,
    EffectDone,
    EffectIntent,
    ItemDone,
    Record,
    RunEnded,
    RunHeader,
    RunSummary,
    StepDone,
)
from .model import Outcome

_NO_ITEMS: Mapping[tuple[str, int], Outcome] = MappingProxyType({})


class History:
    """What is known of a run so far. Later records of a step, item or effect replace earlier ones."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.headers: list[RunHeader] = []
        """One for the beginning and one for each time it went on."""
        self.ended: RunEnded | None = None
        self._steps: dict[str, StepDone] = {}
        self._items: dict[str, dict[tuple[str, int], Outcome]] = {}
        self._effects: dict[str, dict[str, EffectDone | EffectIntent]] = {}
        self._acted: dict[str, set[str]] = {}
        """Effects that happened, whatever came after them."""
        self._planned: dict[str, dict[str, Changes]] = {}
        self._anew: dict[str, str] = {}
        self._edited: dict[str, set[str]] = {}
        """Effects of steps as they were before they were edited."""
        for record in records:
            self.learn(record)

    def learn(self, record: Record) -> None:
        """A record that was written, before the run went on or since."""
        match record:
            case StepDone():
                self._fold_end(record)
            case ItemDone():
                self._items.setdefault(record.step, {})[record.item, record.same] = record.outcome
            case EffectIntent() | EffectDone():
                self._effects.setdefault(record.step, {})[record.key] = record
                self._fold_effect(record)
            case RunHeader():
                self.headers.append(record)
                self.ended = None
            case RunEnded():
                self.ended = record

    def _fold_effect(self, record: EffectIntent | EffectDone) -> None:
        plans = self._planned.setdefault(record.step, {})
        acted = self._acted.setdefault(record.step, set())
        if isinstance(record, EffectDone):
            if record.error is None:
                acted.add(record.key)
            elif record.key not in acted:
                plans.pop(record.key, None)
        elif record.planned:
            plans[record.key] = joined(plans.get(record.key, ()), record.planned)

    def _fold_end(self, record: StepDone) -> None:
        if record.anew:
            self._begin_anew(record)
            return
        self._steps[record.step] = record
        if self._anew:
            self._anew.pop(record.step, None)
        if record.outcome.failed and not record.rescued:
            self._reopen(record.step, "the step failed after it")

    def _begin_anew(self, record: StepDone) -> None:
        """What the step did, it did as it was written then."""
        step = record.step
        self._anew[step] = record.anew
        self._reopen(step, "the step was edited after it")
        self._edited.setdefault(step, set()).update(self._acted.pop(step, ()))
        for known in (self._steps, self._items, self._planned):
            known.pop(step, None)

    def _reopen(self, step: str, why: str) -> None:
        """A step that failed is run again as a whole: what it did before answers no longer, but keeps its place,
        so that the next try has another token."""
        effects = self._effects.get(step, {})
        for key, known in effects.items():
            if isinstance(known, EffectDone) and known.error is None:
                effects[key] = EffectDone(step=step, key=key, attempt=known.attempt, error=why)
        plans = self._planned.get(step, {})
        plans.update({key: reopened(planned) for key, planned in plans.items()})

    def __len__(self) -> int:
        """Steps with a recorded end."""
        return len(self._steps)

    def ends(self) -> Iterable[StepDone]:
        """The last end of each step that has one."""
        return self._steps.values()

    def anew(self, step: str) -> str:
        """Why a step that was done is to be done again; empty: it is not, or that is done too."""
        return self._anew.get(step, "")

    def recorded(self, step: str) -> StepDone | None:
        """The last record of a step's end, good or bad, with the digests of what it was made from."""
        return self._steps.get(step)

    def finished(self, step: str) -> Outcome | None:
        """How a step ended that is not to be run again: it did not fail, or its failure was ignored or rescued."""
        record = self._steps.get(step)
        if record is None or (record.outcome.failed and not record.rescued):
            return None
        return record.outcome

    def items(self, step: str) -> Mapping[tuple[str, int], Outcome]:
        """The finished loop items of a step, by their text and how many equal ones stand before them."""
        items = self._items.get(step)
        if not items:
            return _NO_ITEMS
        return {item: outcome for item, outcome in items.items() if not outcome.failed}

    def background(self, step: str) -> Mapping[str, Outcome]:
        """How tasks ended that a step had started in the background, by their names."""
        ended = self._items.get(step, {})
        return {
            item.removeprefix(JOB): outcome for (item, _), outcome in ended.items() if item.startswith(JOB)
        }

    def effect(self, step: str, key: str) -> EffectDone | EffectIntent | None:
        """The last that is known of an effect; an EffectIntent is in doubt: nobody wrote what came of it."""
        return self._effects.get(step, {}).get(key)

    def ever_acted(self, step: str, scope: str) -> bool:
        """Whether an effect of the step ever happened, before it was edited too, or was begun and nobody knows."""
        return self.acted(step, scope) or any(key.startswith(scope) for key in self._edited.get(step, ()))

    def began(self, step: str, scope: str = "") -> dict[str, bool]:
        """Effects that the step began since it was begun as a whole: whether their answers are recorded. `scope`:
        of a loop item, with which the keys of its effects begin."""
        effects = self._effects.get(step, {}).items()
        return {
            key.removeprefix(scope): isinstance(known, EffectDone)
            for key, known in effects
            if key.startswith(scope) and (isinstance(known, EffectIntent) or known.error is None)
        }

    def acted(self, step: str, scope: str = "") -> bool:
        """Whether an effect of the step happened in this run, or was begun and nobody knows."""
        acted = self._acted.get(step, ())
        return any(key.startswith(scope) for key in acted) or False in self.began(step, scope).values()

    def planned(self, step: str, scope: str = "") -> Changes:
        """What the step was about to change when it began its first effect of those that happened or may have."""
        plans = self._planned.get(step, {}).items()
        return next((planned for key, planned in plans if key.startswith(scope)), ())

    def in_doubt(self) -> tuple[EffectIntent, ...]:
        """All intents without an outcome, in the order in which they were written. A step that came to a good end
        leaves none: the world was as wanted."""
        return tuple(
            known
            for step, effects in self._effects.items()
            for known in effects.values()
            if isinstance(known, EffectIntent) and self.finished(step) is None
        )


def pick(runs: Sequence[RunSummary], header: RunHeader) -> RunSummary | None:
    """The run that `play` goes on with: the last one that was started the same way, if it is not finished.

    The same way: playbook, inventory, `-e`, limit, tags, first task, target, account and Region. What the files
    hold may have changed; edited tasks are planned anew. An older unfinished run is not taken once a later one was
    started. With a plan, only a run that was held to it goes on; without one, any does.
    """
    wanted = _manner(header)
    for summary in reversed(runs):
        if _manner(summary.header) == wanted and not elsewhere(summary.header, header):
            held = header.plan in ("", summary.header.plan)
            open_ = not summary.finished and taken_back(runs, summary.run) is None
            return summary if held and open_ else None
    return None


def passed_over(runs: Sequence[RunSummary], header: RunHeader) -> RunSummary | None:
    """The last run of the same playbook, when it is unfinished and acted in another world: nothing that it did
    counts in this one."""
    last = next((run for run in reversed(runs) if run.header.playbook == header.playbook), None)
    return last if last is not None and not last.finished and elsewhere(last.header, header) else None


def elsewhere(then: RunHeader, now: RunHeader) -> bool:
    """Whether a run acted in a world that is not among those where it would act now: another account or Region, a
    sandbox made anew. There everything that it did would look provably absent. An edit may add worlds."""

    def parts(header: RunHeader) -> list[set[str]]:
        return [set(filter(None, text.split(","))) for text in (header.account, header.region, header.target)]

    return any(not was <= is_ for was, is_ in zip(parts(then), parts(now), strict=True))


def taken_back(runs: Sequence[RunSummary], run: str) -> RunSummary | None:
    """The run that took this one back, or began to, and was not taken back itself."""
    undoing = (summary for summary in runs if summary.header.undoes == run)
    return next((one for one in undoing if taken_back(runs, one.run) is None), None)


def _manner(header: RunHeader) -> tuple[object, ...]:
    return (
        header.playbook,
        header.inventory,
        header.extra_vars_digest,
        header.limit,
        sorted(header.tags),
        sorted(header.skip_tags),
        header.start_at,
        header.undoes,
    )
