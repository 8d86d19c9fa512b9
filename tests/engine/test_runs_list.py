"""`runbook runs`: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from runbook.journal import RunEnded, RunHeader, RunSummary, RunTime
from runbook.runs_list import as_json, as_text

from tests.support.golden import assert_golden

STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def run(name: str, ended: RunEnded | None, **fields: str) -> RunSummary:
    header = RunHeader(
        run=name,
        playbook="/lab/site.yml",
        playbook_digest="d",
        inventory=("hosts.yml",),
        inventory_digest="d",
        started=STARTED,
        argv=("play", "site.yml", "--extra-vars", "password=********"),
        **fields,  # type: ignore[arg-type]
    )
    times = (RunTime(header=header), RunTime(header=header, ended=ended))
    return RunSummary(times=times, last_written=STARTED)


def runs() -> Sequence[RunSummary]:
    done = RunEnded(status="done", exit_code=0, ended=STARTED, seconds=1.5)
    return [
        run("0301-1200-aaaa", done),
        run("0301-1200-bbbb", None, account="123456789012", region="eu-west-2", target="aws"),
    ]


def test_a_table() -> None:
    assert_golden("runs_list/table.txt", as_text(runs(), None) + "\n")
    assert as_text([], None) == "No runs."


def test_json() -> None:
    first, second = json.loads(as_json(runs(), None, lambda _: ()))

    assert (first["run"], first["status"], first["exit_code"], first["times_resumed"]) == (
        "0301-1200-aaaa",
        "done",
        0,
        1,
    )
    assert (second["status"], second["exit_code"], second["seconds"]) == ("killed", None, 0)
    assert second["started"] == "2026-03-01T12:00:00Z"
