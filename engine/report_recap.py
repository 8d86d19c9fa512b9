"""The end of the human report: the table of hosts, the verdict, and how to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .custom_stats import RUN
from .events import RunFinished, Tally
from .prose import duration, visible
from .report_end import ended, how_to_go_on, state_of_affairs
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
    lines = [ended(event.exit_code, event.seconds, style)]
    if not check:
        done = sum(tally.ok + tally.skipped for tally in event.hosts.values())
        changed = sum(tally.changed for tally in event.hosts.values())
        lines += state_of_affairs(done, changed, event.doubts, event.left)
    return lines + (how_to_go_on(event.resume, event.doubts, style) if event.resume else [])


def stats(kept: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What `set_stats` kept: of each host, and at last of the run."""
    hosts = sorted(host for host in kept if host != RUN)
    names = [*hosts, *([RUN] if RUN in kept else ())]
    return [f"{'RUN' if name == RUN else visible(name)}: {_shown(kept[name])}" for name in names]


def _shown(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, default=str)
