"""The loop: what computes runs in it, what waits runs beside it, and a cancelled run stops within a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from runbook.context import Permits
from runbook.errors import Position, Stopped
from runbook.model import Outcome, Status, Task
from runbook.scheduler import Lane, Linear, Scheduler
from runbook.walk import Trail, Verdict, walk_play

OK = Outcome(status=Status.OK, result={})


def task(name: str) -> Task:
    return Task(module="m", args={}, position=Position("p", 1, 1), identity=name, name=name)


@dataclass
class Recorder:
    """Conducts lanes whose tasks are functions of host and task name."""

    work: Callable[[str, str], Outcome]
    slow: bool = True
    ended: list[tuple[str, str]] = field(default_factory=list)

    def prepare(self, lane: Lane) -> Callable[[], Outcome] | None:
        assert lane.slot is not None
        name = str(lane.slot.task.name)
        return lambda: self.work(lane.host, name)

    def waits(self, lane: Lane) -> bool:
        return self.slow

    def settle(self) -> None:
        pass

    def finish(self, lane: Lane, outcome: Outcome) -> None:
        assert lane.slot is not None
        self.ended.append((lane.host, str(lane.slot.task.name)))
        lane.advance(Verdict(failed=outcome.failed))


def run(
    recorder: Recorder, hosts: str, tasks: str, *, forks: int = 10, cancel: threading.Event | None = None
) -> None:
    lanes = [
        Lane(host, walk_play([task(name) for name in tasks], [], trail, chain=""), trail)
        for host, trail in ((host, Trail()) for host in hosts)
    ]
    scheduler = Scheduler(conduct=recorder, permits=Permits(forks), cancel=cancel or threading.Event())
    try:
        scheduler.run(lanes, Linear())
    finally:
        scheduler.close()


def test_hosts_wait_side_by_side() -> None:
    def work(_host: str, _name: str) -> Outcome:
        time.sleep(0.2)
        return OK

    began = time.monotonic()
    run(Recorder(work), "abcde", "x")
    assert time.monotonic() - began < 0.6


def test_forks_bound_how_many_work_at_once() -> None:
    at_once = [0, 0]
    lock = threading.Lock()

    def work(_host: str, _name: str) -> Outcome:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        time.sleep(0.02)
        with lock:
            at_once[0] -= 1
        return OK

    run(Recorder(work), "abcdef", "xy", forks=2)
    assert at_once[1] == 2


def test_what_only_computes_runs_in_the_loop() -> None:
    threads = set()

    def work(_host: str, _name: str) -> Outcome:
        threads.add(threading.current_thread())
        return OK

    run(Recorder(work, slow=False), "ab", "xyz")
    assert threads == {threading.current_thread()}


def test_a_cancelled_run_stops_within_a_second_and_records_what_ended() -> None:
    cancel = threading.Event()

    def work(host: str, _name: str) -> Outcome:
        if host == "a":
            cancel.set()
            return OK
        cancel.wait(30)
        raise Stopped("interrupted while it waited")

    recorder = Recorder(work)
    began = time.monotonic()
    with pytest.raises(Stopped):
        run(recorder, "ab", "xy", cancel=cancel)
    assert time.monotonic() - began < 1.5
    assert recorder.ended in ([], [("a", "x")])


def test_what_stops_one_step_stops_the_run_and_the_others_are_recorded() -> None:
    def work(host: str, _name: str) -> Outcome:
        if host == "a":
            time.sleep(0.1)
            raise Stopped("credentials have expired")
        time.sleep(0.2)
        return OK

    recorder = Recorder(work)
    with pytest.raises(Stopped, match="expired"):
        run(recorder, "ab", "xy")
    assert recorder.ended == [("b", "x")]


def test_a_mistake_in_a_step_is_raised_not_swallowed() -> None:
    def work(_host: str, _name: str) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Recorder(work), "a", "x")
