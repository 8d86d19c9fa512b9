"""`runbook runs`: the runs of a journal as a table, or as JSON (docs/runs.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from .journal import RunSummary, RunTime
from .journal_lock import Holder
from .prose import duration

Status: TypeAlias = Literal["done", "failed", "stopped", "running", "killed"]
"""`killed`: it ended without a word, by a signal or a power cut."""


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as JSON tells it."""

    run: str
    status: Status
    exit_code: int | None
    """Of its last end; null: it is running, or was killed."""
    seconds: float
    """How long it was at work, all its times together, as far as that was written down."""
    times_resumed: int
    playbook: str
    inventory: tuple[str, ...]
    limit: str
    account: str
    region: str
    target: str
    started: datetime
    last_written: datetime
    resume: str
    """The command to go on with; empty: nothing is left to do, or it is running."""
    undoes: str = ""
    """The run that it takes back."""


def status_of(summary: RunSummary, time: RunTime, writer: Holder | None) -> Status:
    """How it ended, or that it has not. `time`: one of its times; `writer`: who holds the state file now."""
    if time.ended:
        return time.ended.status
    if time is not summary.times[-1] or writer is None or writer.since > time.header.started:
        return "killed"
    return "running"


def line(summary: RunSummary, writer: Holder | None, again: Sequence[str] = ()) -> RunLine:
    """What is told of a run as a whole. `again`: what `resume` has to be told beside the run's name."""
    header, ended = summary.header, summary.ended
    status = status_of(summary, summary.times[-1], writer)
    return RunLine(
        run=summary.run,
        status=status,
        exit_code=ended.exit_code if ended else None,
        seconds=summary.seconds,
        times_resumed=summary.times_resumed,
        playbook=header.playbook,
        inventory=header.inventory,
        limit=header.limit,
        account=header.account,
        region=header.region,
        target=header.target,
        started=header.started,
        last_written=summary.last_written,
        undoes=header.undoes,
        resume="" if status in ("done", "running") else " ".join(("runbook resume", summary.run, *again)),
    )


def as_text(runs: Sequence[RunSummary], writer: Holder | None) -> str:
    if not runs:
        return "No runs."
    rows = [("RUN", "STATUS", "STARTED (UTC)", "TOOK", "TARGET", "PLAYBOOK")]
    for each in (line(summary, writer) for summary in runs):
        where = " ".join(filter(None, (each.target, each.account, each.region))) or "-"
        took = duration(each.seconds) if each.seconds else "-"
        what = f"{each.playbook} (undo of {each.undoes})" if each.undoes else each.playbook
        rows.append((each.run, each.status, f"{each.started:%Y-%m-%d %H:%M:%S}", took, where, what))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json(
    runs: Sequence[RunSummary], writer: Holder | None, again: Callable[[RunSummary], Sequence[str]]
) -> str:
    listed = [line(each, writer, again(each)) for each in runs]
    return msgspec.json.format(msgspec.json.encode(listed)).decode()


def schema() -> dict[str, Any]:
    """JSON Schema of what `as_json` writes."""
    return msgspec.json.schema(list[RunLine])
