"""The end of the human report: what failed and how to go on, the table of hosts, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from .events import ItemFinished, RunFinished, StepFinished, Tally
from .model import Outcome
from .prose import duration, text_lines, visible
from .style import Role, Style

_COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
"""In Ansible's order."""

_ROLES: dict[str, Role] = {
    "ok": "ok",
    "changed": "changed",
    "unreachable": "failed",
    "failed": "failed",
    "skipped": "skipped",
    "rescued": "changed",
    "ignored": "skipped",
}

assert {field.name for field in fields(Tally)} == set(_COLUMNS)  # noqa: S101 (about the lines above)


def card(failure: StepFinished, items: Sequence[ItemFinished], style: Style) -> list[str]:
    """What stopped a host, once more, where the reader looks last. `items`: those of a loop that failed."""
    head = f"FAILED [{visible(failure.host)}] {visible(failure.task)}"
    lines = [f"at {failure.position}"]
    for item in items:
        lines += _told(item.outcome, f"(item={visible(item.label)}) ")
    if not items:
        lines += _told(failure.outcome)
    return ["", style(head, "failed"), *(f"    {line}".rstrip() for line in lines)]


def _told(outcome: Outcome, head: str = "") -> list[str]:
    message = outcome.result.get("msg")
    lines = text_lines(head + (message if isinstance(message, str) and message else "failed"))
    return lines + (text_lines(outcome.hint) if outcome.hint else [])


def recap(hosts: Mapping[str, Tally], style: Style) -> list[str]:
    """One line a host."""
    names = {host: visible(host) for host in hosts}
    width = max(map(len, names.values()), default=0)
    widths = {
        column: max((len(str(getattr(t, column))) for t in hosts.values()), default=1) for column in _COLUMNS
    }
    lines = []
    for host, tally in hosts.items():
        cells = []
        for column in _COLUMNS:
            count = getattr(tally, column)
            cell = f"{column}={str(count).ljust(widths[column])}"
            cells.append(style(cell, _ROLES[column]) if count else cell)
        bad = tally.failed or tally.unreachable
        name = style(names[host].ljust(width), "failed" if bad else "ok")
        lines.append(f"{name} : {'  '.join(cells)}".rstrip())
    return lines


def verdict(event: RunFinished, style: Style, *, check: bool) -> list[str]:
    """How it ended, after what time, and how to go on."""
    took = duration(event.seconds)
    if event.exit_code == 0:
        what = f"Dry run done in {took}; nothing was changed." if check else f"Done in {took}."
        return [style(what, "ok")]
    ended = "Stopped" if event.exit_code == 4 else "Failed"
    lines = [style(f"{ended} after {took} (exit code {event.exit_code}).", "failed")]
    if event.resume:
        lines += ["Go on from here with:", f"    {visible(event.resume)}"]
    return lines
