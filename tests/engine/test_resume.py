"""What a run that goes on knows of what was done, and which run it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from runbook.journal import Record, RunEnded, RunHeader, RunSummary, RunTime
from runbook.model import Status
from runbook.resume import History, pick

from tests.support.records import NOON, ended, header, intent, item, landed, outcome, step


def test_a_finished_step_is_answered_with_its_outcome() -> None:
    history = History([header(), step("a", outcome(Status.CHANGED, n=1)), step("b", outcome(Status.SKIPPED))])
    assert history.finished("a") == outcome(Status.CHANGED, n=1)
    assert history.finished("b") == outcome(Status.SKIPPED)
    assert history.finished("c") is None
    assert len(history) == 2


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNREACHABLE])
def test_a_failed_step_is_to_be_run_again(status: Status) -> None:
    history = History([step("a", outcome(status))])
    assert history.finished("a") is None
    recorded = history.recorded("a")
    assert recorded is not None
    assert recorded.outcome.status is status


def test_a_failure_that_the_run_went_on_from_is_finished() -> None:
    ignored = replace(outcome(Status.FAILED), ignored=True)
    history = History([step("a", ignored), step("b", outcome(Status.FAILED), rescued=True)])
    assert history.finished("a") == ignored
    assert history.finished("b") == outcome(Status.FAILED)


def test_a_later_record_of_a_step_wins() -> None:
    history = History([step("a", outcome(Status.FAILED)), header(), step("a", outcome(Status.OK, n=2))])
    assert history.finished("a") == outcome(Status.OK, n=2)


def test_finished_items_are_told_with_equal_ones_apart() -> None:
    history = History(
        [
            item("a", "x", 0, outcome(n=1)),
            item("a", "x", 1, outcome(n=2)),
            item("a", "y", 0, outcome(Status.FAILED)),
        ]
    )
    assert history.items("a") == {("x", 0): outcome(n=1), ("x", 1): outcome(n=2)}
    assert history.items("b") == {}


def test_an_intent_without_an_outcome_is_in_doubt() -> None:
    history = History(
        [
            intent("a", "send", 1),
            landed("a", "send", 1, error="throttled"),
            intent("a", "send", 2),
            intent("a", "wait"),
            landed("a", "wait", result=7),
        ]
    )
    assert history.effect("a", "send") == intent("a", "send", 2)
    assert history.effect("a", "wait") == landed("a", "wait", result=7)
    assert history.effect("b", "send") is None
    assert history.in_doubt() == (intent("a", "send", 2),)


def test_a_failed_step_is_run_again_as_a_whole_with_another_token() -> None:
    failed = outcome(Status.FAILED)
    history = History([intent("a"), landed("a", result=1), step("a", failed), intent("b"), step("b", failed)])
    again = history.effect("a", "send")
    assert again == landed("a", "send", 1, error="the step failed after it")
    assert history.effect("b", "send") == intent("b")  # still in doubt


@pytest.mark.parametrize(
    "end", [step("a"), step("a", outcome(Status.FAILED), rescued=True)], ids=["done", "rescued"]
)
def test_what_a_finished_step_did_stays_done(end: Record) -> None:
    history = History([intent("a"), landed("a", result=1), end])
    assert history.effect("a", "send") == landed("a", result=1)


def test_a_run_that_goes_on_has_not_ended() -> None:
    records: list[Record] = [header(), ended("failed", 2)]
    assert History(records).ended == ended("failed", 2)
    going_on = History([*records, header()])
    assert going_on.ended is None
    assert len(going_on.headers) == 2


def test_a_hundred_thousand_steps_are_folded_under_a_second() -> None:
    records = [step(f"play/{number}") for number in range(100_000)]
    began = time.process_time()
    assert len(History(records)) == 100_000
    assert time.process_time() - began < 1.0


def summary(run: str, end: RunEnded | None = None, **fields: Any) -> RunSummary:
    return RunSummary(times=(RunTime(header=header(run, **fields), ended=end),), last_written=NOON)


UNFINISHED = [None, ended("failed", 2), ended("stopped", 4)]


@pytest.mark.parametrize("end", UNFINISHED, ids=["killed", "failed", "stopped"])
def test_the_unfinished_run_is_gone_on_with(end: RunEnded | None) -> None:
    chosen = pick([summary("r1", ended()), summary("r2", end)], header("new"))
    assert chosen is not None
    assert chosen.run == "r2"


@pytest.mark.parametrize(
    "runs",
    [[], [summary("r1", ended())], [summary("r1"), summary("r2", ended())]],
    ids=["none", "finished", "finished by a later run"],
)
def test_otherwise_a_new_run_begins(runs: Sequence[RunSummary]) -> None:
    assert pick(runs, header("new")) is None


@pytest.mark.parametrize(
    "other",
    [
        {"playbook": "other.yml"},
        {"inventory": ("inventory/aws.yml",)},
        {"extra_vars_digest": "e2"},
        {"limit": "web"},
        {"tags": ("data",)},
        {"skip_tags": ("slow",)},
        {"account": "999"},
        {"region": "us-east-1"},
        {"target": "another sandbox"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_run_started_another_way_is_left_alone(other: dict[str, Any]) -> None:
    assert pick([summary("r1", **other)], header("new")) is None
    chosen = pick([summary("r0"), summary("r1", **other)], header("new"))
    assert chosen is not None
    assert chosen.run == "r0"


def test_an_edited_playbook_or_inventory_goes_on() -> None:
    edited: RunHeader = header("new", playbook_digest="p2", inventory_digest="i2", tags=("a", "b"))
    chosen = pick([summary("r1", tags=("b", "a"))], edited)
    assert chosen is not None
