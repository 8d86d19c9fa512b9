"""A child process that ends when this process ends, however this process ends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# A shell stands between: it holds the reading end of a pipe whose writing end only we hold. When we die, even
# by `kill -9`, the pipe closes and the shell kills the child. (Linux's PR_SET_PDEATHSIG would follow the
# *thread* that forked, and macOS has none.)
_TETHER = """
exec 3<&0
exec 2>>"$1"; shift
"$@" </dev/null 3<&- >&2 &
child=$!
echo $child; exec >&-
{ read _ <&3; kill -9 $child; } 2>/dev/null &
watcher=$!
exec 3<&-
wait $child; code=$?
kill $watcher 2>/dev/null
exit $code
"""


class Tethered:
    """A running child process with its output in a log file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command` in `cwd`; its output is appended to `log`.

        A command that can't be executed shows as a process that ended with code 126 or 127, its reason in
        the log.
        """
        self._shell = subprocess.Popen(  # noqa: S603 - running commands is what this is for
            ["/bin/sh", "-c", _TETHER, "tether", str(log), *command],
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._shell.stdout is not None  # noqa: S101 - asked for above
        with self._shell.stdout as told:
            self.pid = int(told.readline())

    @property
    def alive(self) -> bool:
        """True while the child runs."""
        return self._shell.poll() is None

    def kill(self) -> None:
        """End the child at once (SIGKILL) and wait until it is gone. Again is no harm."""
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        self._shell.wait()
