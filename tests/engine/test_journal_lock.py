"""One writer at a time, and the one who finds it locked is told by whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runbook.errors import JournalError
from runbook.journal_lock import WriterLock

HOLD = """
import sys, time
from pathlib import Path
from runbook.journal_lock import WriterLock
lock = WriterLock(Path(sys.argv[1]), ["/usr/bin/runbook", "play", "lab.yml"])
print("held", flush=True)
time.sleep(60)
"""


def held_by_another(state: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(state)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_the_second_writer_is_told_who_holds_it(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with held_by_another(state) as child:
        try:
            with pytest.raises(JournalError) as caught:
                WriterLock(state)
        finally:
            child.kill()
    message = str(caught.value)
    assert str(state) in message
    assert f"process {child.pid} on " in message
    assert "(runbook play lab.yml)" in message
    assert "--state" in message
    assert "since 20" in message


def test_a_refused_writer_leaves_the_holder_named(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with held_by_another(state) as child:
        try:
            for _ in range(2):
                with pytest.raises(JournalError, match=f"process {child.pid}"):
                    WriterLock(state)
        finally:
            child.kill()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_dead_writers_lock_is_free_at_once(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with held_by_another(state) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
    began = time.monotonic()
    lock = WriterLock(state, ["runbook", "resume"])
    assert time.monotonic() - began < 1
    holder = WriterLock.holder(state)
    assert holder is not None
    assert (holder.pid, holder.command) == (os.getpid(), "runbook resume")
    lock.release()


def test_a_released_lock_is_free_and_names_nobody(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    WriterLock(state).release()
    assert WriterLock.holder(state) is None
    WriterLock(state).release()


def test_the_same_process_cannot_write_twice(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    lock = WriterLock(state)
    with pytest.raises(JournalError, match=f"process {os.getpid()}"):
        WriterLock(state)
    lock.release()


def test_an_unreadable_holder_is_another_process(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    lock = WriterLock(state)
    (tmp_path / "state.db.holder").write_text("{")
    with pytest.raises(JournalError, match="another process"):
        WriterLock(state)
    lock.release()
