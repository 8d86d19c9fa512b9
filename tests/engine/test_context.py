"""What a step hands to its module: waiting, shared reads, effects only where they are allowed, a person to ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from runbook.context import SharedReads
from runbook.contract import Ready, Target, Waiting
from runbook.errors import Failed, Stopped
from runbook.events import Notice
from runbook.model import Action, Change
from runbook.planned import PlannedWorld

from tests.support.step_context import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_poll_gives_what_was_waited_for_and_tells_its_progress(bench: Bench) -> None:
    answers: Iterator[Any] = iter([Waiting("creating", 10.0), Waiting("creating", 90.0), Ready("here")])

    with bench.permits.held():
        found = bench.context().poll("cluster", lambda: next(answers), timeout=600, interval=5)

    assert found == "here"
    assert bench.phases == [("cluster: creating", 10.0), ("cluster: creating", 90.0)]


def test_poll_ends_when_its_time_is_over_by_the_targets_clock(bench: Bench) -> None:
    began = time.monotonic()
    with bench.permits.held(), pytest.raises(Failed) as ended:
        bench.context().poll("cluster", lambda: Waiting("creating"), timeout=100, interval=30)

    assert time.monotonic() - began < 5
    assert "cluster: still creating after 100 seconds" in str(ended.value)
    assert len(bench.phases) >= 2


def test_a_cancelled_run_waits_no_longer(bench: Bench) -> None:
    threading.Timer(0.05, bench.cancel.set).start()
    began = time.monotonic()

    with bench.permits.held(), pytest.raises(Stopped):
        bench.context(target=Target()).sleep(30)
    assert time.monotonic() - began < 5


def test_who_waits_gives_its_place_to_others(bench: Bench) -> None:
    worked = threading.Event()

    def other() -> None:
        with bench.permits.held():
            worked.set()

    with bench.permits.held():
        thread = threading.Thread(target=other)
        thread.start()
        assert not worked.wait(0.05)
        bench.context(target=Target()).sleep(0.3)
        assert worked.is_set()
    thread.join()


def test_a_run_that_ends_does_not_wait_for_a_place(bench: Bench) -> None:
    taken, done = threading.Event(), threading.Event()

    def hog() -> None:
        with bench.permits.held():
            taken.set()
            done.wait(10)

    thread = threading.Thread(target=hog)
    with bench.permits.held(), bench.permits.given_back(bench.cancel):
        thread.start()
        assert taken.wait(5)
        bench.cancel.set()
    assert thread.is_alive()
    done.set()
    thread.join()


def test_a_module_that_only_looks_can_change_nothing(bench: Bench) -> None:
    called: list[str] = []

    with pytest.raises(Failed, match="while it only looks"):
        bench.context().effect("create", lambda _intent: called.append("x"))
    assert called == []
    assert bench.context(acts=True).effect("create", lambda _intent: 7) == 7


def test_another_resource_is_read_once_for_a_task_and_again_after_an_effect(bench: Bench) -> None:
    reads: list[int] = []

    def read() -> int:
        reads.append(1)
        return len(reads)

    context = bench.context(acts=True)
    assert [context.observe("db", read), context.observe("db", read)] == [1, 1]
    context.effect("create", lambda _intent: None)
    assert context.observe("db", read) == 2


def test_a_failed_effect_makes_reads_stale_too(bench: Bench) -> None:
    context = bench.context(acts=True)
    context.observe("db", lambda: "old")

    def refuse(_intent: object) -> None:
        raise Failed("half of it")

    with pytest.raises(Failed, match="half of it"):
        context.effect("create", refuse)
    assert context.observe("db", lambda: "new") == "new"


def test_the_same_name_in_another_region_is_read_there(bench: Bench) -> None:
    here = bench.context()
    there = replace(here, target=Target(region="us-east-1"))

    assert here.observe("db", lambda: "eu") == "eu"
    assert there.observe("db", lambda: "us") == "us"


def test_what_was_being_read_during_an_effect_is_not_kept() -> None:
    reads = SharedReads()

    def read() -> str:
        reads.forget()
        return "stale"

    assert reads.get(None, "db", read) == "stale"
    assert reads.get(None, "db", lambda: "fresh") == "fresh"


def test_in_a_dry_run_other_resources_are_seen_as_planned() -> None:
    bench = Bench(planned=PlannedWorld())
    context = bench.context()
    assert bench.planned is not None
    bench.planned.note(context.target, Change(action=Action.CREATE, resource="db/a", after="planned"))

    assert context.observe("db/a", lambda: "real") == "planned"
    assert context.observe("db/b", lambda: "real") == "real"
    assert context.planned("db/") == ("db/a",)
    assert Bench().context().planned("db/") == ()


def test_a_person_is_asked_without_holding_a_place(bench: Bench) -> None:
    with bench.permits.held():
        assert bench.context().ask("sure?") == "answer to sure?"


def test_a_warning_names_task_and_host(bench: Bench) -> None:
    bench.context().warn("odd")

    assert bench.events == [Notice(message="wait (web): odd")]
