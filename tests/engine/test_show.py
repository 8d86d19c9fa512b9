"""`runbook show`: what a journal tells of a run, to people and to programs, also while the run is on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from runbook import runs_list, show_json
from runbook.errors import UsageError
from runbook.journal import JOB, Record, RunTime
from runbook.journal_lock import Holder, WriterLock
from runbook.journal_reader import Entry, SqliteReader
from runbook.journal_sqlite import SqliteJournal
from runbook.journal_steps import JournalSteps, ToldStep
from runbook.model import Action, Change, Status
from runbook.resume import History
from runbook.run_names import find_run
from runbook.show_json import document
from runbook.show_text import RunText, head
from runbook.style import no_colour
from runbook.values import Secret

from tests.support.cli import Desk
from tests.support.golden import assert_golden
from tests.support.records import NOON, ended, header, intent, item, landed, outcome, step, summary

CLUSTER = "memorydb:cluster/lab-cluster"
CHANGED = replace(
    outcome(Status.CHANGED, msg="2 nodes", password=Secret("hunter2", "argument"), raw=b"\xff"),
    changes=(
        Change(
            action=Action.UPDATE,
            resource=CLUSTER,
            before={"replicas": 0},
            after={"replicas": 1},
            reason="1 replica is asked for",
        ),
    ),
    seconds=42.6,
)
FAILED = replace(outcome(Status.FAILED, msg="no capacity", rc=1), hint="Try another node type.")
RUN: tuple[Record, ...] = (
    header(account="123456789012", region="eu-west-2", target="aws", folder="/lab", limit="web"),
    step("a@web1", outcome(changed=False), task="Look", register="seen"),
    intent("b@web1", "update", before={"replicas": 0}, task="Scale", host="web1"),
    landed("b@web1", "update", error="throttled"),
    step("b@web1", FAILED, task="Scale", module="memorydb_cluster"),
    ended("failed", 2),
    header(started=NOON + timedelta(hours=1)),
    intent("b@web1", "update", 2, before={"replicas": 0}, task="Scale", host="web1"),
    intent("b@web1", "update", 3, before={"replicas": 0}, task="Scale", host="web1"),
    landed("b@web1", "update", 3, result={"id": 7}),
    intent("b@web1", "tag", task="Scale", host="web1"),
    step("b@web1", CHANGED, task="Scale", module="memorydb_cluster", register="cluster"),
    item("c@web1", "d1", label="x", ended=outcome(Status.CHANGED, rc=0)),
    item("c@web1", "d2", label="y", ended=outcome(Status.SKIPPED)),
    step("c@web1", outcome(Status.CHANGED, msg="All items completed"), task="Loop"),
    step("m@web1", outcome(), task="meta", module="meta"),
    step("d@web1", outcome(ansible_job_id="j1", finished=False), task="Behind"),
    item("d@web1", f"{JOB}j1", ended=outcome(Status.CHANGED, stdout="there"), label="Behind"),
    item("e@web1", "one", ended=outcome(Status.CHANGED)),
    intent("e@web1", "two/run", task="Doubtful", host="web1", asks=True),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with SqliteJournal(path) as journal:
        journal.begin(header())
        for record in RUN[1:]:
            journal.append(record)
    return path


def entries(*records: Record) -> Iterator[Entry]:
    for seq, record in enumerate(records, 1):
        yield Entry(seq, NOON + timedelta(seconds=seq), record)


def times() -> Any:
    return summary(RunTime(header=RUN[0], ended=RUN[5]), RunTime(header=RUN[6]))  # type: ignore[arg-type]


def every(_: ToldStep) -> bool:
    return True


def told(*records: Record, running: bool = False) -> dict[str, Any]:
    """The document of `--output json`, checked against its schema."""
    steps = JournalSteps(entries(*records), running=running)
    found: dict[str, Any] = json.loads("".join(document(times(), None, (), steps, every)))
    Draft202012Validator(show_json.schema(), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        found
    )
    return found


# ---------------------------------------------------------------- for people


def test_a_run_is_told_step_by_step() -> None:
    text = RunText(style=no_colour)
    lines = [*head(times(), None, no_colour), "", *text.listed(JournalSteps(entries(*RUN)))]
    assert_golden("show/run.txt", "\n".join(lines) + "\n")


def test_a_step_is_told_with_all_that_is_known_of_it() -> None:
    text = RunText(style=no_colour)
    lines = [line for each in JournalSteps(entries(*RUN)).all() for line in text.detail(each)]
    assert_golden("show/steps.txt", "\n".join(lines) + "\n")
    assert "hunter2" not in "\n".join(lines)


# ---------------------------------------------------------------- for programs


def test_the_document_holds_all_steps_in_order_and_keeps_its_schema() -> None:
    found = told(*RUN)
    assert [(s["number"], s["task"], s["status"], s["time"]) for s in found["steps"]] == [
        (1, "Look", "ok", 1),
        (2, "Scale", "failed", 1),
        (3, "Scale", "changed", 2),
        (4, "Loop", "changed", 2),
        (5, "meta", "ok", 2),
        (6, "Behind", "ok", 2),
        (7, "Behind", "changed", 2),
        (None, "Doubtful", "begun", 2),
    ]
    run = found["run"]
    assert (run["run"], run["status"], run["account"], run["resume"]) == (
        "r1",
        "killed",
        "123456789012",
        "runbook resume r1",
    )
    assert [(time["status"], time["exit_code"]) for time in run["times"]] == [("failed", 2), ("killed", None)]


def test_effects_say_what_came_of_each_try() -> None:
    found = told(*RUN)
    tries = [(e["key"], e["attempt"], e["state"], e["error"]) for s in found["steps"] for e in s["effects"]]
    assert tries == [
        ("update", 1, "refused", "throttled"),
        ("update", 2, "absent", None),
        ("update", 3, "done", None),
        ("tag", 1, "settled", None),
        ("two/run", 1, "in_doubt", None),
    ]
    (doubt,) = found["in_doubt"]
    assert (doubt["task"], doubt["host"], doubt["key"], doubt["asks"]) == (
        "Doubtful",
        "web1",
        "two/run",
        True,
    )


def test_values_that_json_lacks_and_secrets_look_as_in_events() -> None:
    scaled = told(*RUN)["steps"][2]
    assert scaled["result"]["password"] == {"$secret": "argument"}
    assert scaled["result"]["raw"] == {"$bytes": "/w=="}
    assert scaled["changes"][0] == {
        "action": "update",
        "resource": CLUSTER,
        "before": {"replicas": 0},
        "after": {"replicas": 1},
        "reason": "1 replica is asked for",
        "warnings": [],
        "compared": False,
    }


def test_what_is_being_done_now_is_not_in_doubt() -> None:
    found = told(*RUN, running=True)
    assert found["in_doubt"] == []
    assert found["steps"][-1]["effects"][0]["state"] == "begun"


def test_a_failed_step_that_was_done_again_leaves_no_doubt() -> None:
    doubtful = (header(), intent("a@h"), step("a@h", FAILED))
    assert [doubt["key"] for doubt in told(*doubtful)["in_doubt"]] == ["send"]
    assert told(*doubtful, header(), step("a@h"))["in_doubt"] == []


def test_the_list_of_runs_keeps_its_schema(state: Path) -> None:
    with SqliteReader(state) as reader:
        found = json.loads(runs_list.as_json(reader.runs(), None, lambda _: ()))
    Draft202012Validator(runs_list.schema()).validate(found)
    assert [(run["run"], run["status"]) for run in found] == [("r1", "killed")]


# ---------------------------------------------------------------- large, and going on


def test_steps_stream() -> None:
    taken = 0

    def many() -> Iterator[Entry]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield Entry(2 * number, NOON, intent(str(number)))
            yield Entry(2 * number + 1, NOON, step(str(number)))

    steps = iter(JournalSteps(many()))
    for number in range(1000):
        assert next(steps).number == number + 1
        assert taken == number + 1


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with SqliteJournal(state, command=["runbook", "play", "x"]) as journal:
        journal.begin(header(started=NOON + timedelta(days=9999)))
        journal.commit(step("a@h"))
        with SqliteReader(state) as reader:
            (run,) = reader.runs()
            writer = WriterLock.held_by(state)
            assert writer is not None
            assert runs_list.status_of(run, run.times[-1], writer) == "running"
            assert len(list(JournalSteps(reader.entries("r1")))) == 1
            journal.commit(step("b@h"))
            assert len(list(JournalSteps(reader.entries("r1")))) == 2
    assert WriterLock.held_by(state) is None


def test_who_looks_keeps_no_writer_out(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    for _ in range(5):
        assert WriterLock.held_by(state) is None
        WriterLock(state).release()


def test_a_run_that_another_process_does_not_write_was_killed() -> None:
    run = summary()
    later = Holder(pid=1, machine="m", since=NOON + timedelta(seconds=1), command="runbook play other.yml")
    assert runs_list.status_of(run, run.times[-1], later) == "killed"
    assert runs_list.status_of(run, run.times[-1], replace_since(later)) == "running"


def replace_since(holder: Holder) -> Holder:
    return Holder(pid=holder.pid, machine=holder.machine, since=NOON, command=holder.command)


# ---------------------------------------------------------------- names


def test_a_run_is_named_by_the_beginning_of_its_name_or_as_the_last() -> None:
    runs = [summary(RunTime(header=header(name))) for name in ("0301-aa", "0301-ab", "0302-c", "03")]
    assert find_run(runs, "0302").run == "0302-c"
    assert find_run(runs, "0301-aa").run == "0301-aa"
    assert find_run(runs, "03").run == "03", "a whole name wins"
    with pytest.raises(UsageError, match="beginning of 2 runs: 0301-aa, 0301-ab"):
        find_run(runs, "0301")
    with pytest.raises(UsageError, match="There is no run 'x'"):
        find_run(runs, "x")
    with pytest.raises(UsageError, match="There is no run 'last'"):
        find_run([], "last")


def test_the_command(tmp_path: Path, state: Path) -> None:
    desk = Desk(tmp_path)
    told = desk.run("show", "--state", str(state))
    assert (told.code, told.stderr) == (0, "")
    assert "    3  changed: [web1] Scale (42.6 s): 2 nodes" in told.stdout
    assert "Step 3 [web1] Scale" in desk.run("show", "r", "3", "--state", str(state)).stdout
    both = desk.run("show", "last", "Sc*", "--state", str(state)).stdout
    assert both.index("Step 2 [web1] Scale") < both.index("Step 3 [web1] Scale")
    missing = desk.run("show", "r1", "Scald", "--state", str(state))
    assert (missing.code, "Did you mean 'Scale'?" in missing.stderr) == (1, True)
    found = json.loads(desk.run("show", "r1", "Scale", "--output", "json", "--state", str(state)).stdout)
    assert [step["number"] for step in found["steps"]] == [2, 3]
    schema = json.loads(desk.run("schema", "run").stdout)
    Draft202012Validator(schema).validate(found)


# ---------------------------------------------------------------- journals of earlier days


def test_the_first_journals_can_be_read_and_gone_on_with(tmp_path: Path) -> None:
    """Written by the first version that kept a journal."""
    state = tmp_path / "state.db"
    script = (Path(__file__).parents[1] / "golden" / "journal" / "first.sql").read_text()
    with closing(sqlite3.connect(state)) as connection:
        connection.executescript(script)
    with SqliteReader(state) as reader:
        (run,) = reader.runs()
        steps = list(JournalSteps(reader.entries(run.run)))
        history = History(reader.records(run.run))
    assert [(told.task, str(told.outcome.status)) for told in steps if told.outcome] == [
        ("one", "changed"),
        ("facts", "ok"),
        ("inc", "ok"),
        ("inner", "ok"),
        ("host", "changed"),
        ("fails", "failed"),
    ]
    assert [told.effects[0].state for told in steps if told.effects] == ["done", "done"]
    done = history.finished(steps[1].step)
    assert done is not None
    assert done.facts == {"a": {"b": [1, 2]}}
    shown = Desk(tmp_path).run("show", "--state", str(state)).stdout
    assert "FAILED [localhost] fails" in shown
    assert "Done: 5 steps, 2 changed." in shown


def test_a_run_is_resumed_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "play.yml").write_text("- {hosts: localhost, tasks: [{command: test -e gate}]}\n")
    assert desk.run("play", "play.yml").code == 2
    (tmp_path / "gate").touch()
    (found,) = json.loads(desk.run("runs", "--output", "json").stdout)
    assert desk.run("resume", found["run"][:-2]).code == 0
    assert "is finished" in desk.run("resume", "last").stderr
