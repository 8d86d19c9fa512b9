"""Runs `runbook` with all that it writes recorded (files, folders, processes), by the interpreter's own hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.cli import Desk, Ended

DRIVER = """
import json, os, sys
out = int(os.environ["WATCHED"])
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
NAMES = {
    "os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.system", "os.exec", "os.posix_spawn",
    "subprocess.Popen", "sqlite3.connect", "shutil.rmtree", "shutil.move", "shutil.copyfile",
}
def hook(name, args):
    if name in NAMES or (name == "open" and isinstance(args[2], int) and args[2] & WRITES):
        if name == "open" and isinstance(args[0], int):
            return
        told = [os.fsdecode(a) if isinstance(a, (bytes, os.PathLike)) else a for a in args]
        os.write(out, (json.dumps([name, told], default=str) + "\\n").encode())
sys.addaudithook(hook)
from runbook.cli import main
main()
"""


@dataclass(frozen=True)
class Watched:
    """How a command ended, and what it wrote: the event's name with its arguments."""

    ended: Ended
    writes: tuple[tuple[str, tuple[str, ...]], ...]


def watch(desk: Desk, *words: str) -> Watched:
    """Run a command of `runbook` at a desk, watched."""
    record = desk.folder.parent / f"{desk.folder.name}.watched"
    with record.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, *words],
            cwd=desk.folder,
            env={**desk.environment, "WATCHED": str(file.fileno())},
            pass_fds=[file.fileno()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    told = [json.loads(line) for line in record.read_text().splitlines()]
    record.unlink()
    return Watched(
        Ended(done.returncode, done.stdout, done.stderr),
        tuple((name, tuple(map(str, args))) for name, args in told),
    )


def tree(*folders: Path, without: str = "sandbox") -> dict[str, tuple[int, int, int]]:
    """Every file and folder below, with mode, size and time of change."""
    found = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            parts = path.relative_to(folder).parts
            if without in parts[:1] or "__pycache__" in parts:
                continue
            told = path.lstat()
            found[os.fspath(path)] = (told.st_mode, told.st_size, told.st_mtime_ns)
    return found
