"""What stopped a host, as the end of the human report tells it: where, with what, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import LoadError, Position
from .events import ItemFinished, StepFinished
from .model import Outcome
from .prose import block, text_lines, visible
from .report_steps import HIDDEN
from .source import read_source
from .style import Style
from .values import Secret

MOST = 12
"""Lines of a module's arguments; a long text among them must not push away why it failed."""


def card(failure: StepFinished, items: Sequence[ItemFinished], style: Style) -> list[str]:
    """The last failure of a host. `items`: those of a loop that failed."""
    head = f"FAILED [{visible(failure.host)}] {visible(failure.task)}"
    lines = [f"at {failure.position}"]
    outcomes = [(f"(item={visible(item.label)}) ", item.outcome) for item in items] or [("", failure.outcome)]
    if not any(str(failure.position.file) in _message(outcome) for _, outcome in outcomes):
        lines += _line(failure.position)
    for label, outcome in outcomes:
        lines += _arguments(failure.module, outcome.arguments)
        lines += text_lines(label + (_message(outcome) or "failed"))
        lines += text_lines(outcome.hint) if outcome.hint else []
    return ["", style(head, "failed"), *(f"    {line}".rstrip() for line in lines)]


def _message(outcome: Outcome) -> str:
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
