"""`runbook show`: one run, or one step of it, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import diff, report_card
from .errors import Position
from .events import ItemFinished, StepFinished
from .journal import RunSummary
from .journal_lock import Holder
from .journal_steps import META, JournalSteps, ToldEffect, ToldStep
from .model import Status
from .open_intents import doubt_of
from .prose import block, duration, moment, visible
from .report_card import Failure
from .report_end import ended, how_to_go_on, state_of_affairs
from .report_steps import StepText, indented
from .runs_list import status_of
from .style import Role, Style

SHORT = 0.1
"""Seconds: what took less took no time."""

_STATES: dict[str, tuple[str, Role]] = {
    "done": ("done", "ok"),
    "refused": ("refused, so nothing happened", "failed"),
    "absent": ("it was looked for and was not there, so it was tried again", "skipped"),
    "settled": ("what it answered was not recorded; the step went on from what was there", "note"),
    "in_doubt": ("in doubt: begun, and nobody wrote what came of it", "failed"),
    "begun": ("being done", "note"),
}


def head(summary: RunSummary, writer: Holder | None, style: Style) -> list[str]:
    """What is told of the run as a whole."""
    header = summary.header
    lines = [style(f"Run {summary.run} of {visible(header.playbook)}", "heading")]
    for number, time in enumerate(summary.times):
        status = status_of(summary, time, writer)
        word = "went on" if number else "began"
        ended = time.ended
        after = f" after {duration(ended.seconds)} (exit code {ended.exit_code})" if ended else ""
        lines.append(f"    {word:9} {moment(time.header.started)}: {style(status, _role(status))}{after}")
    where = " ".join(filter(None, (header.target, header.account, header.region)))
    more = {
        "on": where,
        "inventory": " ".join(header.inventory),
        "limit": header.limit,
        "tags": ",".join(header.tags) if header.tags != ("all",) else "",
        "not": ",".join(header.skip_tags),
        "folder": header.folder,
    }
    return lines + [f"    {name:9} {visible(value)}".rstrip() for name, value in more.items() if value]


def _role(status: str) -> Role:
    return {"done": "ok", "running": "note"}.get(status, "failed")  # type: ignore[return-value] # Role's words


@dataclass(frozen=True, slots=True, kw_only=True)
class RunText:
    """Tells steps in one manner."""

    style: Style
    verbosity: int = 0
    with_diff: bool = False

    def listed(self, steps: JournalSteps) -> Iterator[str]:
        """All steps, in the order in which they ended."""
        time = 1
        for told in steps.all():
            if told.time != time:
                time = told.time
                yield self.style("       the run went on here", "quiet")
            if self.verbosity or not _untold(told):
                yield from self._short(told)

    def closing(self, summary: RunSummary, steps: JournalSteps, resume: str) -> Iterator[str]:
        """The same cards and last lines as the run itself had. `steps` were iterated before."""
        style, last = self.style, summary.ended
        failures = [failure_of(told) for told in steps.failures.values() if told.time == len(summary.times)]
        stops = last.stops if last else ()
        doubts = [doubt_of(intent) for _, intent in steps.in_doubt()]
        yield from report_card.failed(failures, style)
        yield from report_card.stopped(stops, style)
        yield from report_card.in_doubt(doubts, stops, style)
        yield ""
        if last is None:
            yield style(f"Killed: last heard of {moment(summary.last_written)}.", "failed")
            yield from state_of_affairs(steps.done, steps.changed, doubts, None)
            yield "What was not started can't be told."
        else:
            yield ended(last.exit_code, last.seconds, style)
            yield from state_of_affairs(
                last.done or steps.done, last.changed or steps.changed, doubts, last.left
            )
        yield from how_to_go_on(resume, doubts, style)

    def _short(self, told: ToldStep) -> Iterator[str]:
        number = str(told.number or "-").rjust(5)
        text = StepText(style=self.style, verbosity=self.verbosity, with_diff=self.with_diff)
        first, *rest = self._lines(told, text)
        yield f"{number}  {first}"
        unsettled = [each for each in told.effects if each.state not in ("done", "settled")]
        for line in [*rest, *indented([line for each in unsettled for line in self._tried(each)])]:
            yield f"       {line}".rstrip()

    def _lines(self, told: ToldStep, text: StepText) -> list[str]:
        where = f"[{visible(told.host)}] {visible(told.task)}" if told.host else visible(told.task)
        outcome = told.outcome
        if outcome is None:
            return [self.style("begun", "note") + f": {where}"]
        record = told.record
        lines = text.lines(where, outcome, debug=record is not None and record.module == "debug")
        if outcome.ignored:
            lines.append(self.style("...ignoring", "skipped"))
        if record is not None and record.rescued and outcome.failed:
            lines.append(self.style("...rescued", "skipped"))
        return lines

    def detail(self, told: ToldStep) -> Iterator[str]:
        """All that is known of one step."""
        style, record, outcome = self.style, told.record, told.outcome
        yield ""
        number = f"Step {told.number}" if told.number else "Begun"
        name = f"[{visible(told.host)}] {visible(told.task)}"
        yield style(f"{number} {name}", "heading")
        yield from indented(self._facts(told))
        if outcome is None:
            yield from self._effects(told)
            return
        text = StepText(style=style, with_diff=True)
        yield from indented(text.lines(f"[{visible(told.host)}]", outcome))
        yield from self._effects(told)
        if told.items and not told.job:
            yield from indented(self._items(told, text))
        if outcome.result:
            yield from indented([style("result", "heading"), *block(dict(outcome.result), "    ")])
        if outcome.facts:
            yield from indented([style("variables it set", "heading"), *block(dict(outcome.facts), "    ")])
        if record is not None and outcome.notified:
            yield from indented([f"notified  {visible(', '.join(outcome.notified))}"])

    def _facts(self, told: ToldStep) -> list[str]:
        record, outcome = told.record, told.outcome
        lines = []
        if record is not None:
            lines.append(f"{visible(record.module)}, {visible(record.file)}:{record.line}")
        if outcome is None:
            lines.append(f"begun, last heard of {moment(told.at)}")
        else:
            took = f" after {duration(outcome.seconds)}" if outcome.seconds >= SHORT else ""
            lines.append(f"ended {moment(told.at)}{took}")
        if record is not None and record.register:
            lines.append(f"registered as {visible(record.register)}")
        return lines

    def _items(self, told: ToldStep, text: StepText) -> list[str]:
        lines = [self.style("items", "heading")]
        for item in told.items:
            lines += indented(text.lines(f"(item={visible(item.label)})", item.outcome, item=True))
        return lines

    def _effects(self, told: ToldStep) -> Iterator[str]:
        if told.effects:
            yield from indented([self.style("effects", "heading")])
        for each in told.effects:
            yield from indented(indented([*self._tried(each), *self._told(each)]))

    def _tried(self, told: ToldEffect) -> list[str]:
        state, role = _STATES[told.state]
        error = f": {visible(told.done.error)}" if told.done and told.done.error else ""
        which = f"{visible(told.intent.key)}, try {told.intent.attempt}, {moment(told.intent.started)}"
        return [f"{which}: {self.style(state, role)}{error}"]

    def _told(self, told: ToldEffect) -> list[str]:
        lines = [f"    token {visible(told.intent.token)}"]
        if told.intent.before is not None:
            lines += ["    before", *block(told.intent.before, "        ")]
        if told.done is not None and told.done.result is not None:
            lines += ["    answer", *block(told.done.result, "        ")]
        if told.state == "in_doubt":
            for change in told.intent.planned:
                lines += indented(diff.lines(change, self.style))
        return lines


def failure_of(told: ToldStep) -> Failure:
    """What a report of the run was told when it happened."""
    record = told.record
    assert record is not None  # noqa: S101 (what failed has an end)
    step = StepFinished(
        host=record.host,
        task=record.task,
        module=record.module,
        position=Position(record.file, record.line, record.column),
        outcome=record.outcome,
    )
    items = [
        ItemFinished(host=record.host, task=record.task, label=item.label, outcome=item.outcome)
        for item in told.items
        if item.outcome.failed
    ]
    return Failure(step, items)


def _untold(told: ToldStep) -> bool:
    """As in a report of a run: a word to the engine is told when it went wrong only."""
    record = told.record
    if record is None or record.module != META:
        return False
    return record.outcome.status not in (Status.FAILED, Status.SKIPPED)
