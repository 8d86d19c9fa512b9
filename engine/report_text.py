"""The human report: Ansible's manner, with messages that say what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import diff
from .model import (
    Action,
    Change,
    Event,
    ItemFinished,
    Notice,
    Outcome,
    PlayStarted,
    Progress,
    RunFinished,
    RunStarted,
    Status,
    StepFinished,
    TaskStarted,
)
from .prose import block, text_lines, visible
from .report_recap import card, output_tail, recap, verdict
from .report_screen import Screen
from .style import Role, Style

WIDTH = 80
"""Columns of a heading."""

_INDENT = "    "
_HIDDEN = frozenset({"changed", "failed", "skipped", "msg", "hint", "results", "skip_reason"})
"""Fields of a result that the report shows in another way."""

_ROLES: dict[str, Role] = {
    "ok": "ok",
    "changed": "changed",
    "skipping": "skipped",
    "undecided": "note",
    "failed": "failed",
    "fatal": "failed",
    "unreachable": "failed",
}


class TextReporter:
    """Writes a run for a person to read.

    `verbosity`: 1 shows every result, 2 also where each task stands. `with_diff`: every change field by field.
    """

    def __init__(self, screen: Screen, style: Style, *, verbosity: int = 0, with_diff: bool = False) -> None:
        self._screen = screen
        self._style = style
        self._verbosity = verbosity
        self._with_diff = with_diff
        self._check = False
        self._heading: str | None = None
        self._items: dict[tuple[str, str], list[ItemFinished]] = {}
        """Steps whose loop items were shown one by one, with the items that failed."""
        self._changes: list[Change] = []
        self._failures: dict[str, tuple[StepFinished, Sequence[ItemFinished]]] = {}
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
            case PlayStarted():
                self._play(event)
            case Notice():
                first, *rest = text_lines(event.message)
                self._screen.write([self._style(f"note: {first}", "note"), *self._indented(rest)])
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
        self._check = event.check
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
        word = _word(event.outcome, "failed")
        head = f"{word}: [{visible(event.host)}] => (item={visible(event.label)})"
        self._screen.write(self._head_again(event.task) + self._outcome(head, word, event.outcome))

    def _step(self, event: StepFinished) -> None:
        outcome = event.outcome
        self._screen.finished(event.host, event.task)
        if not event.replayed:
            self._changes.extend(outcome.changes)
        items = self._items.pop((event.host, event.task), None)
        if outcome.failed:
            self._failures[event.host] = event, items or ()
        lines = self._head_again(event.task)
        if items is None:
            word = _word(outcome, "fatal")
            head = f"{word}: [{visible(event.host)}]"
            lines += self._whole(head, word, event)
        if outcome.ignored:
            lines.append(self._style("...ignoring", "skipped"))
        self._screen.write(lines)

    def _whole(self, head: str, word: str, event: StepFinished) -> list[str]:
        if event.replayed and not self._verbosity:
            return [self._style(head, _ROLES[word]) + self._style(" (done before)", "quiet")]
        lines = self._outcome(head, word, event.outcome, debug=event.module == "debug")
        if event.outcome.status in (Status.FAILED, Status.UNREACHABLE):
            lines.append(self._style(f"{_INDENT}at {event.position}", "quiet"))
        return lines

    def _outcome(self, head: str, word: str, outcome: Outcome, *, debug: bool = False) -> list[str]:
        result = outcome.result
        message = result.get("msg") if word != "undecided" else _why_undecided(outcome)
        told = isinstance(message, str) and not debug and bool(message)
        lines = self._headline(head, word, str(message) if told else None)
        if not told and "msg" in result and not (isinstance(message, str) and not message):
            lines += self._message(message, debug=debug)
        if outcome.status in (Status.FAILED, Status.UNREACHABLE):
            lines += self._hint(result.get("hint")) + self._output(result)
        lines += self._change_lines(outcome.changes)
        if self._verbosity or (debug and "msg" not in result):
            lines += self._fields(result)
        return lines

    def _message(self, message: object, *, debug: bool) -> list[str]:
        if debug and isinstance(message, str):
            return self._indented(text_lines(message))
        return block(message, _INDENT)

    def _headline(self, head: str, word: str, message: str | None) -> list[str]:
        role = _ROLES[word]
        if message is None:
            return [self._style(head, role)]
        first, *rest = text_lines(message)
        return [f"{self._style(head, role)}: {first}", *self._indented(rest)]

    def _hint(self, hint: object) -> list[str]:
        return self._indented(text_lines(hint)) if isinstance(hint, str) and hint else []

    def _output(self, result: Mapping[str, object]) -> list[str]:
        """The end of what a failed command said."""
        return [] if self._verbosity else [_INDENT + line for line in output_tail(result)]

    def _fields(self, result: Mapping[str, object]) -> list[str]:
        fields = {name: value for name, value in result.items() if name not in _HIDDEN}
        return block(fields, _INDENT) if fields else []

    def _change_lines(self, changes: Sequence[Change]) -> list[str]:
        lines: list[str] = []
        for change in changes:
            if change.action is Action.UNDECIDED and change.resource is None:
                continue  # its reason stands in the headline
            if self._with_diff and change.action.changes:
                lines += [_INDENT + line for line in diff.lines(change, self._style, done=not self._check)]
            elif change.action.changes:
                lines.append(_INDENT + diff.headline(change, self._style))
        return lines

    def _indented(self, lines: Sequence[str]) -> list[str]:
        return [f"{_INDENT}{line}".rstrip() for line in lines]

    # ------------------------------------------------------------ the end

    def _finish(self, event: RunFinished) -> None:
        lines: list[str] = []
        for host, (failure, items) in self._failures.items():
            tally = event.hosts.get(host)
            if tally is None or tally.failed or tally.unreachable:
                lines += card(failure, items, self._style)
        lines += ["", self._rule("PLAY RECAP"), *recap(event.hosts, self._style)]
        if self._check:
            shown = [change for change in self._changes if change.action.changes]
            lines += ["", *diff.legend(shown, self._style), diff.summary(shown)]
        self._screen.write([*lines, "", *verdict(event, self._style, check=self._check)])


def _why_undecided(outcome: Outcome) -> str:
    return "; ".join(change.reason for change in outcome.changes if change.action is Action.UNDECIDED)


def _word(outcome: Outcome, failed: str) -> str:
    if any(change.action is Action.UNDECIDED for change in outcome.changes):
        return "undecided"
    return {
        Status.OK: "ok",
        Status.CHANGED: "changed",
        Status.SKIPPED: "skipping",
        Status.FAILED: failed,
        Status.UNREACHABLE: "unreachable",
    }[outcome.status]
