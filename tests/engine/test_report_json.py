"""The report for programs: one JSON object a line, as docs/events.md says."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from runbook.events import Event, Notice
from runbook.model import Status
from runbook.report_json import JsonReporter

from tests.support.told import BAD, GOOD, PLANNED, Hides, progress, step

DOC = Path(__file__).parents[2] / "docs" / "events.md"


def told(events: Sequence[Event]) -> list[dict[str, Any]]:
    stream = io.StringIO()
    reporter = JsonReporter(stream, Hides())
    for event in events:
        reporter.tell(event)
    reporter.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("events", [GOOD, BAD, PLANNED], ids=["good", "bad", "planned"])
def test_each_event_is_one_object(events: Sequence[Event]) -> None:
    lines = told(events)
    assert len(lines) == len(events)
    assert "hunter2" not in json.dumps(lines)
    for line in lines:
        assert datetime.fromisoformat(line["time"]).tzinfo is not None


def test_a_step_tells_all_that_is_known() -> None:
    (line,) = told([step("Say", Status.CHANGED, rc=0, raw=b"\xff", text="is hunter2", module="shell")])
    line.pop("time")
    assert line == {
        "event": "step_finished",
        "host": "web1",
        "task": "Say",
        "module": "shell",
        "position": {"file": "playbooks/lab.yml", "line": 12, "column": 7},
        "replayed": False,
        "rescued": False,
        "outcome": {
            "status": "changed",
            "result": {"rc": 0, "raw": {"$bytes": "/w=="}, "text": "is ********"},
            "changes": [],
            "facts": {},
            "host_facts": {},
            "notified": [],
            "may_notify": [],
            "directives": [],
            "ignored": False,
            "hint": "",
            "arguments": {},
            "seconds": 0.0,
        },
    }


def test_what_is_not_known_or_secret_says_so() -> None:
    line = told(PLANNED)[3]
    assert line["outcome"]["result"] == {"endpoint": {"$unknown": "endpoint"}}
    after = line["outcome"]["changes"][0]["after"]
    assert after["endpoint"] == {"$unknown": "endpoint"}
    assert after["password"] == {"$secret": ""}


def test_progress_and_notices_are_told() -> None:
    waiting, notice = told([progress("creating", 2, 40), Notice(message="x")])
    assert (waiting["event"], waiting["phase"], waiting["elapsed"], waiting["percent"]) == (
        "progress",
        "creating",
        2,
        40,
    )
    assert (notice["event"], notice["message"]) == ("notice", "x")


def test_any_text_survives_any_stream() -> None:
    raw = io.BytesIO()
    reporter = JsonReporter(io.TextIOWrapper(raw, encoding="ascii"), Hides())
    reporter.tell(Notice(message="naïve ☃"))
    reporter.close()
    assert json.loads(raw.getvalue())["message"] == "naïve ☃"


def test_the_manual_names_every_event_and_field() -> None:
    manual = DOC.read_text(encoding="utf-8")
    for line in told([*GOOD, *BAD]):
        assert f"`{line['event']}`" in manual
        for field in line:
            assert f"`{field}`" in manual, (line["event"], field)
