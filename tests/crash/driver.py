"""Plays `runbook` in processes that can be killed at a chosen point.

`python -m tests.crash.driver` reads one JSON line for each process, plays it in a fork of itself, and answers with
its exit code (-9: killed). The fork saves the seconds in which Python imports; everything else is as in a process
of its own: it has its own folder, environment and output, and ends through the command line's `main`.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.crash.points import KINDS, Death, parse, watch

KILLED = -9
"""The exit code of a process that was killed."""

ROOT = Path(__file__).parent.parent.parent


class Driver:
    """The process that forks, as the tests use it. One process at a time."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.driver"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.communicate()

    def play(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        tell: Path | None = None,
        death: Death | None = None,
        kinds: Sequence[str] = KINDS,
        file_limit: int | None = None,
    ) -> int:
        """`runbook WORDS` in `folder`: its exit code.

        `tell`: where the points that it passes are written. `file_limit`: bytes that a file may have, beyond which
        writing fails as on a full disk.
        """
        order = {
            "words": list(words),
            "folder": str(folder),
            "environment": dict(environment),
            "output": str(output),
            "tell": str(tell) if tell else None,
            "death": death if isinstance(death, int) else str(death or ""),
            "kinds": list(kinds),
            "file_limit": file_limit,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


# ---------------------------------------------------------------- in the process that forks


def serve() -> None:
    """Play what is ordered until nobody orders any more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _play(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _play(order: Mapping[str, Any]) -> None:
    """Be the process. Does not return."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    _stand_alone(order["output"])
    if order["file_limit"] is not None:
        _limit_files(order["file_limit"])
    death = order["death"]
    if isinstance(death, str):
        death = parse(death) if death else None
    watch(order["kinds"], Path(order["tell"]) if order["tell"] else None, death)
    sys.argv = ["runbook", *order["words"]]
    from runbook.cli import main

    try:
        main()
    finally:  # `main` leaves by SystemExit; nothing of the server's is to run in its fork
        code = sys.exc_info()[1]
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code.code if isinstance(code, SystemExit) and isinstance(code.code, int) else 1)


def _stand_alone(output: str) -> None:
    """The streams of a process of its own."""
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, number in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(stream, number)


def _limit_files(size: int) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing then fails with an error, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _prepare() -> None:
    """Import what every process needs."""
    for name in ("boto3.session", "runbook.assembly", "runbook.cli", "valkey.cluster"):
        importlib.import_module(name)


if __name__ == "__main__":
    _prepare()
    serve()
