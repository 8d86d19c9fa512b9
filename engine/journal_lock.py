"""One writer at a time: a lock of the operating system, which is free at once when its process dies."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .errors import JournalError

PATIENCE = 0.1
"""Seconds: who only looks whether the lock is held has it for a moment."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock; stands beside it for the one who finds it held."""

    pid: int
    machine: str
    since: datetime
    command: str

    def __str__(self) -> str:
        since = self.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"process {self.pid} on {self.machine}, since {since} ({self.command})"


class WriterLock:
    """Held from creation until `release`, or until the process ends in any way."""

    def __init__(self, state: Path, command: Sequence[str] | None = None) -> None:
        """Raises JournalError, naming the holder, when another process holds the lock of this state file."""
        from filelock import FileLock, Timeout  # slow to import, and only writers need it

        self._holder_file = state.with_name(state.name + ".holder")
        self._lock = FileLock(state.with_name(state.name + ".lock"), mode=0o600, thread_local=False)
        try:
            self._lock.acquire(timeout=PATIENCE, poll_interval=PATIENCE / 5)
        except Timeout as error:
            raise _held(state, self.holder(state)) from error
        except OSError as error:
            raise JournalError(
                f"The state file {state} can't be locked: {error}.", hint="Name another one with --state."
            ) from error
        self._write_holder(sys.argv if command is None else command)

    @staticmethod
    def holder(state: Path) -> Holder | None:
        """Who holds the lock, as far as can be told; a dead process may still stand there."""
        try:
            return msgspec.json.decode(state.with_name(state.name + ".holder").read_bytes(), type=Holder)
        except (OSError, msgspec.DecodeError):
            return None

    @classmethod
    def held_by(cls, state: Path) -> Holder | None:
        """Who holds the lock now; None: nobody, or it can't be told. It is taken for a moment to find out."""
        from filelock import FileLock, Timeout

        place = state.with_name(state.name + ".lock")
        if not place.exists():
            return None
        probe = FileLock(place, mode=0o600, thread_local=False)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return cls.holder(state)
        except OSError:
            return None
        probe.release()
        return None

    def release(self) -> None:
        self._holder_file.unlink(missing_ok=True)
        self._lock.release()

    def _write_holder(self, command: Sequence[str]) -> None:
        program = [Path(command[0]).name, *command[1:]] if command else []
        holder = Holder(
            pid=os.getpid(), machine=platform.node(), since=datetime.now(UTC), command=" ".join(program)
        )
        fresh = self._holder_file.with_name(self._holder_file.name + ".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(holder))
        fresh.replace(self._holder_file)


def _held(state: Path, holder: Holder | None) -> JournalError:
    who = str(holder) if holder else "another process"
    return JournalError(
        f"The state file {state} is in use by {who}.",
        hint="Wait until it ends, or name another state file with --state.",
    )
