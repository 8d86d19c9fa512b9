"""One outcome as lines of the human report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import diff
from .errors import Position
from .model import Action, Change, Outcome, Status
from .prose import block, duration, text_lines
from .style import Role, Style
from .values import Secret, Unknown

LONG = 10.0
"""Seconds: steps that took longer say so."""

TAIL = 20
"""Lines of a failed command's output that are shown without -v."""

TRACE = 3
"""Verbosity from which a mistake in a module shows where it was made."""

HIDDEN = "(what it says is hidden by no_log)"

_INDENT = "    "
_HIDDEN = frozenset({"changed", "failed", "skipped", "msg", "results", "skip_reason"})
"""Fields of a result that the report shows in another way."""

_WORDS: dict[Status, str] = {
    Status.OK: "ok",
    Status.CHANGED: "changed",
    Status.SKIPPED: "skipping",
    Status.FAILED: "fatal",
    Status.UNREACHABLE: "unreachable",
}

_ROLES: dict[str, Role] = {
    "ok": "ok",
    "changed": "changed",
    "skipping": "skipped",
    "undecided": "note",
    "failed": "failed",
    "fatal": "failed",
    "unreachable": "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepText:
    """Says outcomes in one manner. `verbosity` from 1: whole results; `with_diff`: changes field by field."""

    style: Style
    verbosity: int = 0
    with_diff: bool = False
    applied: bool = True
    """The changes were made; not so in a dry run."""

    def _shows(self, field: str) -> bool:
        return field not in _HIDDEN and (field != "exception" or self.verbosity >= TRACE)

    def earlier(self, where: str, outcome: Outcome) -> list[str]:
        """A step that was done before a resume: one line is enough."""
        word = _word(outcome)
        return [self._paint(word, where) + self.style(" (done before)", "quiet")]

    def ahead(self, where: str, change: Change) -> list[str]:
        """What a step is going to change, field by field."""
        if not change.action.changes:
            return []
        lines = diff.lines(change, self.style, done=False)
        return [self.style(f"next: {where}", "note"), *indented(lines)]

    def lines(
        self,
        where: str,
        outcome: Outcome,
        *,
        at: Position | None = None,
        item: bool = False,
        debug: bool = False,
    ) -> list[str]:
        """`where`: the host, and the item of a loop. `debug`: its message is what the task is for."""
        word = _word(outcome)
        head = self._paint("failed" if item and word == "fatal" else word, where)
        if outcome.seconds >= LONG:
            head += self.style(f" ({duration(outcome.seconds)})", "quiet")
        lines = self._told(head, _message(outcome, debug=debug), below=debug and word == "ok")
        if outcome.status in (Status.FAILED, Status.UNREACHABLE):
            lines += self._failure(outcome, at)
        for change in outcome.changes:
            lines += self._change(change)
        if self.verbosity or (debug and "msg" not in outcome.result):
            fields = {name: value for name, value in outcome.result.items() if self._shows(name)}
            lines += block(fields, _INDENT) if fields else []
        return lines

    def _paint(self, word: str, where: str) -> str:
        return self.style(f"{word}: {where}", _ROLES[word])

    def _told(self, head: str, message: object, *, below: bool) -> list[str]:
        if message is None:
            return [head]
        if not isinstance(message, str):
            return [head, *block(message, _INDENT)]
        if below:
            return [head, *indented(text_lines(message))]
        first, *rest = text_lines(message.lstrip("\n"))
        return [f"{head}: {first}", *indented(rest)]

    def _failure(self, outcome: Outcome, at: Position | None) -> list[str]:
        """What to do, where it is written, and the end of what the command said."""
        lines = indented(text_lines(outcome.hint)) if outcome.hint else []
        if at:
            lines.append(self.style(f"{_INDENT}at {at}", "quiet"))
        if self.verbosity or outcome.ignored:
            return lines
        return lines + indented(output_tail(outcome.result))

    def _change(self, change: Change) -> list[str]:
        if change.action is Action.UNDECIDED and change.resource is None:
            return []  # the reason of an undecided step stands in its first line
        if not change.action.changes and not change.compared:
            return []
        if change.resource is None and not change.reason and change.before is None and change.after is None:
            return []  # that it changed is all there is to say
        if self.with_diff:
            return [_INDENT + line for line in diff.lines(change, self.style, done=self.applied)]
        return [_INDENT + diff.headline(change, self.style)]


def indented(lines: Sequence[str]) -> list[str]:
    """The lines, as belonging to the one above them."""
    return [f"{_INDENT}{line}".rstrip() for line in lines]


def output_tail(result: Mapping[str, object]) -> list[str]:
    """The last lines of what a failed command wrote."""
    lines: list[str] = []
    for name in ("stdout", "stderr"):
        text = result.get(name)
        if isinstance(text, str) and text.strip():
            every = text_lines(text)
            cut = [f"... {len(every) - TAIL} lines more, shown with -v"] if len(every) > TAIL else []
            lines += [f"{name}:", *(f"  {line}".rstrip() for line in cut + every[-TAIL:])]
    return lines


def _word(outcome: Outcome) -> str:
    if any(change.action is Action.UNDECIDED for change in outcome.changes):
        return "undecided"
    return _WORDS[outcome.status]


def _message(outcome: Outcome, *, debug: bool) -> object:
    """What the step has to say for itself; None when it has nothing."""
    undecided = [change.reason for change in outcome.changes if change.action is Action.UNDECIDED]
    if undecided:
        return "; ".join(dict.fromkeys(undecided))
    message = outcome.result.get("msg")
    if isinstance(message, str):
        return message or None
    if isinstance(message, Secret) and outcome.status is Status.FAILED:
        return HIDDEN
    # That a module's own words are hidden or not known yet is no news; a debug's are what was asked for.
    return None if isinstance(message, Unknown | Secret) and not debug else message
