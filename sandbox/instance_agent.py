"""The first process of an instance: enters the instance's file tree, then runs and ends commands in it.

Started as `python -m runbook.sandbox.instance_agent` by `instance_host`. It reads one JSON message a line on
standard input (the plan first, then `Start` and `End`) and answers with one a line on standard output. When
its input ends, everything that it started ends with it, so that a killed sandbox leaves no process behind.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
from contextlib import suppress

import msgspec

from . import overlay, private_folder

_NOT_STARTED = 127
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Run `program` as `argv`. The paths are those of the instance."""

    name: str
    program: str
    argv: tuple[str, ...]
    cwd: str
    environment: dict[str, str]
    stdout: str
    stderr: str


class End(msgspec.Struct, frozen=True, tag="end"):
    """Kill the command with all of its process group."""

    name: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The instance stands. `way` says in a few words how its files are kept apart; `owner` is the user that
    its commands have the rights of, if not the sandbox's own."""

    way: str
    owner: int | None = None


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The instance can't be: why."""

    why: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A command ended: its exit code, or 128 and the signal's number. `quiet`: no process is left."""

    name: str
    code: int
    quiet: bool


Plan = overlay.OverlayPlan | private_folder.PrivatePlan
Report = Ready | Refused | Ended


def say(report: Report) -> None:
    """Write a report; a host that has gone away is no error, its input's end says so too."""
    with suppress(BrokenPipeError):
        os.write(1, msgspec.json.encode(report) + b"\n")


def run_agent() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox = Inbox()
    plan = msgspec.json.decode(inbox.line(), type=Plan)
    try:
        ready = _enter(plan)
    except OSError as error:
        say(Refused(str(error)))
        return
    say(ready)
    Commands().serve(inbox)
    _kill_everything()


def _enter(plan: Plan) -> Ready:
    if isinstance(plan, private_folder.PrivatePlan):
        return Ready(*private_folder.enter(plan))
    overlay.enter_namespaces()
    first = os.fork()
    if first:
        os.close(0)  # only process 1 serves; this one waits, so that the host sees when it has ended
        os.close(1)
        _, status = os.waitpid(first, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    overlay.build_root(plan)
    return Ready(overlay.words(plan))


def _kill_everything() -> None:
    if os.getpid() == 1:
        return  # the kernel ends all processes of a namespace with its first
    for pid in private_folder.descendants(os.getpid()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


class Inbox:
    """Standard input, line by line, without blocking on a part of a line."""

    def __init__(self) -> None:
        self._kept = b""
        self.ended = False

    def lines(self) -> list[bytes]:
        """Read what is there (blocks if nothing is) and return the whole lines."""
        read = os.read(0, 1 << 16)
        self.ended = not read
        *whole, self._kept = (self._kept + read).split(b"\n")
        return whole

    def line(self) -> bytes:
        """The first line; the host sends no second one before it has the answer to it."""
        while not self.ended:
            if whole := self.lines():
                return whole[0]
        sys.exit("instance_agent: no plan on standard input")


class Commands:
    """The commands that run in this instance, and the pipes that their output comes through."""

    def __init__(self) -> None:
        self._running: dict[int, Start] = {}
        self._pipes: dict[int, tuple[int, int]] = {}  # pipe's end here -> file, pid
        self._selector = selectors.DefaultSelector()

    def serve(self, inbox: Inbox) -> None:
        """Start, end and report commands until the host goes away."""
        wake_read, wake_write = _wake_pipe()
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(wake_read, selectors.EVENT_READ)
        while not inbox.ended:
            for key, _ in self._selector.select():
                if key.fd == 0:
                    for line in inbox.lines():
                        self._obey(msgspec.json.decode(line, type=Start | End))
                elif key.fd == wake_read:
                    os.read(wake_read, 4096)
                    self._reap()
                elif key.fd in self._pipes:
                    self._copy(key.fd)

    def _obey(self, order: Start | End) -> None:
        if isinstance(order, Start):
            try:
                self._start(order)
            except OSError:  # no file to write to, or no process to be had
                say(Ended(order.name, _NOT_STARTED, quiet=False))
            return
        for pid, start in self._running.items():
            if start.name == order.name:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

    def _start(self, order: Start) -> None:
        # Through pipes: a script that writes to /dev/stderr would cut a file that stands behind it.
        files = [os.open(path, _APPEND, 0o644) for path in (order.stdout, order.stderr)]
        pipes = [os.pipe() for _ in files]
        pid = os.fork()
        if pid == 0:
            _become(order, [write for _, write in pipes])
        self._running[pid] = order
        for file, (read, write) in zip(files, pipes, strict=True):
            os.close(write)
            os.set_blocking(read, False)
            self._pipes[read] = (file, pid)
            self._selector.register(read, selectors.EVENT_READ)

    def _copy(self, pipe: int) -> bool:
        """Take what is in the pipe to its file; whether there was anything."""
        file, _ = self._pipes[pipe]
        try:
            read = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return False
        if read:
            with open(file, "ab", closefd=False) as opened:
                opened.write(read)
            return True
        self._selector.unregister(pipe)
        del self._pipes[pipe]
        os.close(pipe)
        os.close(file)
        return False

    def _reap(self) -> None:
        ended: list[tuple[Start, int]] = []
        quiet = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                quiet = True
                break
            if pid == 0:
                break
            if order := self._running.pop(pid, None):
                self._drain(pid)
                ended.append((order, os.waitstatus_to_exitcode(status)))
        for order, code in ended:
            say(Ended(order.name, code if code >= 0 else 128 - code, quiet))

    def _drain(self, pid: int) -> None:
        for pipe in [pipe for pipe, (_, owner) in self._pipes.items() if owner == pid]:
            while self._copy(pipe):
                pass


def _wake_pipe() -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write


def _become(order: Start, outputs: list[int]) -> None:
    """In the child: turn into the command. Never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (outputs[0], 1), (outputs[1], 2)):
            os.dup2(source, target)
        os.umask(0o022)
        os.chdir(order.cwd)
        os.execve(order.program, order.argv, order.environment)  # noqa: S606 - what this is for
    except OSError as error:
        os.write(2, f"failed to start: {error}\n".encode())
    finally:
        os._exit(_NOT_STARTED)


if __name__ == "__main__":
    run_agent()
