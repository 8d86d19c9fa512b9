"""Counts of steps as Ansible counts them, and the exit code that a run comes to."""

from __future__ import annotations

import pytest
from runbook.events import Tally
from runbook.model import Outcome, Status
from runbook.tallies import Tallies


def ended(status: Status, *, ignored: bool = False) -> Outcome:
    return Outcome(status=status, result={}, ignored=ignored)


def test_a_changed_step_is_ok_too_and_an_ignored_failure_is_ok_and_ignored() -> None:
    tallies = Tallies()
    tallies.count("a", ended(Status.CHANGED))
    tallies.count("a", ended(Status.OK))
    tallies.count("a", ended(Status.SKIPPED))
    tallies.count("a", ended(Status.FAILED, ignored=True))
    assert tallies.hosts["a"] == Tally(ok=3, changed=1, skipped=1, ignored=1)
    assert tallies.exit_code == 0
    assert tallies.changed


def test_a_rescued_failure_does_not_count_as_failed() -> None:
    tallies = Tallies()
    tallies.count("a", ended(Status.FAILED), rescued=True)
    tallies.end("a", failed=False)
    assert tallies.hosts["a"] == Tally(rescued=1)
    assert tallies.exit_code == 0


@pytest.mark.parametrize(
    ("statuses", "stopped", "code"),
    [
        ([Status.FAILED], None, 2),
        ([Status.UNREACHABLE], None, 4),
        ([Status.FAILED, Status.UNREACHABLE], None, 4),
        ([Status.FAILED], 4, 4),
        ([Status.OK], 4, 4),
        ([Status.UNREACHABLE], 1, 1),
    ],
)
def test_the_worst_exit_code_wins(statuses: list[Status], stopped: int | None, code: int) -> None:
    tallies = Tallies()
    for number, status in enumerate(statuses):
        host = f"host{number}"
        tallies.count(host, ended(status))
        tallies.end(host, failed=status is not Status.OK)
    if stopped is not None:
        tallies.stop(stopped)
    assert tallies.exit_code == code


def test_an_ignored_failure_that_changed_something_counts_as_changed() -> None:
    tallies = Tallies()
    tallies.count("a", Outcome(status=Status.FAILED, result={"changed": True}, ignored=True))
    assert tallies.hosts["a"] == Tally(ok=1, changed=1, ignored=1)
    assert tallies.changed


def test_a_host_that_failed_with_the_others_without_a_step_of_its_own() -> None:
    tallies = Tallies()
    tallies.end("idle", failed=True)
    assert tallies.hosts == {}
    assert tallies.exit_code == 2


def test_forgiven_hosts_have_not_failed() -> None:
    tallies = Tallies()
    for host in ("a", "b"):
        tallies.count(host, ended(Status.FAILED))
        tallies.end(host, failed=True)
    tallies.forgive(["a"])
    assert tallies.exit_code == 2
    tallies.forgive(["b"])
    assert tallies.exit_code == 0
