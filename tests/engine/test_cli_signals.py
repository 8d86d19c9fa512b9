"""Once, a signal stops the run; twice, it ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from runbook.cli_signals import stopping

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_one_cancels_and_is_told(number: str) -> None:
    cancel, told = threading.Event(), threading.Event()

    with stopping(cancel, told.set):
        os.kill(os.getpid(), getattr(signal, number))
        assert cancel.wait(5)
        assert told.wait(5)


def test_handlers_are_as_they_were_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stopping(threading.Event(), lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before[0]

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    cancel = threading.Event()
    try:
        with stopping(cancel, lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not cancel.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_second_one_ends_the_process_at_once_even_when_a_failure_cancelled_before() -> None:
    code = """if True:
        import os, signal, threading, time
        from runbook.cli_signals import stopping
        cancel = threading.Event()
        with stopping(cancel, lambda: print("told", flush=True)):
            cancel.set()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
            print("still here", flush=True)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )

    assert done.returncode == 4
    assert done.stdout == "told\nstill here\n"


def test_another_thread_takes_no_signals() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with stopping(threading.Event(), lambda: None):
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
