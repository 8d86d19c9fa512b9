"""The clock: AWS's time runs `speed` times as fast as real time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from runbook.sandbox.clock import Clock


def test_simulated_time_runs_speed_times_as_fast() -> None:
    real = [100.0]
    clock = Clock(50.0, real_monotonic=lambda: real[0])
    began = clock.now()
    real[0] += 2.0
    assert clock.monotonic() == 100.0
    assert clock.now() - began == timedelta(seconds=100)
    assert clock.at(100.0) == clock.now()


def test_a_real_time_after_the_start_is_stretched_and_one_before_is_not() -> None:
    clock = Clock(50.0)
    now = datetime.now(UTC)
    later = clock.simulated(now + timedelta(seconds=10))
    assert timedelta(seconds=490) < later - now < timedelta(seconds=510)
    before = now - timedelta(days=1)
    assert clock.simulated(before) == before
    assert clock.simulated(before.replace(tzinfo=None)) == before


def test_sleeping_takes_the_simulated_time() -> None:
    clock, began = Clock(1000.0), time.monotonic()
    clock.sleep(100)
    assert 0.1 <= time.monotonic() - began < 2.0


def test_waiting_ends_with_the_event_or_the_time() -> None:
    clock, event = Clock(1000.0), threading.Event()
    assert clock.wait(event, 10) is False
    event.set()
    assert clock.wait(event, 1_000_000) is True


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_time_does_not_stand_still(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(speed)
