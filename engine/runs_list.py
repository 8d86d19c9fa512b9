"""`runbook runs`: the runs of a journal as a table, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from .journal import RunSummary


def status_of(summary: RunSummary) -> str:
    """`done`, `failed`, `stopped`, or `open`: running now, or killed."""
    return summary.ended.status if summary.ended else "open"


def as_text(runs: Sequence[RunSummary]) -> str:
    if not runs:
        return "No runs."
    rows = [("RUN", "STATUS", "STARTED (UTC)", "TARGET", "PLAYBOOK")]
    for summary in runs:
        header = summary.header
        where = " ".join(filter(None, (header.target, header.account, header.region))) or "-"
        started = f"{header.started:%Y-%m-%d %H:%M:%S}"
        rows.append((header.run, status_of(summary), started, where, header.playbook))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json(runs: Sequence[RunSummary]) -> str:
    listed = [
        {
            "run": summary.run,
            "status": status_of(summary),
            "exit_code": summary.ended.exit_code if summary.ended else None,
            "seconds": summary.ended.seconds if summary.ended else None,
            "times_resumed": summary.times_resumed,
            **{
                name: getattr(summary.header, name)
                for name in ("playbook", "inventory", "limit", "account", "region", "target", "started")
            },
        }
        for summary in runs
    ]
    return msgspec.json.format(msgspec.json.encode(listed)).decode()
