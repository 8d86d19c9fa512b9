"""Children end with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from runbook.sandbox.tethered import Tethered


def _gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        except FileNotFoundError:
            pass  # no /proc here, or gone this moment
        time.sleep(0.02)
    return False


def test_a_child_runs_in_its_folder_writes_its_log_and_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Tethered(["sh", "-c", "pwd; echo oops >&2; exec sleep 60"], cwd=tmp_path, log=log)
    assert child.alive
    while "oops" not in log.read_text():
        time.sleep(0.01)
    assert log.read_text().splitlines() == [str(tmp_path), "oops"]
    child.kill()
    assert not child.alive
    assert _gone(child.pid)
    child.kill()


def test_a_child_that_ends_by_itself_is_seen_to_have_ended(tmp_path: Path) -> None:
    child = Tethered(["true"], cwd=tmp_path, log=tmp_path / "log")
    while child.alive:
        time.sleep(0.01)
    child.kill()


def test_a_command_that_does_not_exist_ends_with_its_reason_in_the_log(tmp_path: Path) -> None:
    child = Tethered(["/nowhere/valkey-server"], cwd=tmp_path, log=tmp_path / "log")
    while child.alive:
        time.sleep(0.01)
    assert "/nowhere/valkey-server" in (tmp_path / "log").read_text()


def test_a_child_dies_even_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, time\n"
        "from runbook.sandbox.tethered import Tethered\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "print(Tethered(['sleep', '60'], cwd=here, log=here / 'log').pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
    assert _gone(pid)
