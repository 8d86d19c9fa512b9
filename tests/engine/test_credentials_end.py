"""Credentials that will end before the run usually does are told before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from runbook.contract import Identity, Target
from runbook.credentials_end import usual, warning
from runbook.journal import RunEnded, RunSummary, RunTime
from runbook.preflight import Destination

from tests.support.records import NOON, header, summary


def run(*seconds: float, status: str = "done", name: str = "r0", **fields: str) -> RunSummary:
    """One that was at work that many times."""
    ends = [
        RunEnded(status="stopped", exit_code=4, ended=NOON, seconds=each)
        if number < len(seconds)
        else RunEnded(status=status, exit_code=0, ended=NOON, seconds=each)  # type: ignore[arg-type]
        for number, each in enumerate(seconds, 1)
    ]
    return summary(*(RunTime(header=header(name, target="aws", **fields), ended=end) for end in ends))


def where(*minutes: float | None) -> list[Destination]:
    """Credentials that end that many minutes after noon."""
    return [
        Destination(
            Target(region="eu-west-2"),
            Identity("1", f"arn:{n}", "eu-west-2", None if n is None else NOON + timedelta(minutes=n)),
        )
        for n in minutes
    ]


def told(
    places: Sequence[Destination], *runs: RunSummary, name: str = "r9", now: datetime = NOON
) -> str | None:
    return warning(places, header(name, target="aws"), lambda: runs, now)


def test_the_middle_of_the_last_runs_that_were_finished_is_usual() -> None:
    runs = [run(n) for n in (9000, 100, 20, 400, 300, 200)]
    assert usual(runs, header(target="aws")) == 200
    assert usual([run(10, 20, 30)], header(target="aws")) == 60, "all times of a run together"
    others = [run(1, status="failed"), run(1, playbook="other.yml"), summary()]
    assert usual(others, header(target="aws")) is None
    assert usual([run(60)], header(target="sandbox abc")) is None, "its clock is a faster one"


def test_credentials_that_last_are_not_told() -> None:
    assert told(where(None), run(3600)) is None
    assert told(where(61), run(3600)) is None
    assert told(where(1)) is None, "nobody knows how long it takes"


def test_credentials_that_end_before_are_told() -> None:
    text = told(where(90, 14, None), run(3600))
    assert text is not None
    assert text.startswith(
        "The AWS credentials of arn:14 end at 2026-03-01 12:14:00 UTC, in 14 min 00 s; a run of this playbook "
        "usually takes 1 h 00 min."
    )
    assert "`runbook resume` goes on" in text


def test_of_a_run_that_goes_on_only_the_rest_counts() -> None:
    begun = run(3000, status="stopped", name="r9")
    assert told(where(14), run(3600), begun) is None
    assert told(where(9), run(3600), begun) is not None


def test_runs_are_not_read_when_no_end_is_known() -> None:
    def refuse() -> Sequence[RunSummary]:
        pytest.fail("read for nothing")

    assert warning(where(None), header(), refuse) is None
