"""Events reach every reporter in order, off the hot path, and a broken reporter does not stop a run."""

from __future__ import annotations

import threading
import time

import pytest
import runbook.report
from runbook.events import Event, Notice
from runbook.report import Reports


class Listener:
    """Keeps what it was told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.told: list[str] = []
        self.ticks = 0
        self.closed = 0
        self.failure = failure
        self.thread = ""

    def tell(self, event: Event) -> None:
        assert isinstance(event, Notice)
        self.thread = threading.current_thread().name
        self.told.append(event.message)
        if self.failure and len(self.told) == 2:
            raise self.failure

    def tick(self) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.closed += 1


def test_every_reporter_is_told_everything_in_order() -> None:
    one, other = Listener(), Listener()
    with Reports([one, other]) as reports:
        for number in range(1_000):
            reports.tell(Notice(message=str(number)))
    assert one.told == other.told == [str(number) for number in range(1_000)]
    assert (one.closed, other.closed) == (1, 1)
    assert one.thread == "reports"


def test_what_was_told_is_shown_when_a_run_crashes() -> None:
    listener = Listener()

    def crash() -> None:
        with Reports([listener]) as reports:
            reports.tell(Notice(message="before"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    assert listener.told == ["before"]


def test_flush_waits_until_all_is_shown() -> None:
    listener = Listener()
    with Reports([listener]) as reports:
        for number in range(100):
            reports.tell(Notice(message=str(number)))
        reports.flush()
        assert len(listener.told) == 100


def test_nobody_reading_any_more_does_not_stop_a_run() -> None:
    gone, other = Listener(BrokenPipeError()), Listener()
    with Reports([gone, other]) as reports:
        for number in range(10):
            reports.tell(Notice(message=str(number)))
    assert len(gone.told) == 2
    assert len(other.told) == 10


def test_a_mistake_of_a_reporter_is_raised_at_the_end() -> None:
    wrong, other = Listener(KeyError("x")), Listener()
    reports = Reports([wrong, other])
    for number in range(10):
        reports.tell(Notice(message=str(number)))
    with pytest.raises(KeyError):
        reports.close()
    assert len(other.told) == 10
    assert other.closed == 1
    reports.close()  # once is enough


def test_time_goes_by_for_a_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbook.report, "TICK", 0.01)
    listener = Listener()
    with Reports([listener]):
        deadline = time.monotonic() + 5
        while listener.ticks < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_to_tell_costs_little() -> None:
    with Reports([Listener()]) as reports:
        event = Notice(message="x")
        began = time.perf_counter()
        for _ in range(10_000):
            reports.tell(event)
        assert (time.perf_counter() - began) / 10_000 < 50e-6  # 1 µs alone on the machine
