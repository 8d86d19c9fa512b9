"""Records for tests of the journal and of what stands on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runbook.journal import (
    EffectDone,
    EffectIntent,
    ItemDone,
    RunEnded,
    RunHeader,
    RunStatus,
    RunSummary,
    RunTime,
    StepDone,
)
from runbook.model import Outcome, Status

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def header(run: str = "r1", **fields: Any) -> RunHeader:
    known: dict[str, Any] = {
        "playbook": "lab.yml",
        "playbook_digest": "p1",
        "inventory": ("inventory/lab.yml",),
        "inventory_digest": "i1",
        "started": NOON,
    }
    return RunHeader(run=run, **(known | fields))


def outcome(status: Status = Status.OK, /, **result: Any) -> Outcome:
    return Outcome(status=status, result=result)


def step(name: str = "s1", ended: Outcome | None = None, **fields: Any) -> StepDone:
    known: dict[str, Any] = {
        "host": "web1",
        "task": "Say hello",
        "module": "shell",
        "file": "lab.yml",
        "line": 3,
    }
    return StepDone(step=name, outcome=ended or outcome(), **(known | fields))


def item(name: str, text: str, same: int = 0, ended: Outcome | None = None, label: str = "") -> ItemDone:
    return ItemDone(step=name, item=text, same=same, outcome=ended or outcome(), label=label)


def intent(name: str = "s1", key: str = "send", attempt: int = 1, **fields: Any) -> EffectIntent:
    return EffectIntent(step=name, key=key, token=f"t{attempt}", attempt=attempt, started=NOON, **fields)


def landed(name: str = "s1", key: str = "send", attempt: int = 1, **fields: Any) -> EffectDone:
    return EffectDone(step=name, key=key, attempt=attempt, **fields)


def ended(status: RunStatus = "done", exit_code: int = 0) -> RunEnded:
    return RunEnded(status=status, exit_code=exit_code, ended=NOON, seconds=1.5)


def summary(*times: RunTime) -> RunSummary:
    return RunSummary(times=times or (RunTime(header=header()),), last_written=NOON)
