"""An instance's agent process, seen from the host."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from .instance_agent import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .instance_agent import End, Plan, Start
    from .instance_host import Script, ScriptEnd

_END_SECONDS = 5.0


class Agent:
    """One instance's agent process, with what was asked of it and is not answered yet."""

    def __init__(self, instance_id: str, command: list[str], plan: Plan, log: Path) -> None:
        self.instance_id = instance_id
        with log.open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - our own agent
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                start_new_session=True,
            )
        self.running: dict[str, tuple[Script, float, Callable[[ScriptEnd], None]]] = {}
        self.ready = False
        self.quiet = True
        self.why_not = ""
        self.last_used = time.monotonic()
        self.leaving = False
        self.gone = False
        self._waiting: list[bytes] = []
        self._kept = b""
        assert self.process.stdin is not None  # noqa: S101 - asked for above
        assert self.process.stdout is not None  # noqa: S101
        self._input, self.output = self.process.stdin, self.process.stdout.fileno()
        self._send(msgspec.json.encode(plan))

    def order(self, order: Start | End) -> None:
        """Tell the agent; before it is ready, orders wait."""
        line = msgspec.json.encode(order)
        if self.ready:
            self._send(line)
        else:
            self._waiting.append(line)

    def reports(self) -> list[Report] | None:
        """What the agent said since; None when it is gone."""
        try:
            read = os.read(self.output, 1 << 16)
        except BlockingIOError:
            return []
        if not read:
            return None
        *whole, self._kept = (self._kept + read).split(b"\n")
        return [msgspec.json.decode(line, type=Report) for line in whole]

    def stands(self) -> None:
        """The agent is ready: send what waited."""
        self.ready = True
        for line in self._waiting:
            self._send(line)
        self._waiting.clear()

    def hang_up(self) -> None:
        """Close the agent's input, at which it ends all that it started, and itself."""
        self.leaving = True
        with suppress(OSError):
            self._input.close()

    def dismiss(self) -> None:
        """Hang up, and wait until the agent is gone."""
        self.hang_up()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """Let go of the pipe from the agent."""
        assert self.process.stdout is not None  # noqa: S101 - asked for at the start
        self.process.stdout.close()

    def _send(self, line: bytes) -> None:
        with suppress(BrokenPipeError, ValueError):  # its end is reported when its output closes
            self._input.write(line + b"\n")
