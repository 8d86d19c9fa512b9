"""What stopped a run, as the end of a report tells it: where, with what, why, and what to do. Hosts with the same
trouble share a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .ending import Doubt, Stop
from .errors import LoadError, Position
from .events import ItemFinished, StepFinished
from .model import Outcome
from .prose import block, moment, naturally, some, text_lines, visible
from .report_steps import HIDDEN
from .source import read_source
from .style import Style
from .values import Secret

MOST = 12
"""Lines of a module's arguments; a long text among them must not push away why it failed."""

MOST_CARDS = 5
"""What more hosts failed with is told in a line each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure of a host. `items`: those of a loop that failed."""

    step: StepFinished
    items: Sequence[ItemFinished] = ()

    @property
    def told(self) -> tuple[tuple[str, Outcome], ...]:
        """Each outcome that failed, behind what it was for."""
        if not self.items:
            return (("", self.step.outcome),)
        return tuple((f"(item={visible(item.label)}) ", item.outcome) for item in self.items)

    @property
    def trouble(self) -> tuple[object, ...]:
        """What failures have in common that share a card."""
        said = tuple((label, message_of(outcome), outcome.hint) for label, outcome in self.told)
        return (self.step.task, self.step.position, self.step.outcome.status, said)


def failed(failures: Sequence[Failure], style: Style) -> list[str]:
    """A card for each trouble."""
    troubles: dict[tuple[object, ...], list[Failure]] = {}
    for failure in failures:
        troubles.setdefault(failure.trouble, []).append(failure)
    lines: list[str] = []
    for same in list(troubles.values())[:MOST_CARDS]:
        lines += _card("FAILED", _hosts(same), same[0].step.task, _told(same[0]), style)
    for same in list(troubles.values())[MOST_CARDS:]:
        lines.append(style(f"FAILED [{_hosts(same)}] {visible(same[0].step.task)}", "failed"))
    return lines


def stopped(stops: Sequence[Stop], style: Style) -> list[str]:
    """A card for each reason why the run ended early."""
    lines: list[str] = []
    for stop in stops:
        told = []
        if stop.file:
            at = Position(stop.file, stop.line, stop.column or 1)
            told = [f"at {at}", *(_line(at) if stop.file not in stop.message else [])]
        told += [*text_lines(stop.message), *(text_lines(stop.hint) if stop.hint else [])]
        lines += _card("STOPPED", visible(stop.host), stop.task, told, style)
    return lines


def in_doubt(doubts: Sequence[Doubt], stops: Sequence[Stop], style: Style) -> list[str]:
    """A card for each effect that nobody knows the end of; one that the run stopped for has its card already."""
    told = {(stop.host, stop.task) for stop in stops}
    left = [doubt for doubt in doubts if not (doubt.asks and (doubt.host, doubt.task) in told)]
    same: dict[tuple[object, ...], list[Doubt]] = {}
    for doubt in left:
        same.setdefault((doubt.task, doubt.key, doubt.asks), []).append(doubt)
    lines: list[str] = []
    for group in same.values():
        first = group[0]
        settled = "Nothing can tell whether it happened." if first.asks else "A resume finds out."
        lines += _card(
            "IN DOUBT",
            some(naturally(visible(doubt.host) for doubt in group)),
            first.task,
            [f"'{visible(first.key)}' was begun {moment(first.started)}. {settled}"],
            style,
        )
    return lines


def _card(word: str, hosts: str, task: str, told: Sequence[str], style: Style) -> list[str]:
    head = " ".join(filter(None, (word, f"[{hosts}]" if hosts else "", visible(task))))
    return ["", style(head, "failed"), *(f"    {line}".rstrip() for line in told)]


def _hosts(same: Sequence[Failure]) -> str:
    return some(naturally(visible(failure.step.host) for failure in same))


def _told(failure: Failure) -> list[str]:
    at = failure.step.position
    lines = [f"at {at}"]
    if not any(str(at.file) in message_of(outcome) for _, outcome in failure.told):
        lines += _line(at)
    for label, outcome in failure.told:
        lines += _arguments(failure.step.module, outcome.arguments)
        lines += text_lines(label + (message_of(outcome) or "failed"))
        lines += text_lines(outcome.hint) if outcome.hint else []
    return lines


def message_of(outcome: Outcome) -> str:
    """What it says for itself."""
    message = outcome.result.get("msg")
    if isinstance(message, Secret):
        return HIDDEN
    return message if isinstance(message, str) else ""


def _line(at: Position) -> list[str]:
    """The line that the task begins in, as it stands in its file now."""
    try:
        text = read_source(at.file).excerpt(at.line)
    except LoadError:
        return []
    if text is None:
        return []
    number = str(at.line)
    mark = " " * (at.column - 1) + "^"
    return [f"  {number} | {visible(text)}", f"  {' ' * len(number)} | {mark}"]


def _arguments(module: str, arguments: Mapping[str, Any]) -> list[str]:
    if not arguments:
        return []
    lines = block(arguments, "  ")
    if len(lines) > MOST:
        lines = [*lines[:MOST], f"  ... {len(lines) - MOST} lines more"]
    return [f"{visible(module)}:", *lines]
