"""The human report: Ansible's manner, with messages that say what to do."""

from __future__ import annotations

from dataclasses import replace

from . import diff, report_card
from .events import (
    ChangePlanned,
    Event,
    ItemFinished,
    Notice,
    PlayStarted,
    Progress,
    RunFinished,
    RunStarted,
    StepAnew,
    StepFinished,
    TaskStarted,
)
from .model import Change
from .prose import text_lines, visible
from .report_card import Failure
from .report_recap import recap, stats, verdict
from .report_screen import Screen
from .report_steps import StepText, indented
from .style import Style

WIDTH = 80
"""Columns of a heading."""


class TextReporter:
    """Writes a run for a person to read.

    `verbosity`: 1 shows every result, 2 also where each task stands. `with_diff`: every change field by field.
    """

    def __init__(self, screen: Screen, style: Style, *, verbosity: int = 0, with_diff: bool = False) -> None:
        self._screen = screen
        self._style = style
        self._verbosity = verbosity
        self._text = StepText(style=style, verbosity=verbosity, with_diff=with_diff)
        self._heading: str | None = None
        self._items: dict[tuple[str, str], list[ItemFinished]] = {}
        """Steps whose loop items were shown one by one, with the items that failed."""
        self._changes: list[Change] = []
        self._failures: dict[str, Failure] = {}
        """The last failure of each host, and which items of a loop it comes from."""

    def tell(self, event: Event) -> None:
        match event:
            case Progress():
                self._screen.progress(event)
            case StepFinished():
                self._step(event)
            case ItemFinished():
                self._item(event)
            case TaskStarted():
                self._task(event)
            case StepAnew() | ChangePlanned():
                self._ahead(event)
            case PlayStarted():
                self._play(event)
            case Notice():
                first, *rest = text_lines(event.message)
                self._screen.write([self._style(f"note: {first}", "note"), *indented(rest)])
            case RunStarted():
                self._start(event)
            case RunFinished():
                self._finish(event)

    def tick(self) -> None:
        self._screen.tick()

    def close(self) -> None:
        self._screen.close()

    # ------------------------------------------------------------ headings

    def _start(self, event: RunStarted) -> None:
        self._text = replace(self._text, applied=not event.check)
        what = "Dry run" if event.check else f"Run {event.run}"
        goes_on = " goes on:" if event.resumed else " of"
        lines = [
            self._style(f"{what}{goes_on} {visible(event.playbook)} on {visible(event.target)}", "heading")
        ]
        self._screen.write(lines + (text_lines(event.note) if event.note else []))

    def _play(self, event: PlayStarted) -> None:
        lines = ["", self._rule(f"PLAY [{visible(event.name)}]")]
        if not event.hosts:
            lines.append(self._style("skipping: no hosts matched", "skipped"))
        self._heading = None
        self._screen.write(lines)

    def _task(self, event: TaskStarted) -> None:
        word = "HANDLER" if event.handler else "TASK"
        self._heading = event.name
        lines = ["", self._rule(f"{word} [{visible(event.name)}]")]
        if self._verbosity >= 2:
            lines.append(self._style(f"{event.module}, {event.position}", "quiet"))
        self._screen.write(lines)

    def _head_again(self, task: str) -> list[str]:
        """Hosts that do not keep step with each other: say again which task it is."""
        if task == self._heading:
            return []
        self._heading = task
        return ["", self._rule(f"TASK [{visible(task)}]")]

    def _rule(self, text: str) -> str:
        return self._style(f"{text} {'*' * max(3, WIDTH - len(text) - 1)}", "heading")

    # ------------------------------------------------------------ steps

    def _item(self, event: ItemFinished) -> None:
        failed = self._items.setdefault((event.host, event.task), [])
        if event.outcome.failed:
            failed.append(event)
        self._screen.finished(event.host, event.task)
        where = f"[{visible(event.host)}] => (item={visible(event.label)})"
        self._screen.write(self._head_again(event.task) + self._text.lines(where, event.outcome, item=True))

    def _ahead(self, event: StepAnew | ChangePlanned) -> None:
        """A step that an edit brought back, before it is done."""
        where = f"[{visible(event.host)}]"
        if isinstance(event, StepAnew):
            lines = [self._style(f"{where} {visible(event.why)}: planned anew", "note")]
        else:
            lines = self._text.ahead(where, event.change)
        self._screen.write(self._head_again(event.task) + lines)

    def _step(self, event: StepFinished) -> None:
        outcome = event.outcome
        self._screen.finished(event.host, event.task)
        self._changes.extend(outcome.changes)
        items = self._items.pop((event.host, event.task), None)
        if outcome.failed:
            self._failures[event.host] = Failure(event, items or ())
        lines = self._head_again(event.task)
        where = f"[{visible(event.host)}]"
        if event.replayed:
            lines += self._text.earlier(where, outcome)
        elif items is None:
            lines += self._text.lines(where, outcome, at=event.position, debug=event.module == "debug")
        if outcome.ignored:
            lines.append(self._style("...ignoring", "skipped"))
        self._screen.write(lines)

    # ------------------------------------------------------------ the end

    def _cards(self, event: RunFinished) -> list[str]:
        """What went wrong, once more, where the eye looks first."""
        failures = [
            failure
            for host, failure in self._failures.items()
            if (tally := event.hosts.get(host)) is None or tally.failed or tally.unreachable
        ]
        return [
            *report_card.failed(failures, self._style),
            *report_card.stopped(event.stops, self._style),
            *report_card.in_doubt(event.doubts, event.stops, self._style),
        ]

    def _finish(self, event: RunFinished) -> None:
        lines = self._cards(event)
        lines += ["", self._rule("PLAY RECAP"), *recap(event.hosts, self._style)]
        if event.stats:
            lines += ["", self._rule("CUSTOM STATS"), *stats(event.stats)]
        check = not self._text.applied
        if check and event.exit_code == 0:  # a plan cut short would count wrong
            shown = [change for change in self._changes if change.action.changes]
            closing = diff.summary(shown) if event.hosts else "No host was played, so nothing was looked at."
            lines += ["", *diff.legend(shown, self._style), closing]
        self._screen.write([*lines, "", *verdict(event, self._style, check=check)])
