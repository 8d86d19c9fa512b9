"""Runs the commands of instances as processes of this machine, each instance in a file tree of its own.

An instance costs nothing until its first command. Then one agent process (`instance_agent`) stands for it,
until it has been idle for long. One thread listens to all agents.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from .instance_agent import End, Ended, Ready, Refused, Report, Start
from .instance_setup import InstanceSetup, Kind, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .instance_agent import Plan
    from .instance_setup import HostSettings

_IDLE_SECONDS = 30.0
_PROBE_SECONDS = 20.0
_LISTEN_SECONDS = 5.0
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script for an instance.

    `name` is unique among the instance's commands and becomes part of a path. `working_directory` is a path
    of the instance; empty means the agent's own, as on Amazon Linux.
    """

    name: str
    text: str
    working_directory: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScriptEnd:
    """How a script ended: its exit code (128 and the signal's number if it was killed), the real seconds it
    ran, and the files with its whole output. `lost` says why it ended without the script's doing."""

    code: int
    seconds: float
    stdout: Path
    stderr: Path
    lost: str = ""


class InstanceHost(Protocol):
    """Where the commands of instances run."""

    def run(
        self, instance_id: str, hostname: str, script: Script, on_end: Callable[[ScriptEnd], None]
    ) -> Callable[[], None]:
        """Start a script; returns at once. `on_end` is called from another thread, exactly once. The answer
        ends the script early, with all of its process group; again, or after its end, is no harm."""
        ...

    def stop(self, instance_id: str) -> None:
        """The instance is shut down: its processes end, its files stay."""
        ...

    def remove(self, instance_id: str) -> None:
        """The instance is terminated: its files go too."""
        ...


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

    def dismiss(self) -> None:
        """Close the agent's input, at which it ends all that it started and itself; wait until it is gone."""
        with suppress(OSError):
            self._input.close()
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


class ProcessHost:
    """The `InstanceHost` of this machine: overlay where the kernel allows it, else private folders."""

    def __init__(self, directory: Path, setup: InstanceSetup) -> None:
        """`directory` holds the instances' trees. Nothing is started yet."""
        self._directory = directory
        self._setup = setup
        self._agents: dict[str, Agent] = {}
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._closed = False
        self._way: Future[Way] = Future()
        self._listener = threading.Thread(target=self._listen, name="instances", daemon=True)

    def start(self) -> None:
        """Choose the way, in the background, and begin to listen."""
        self._directory.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._choose, name="instances-way", daemon=True).start()
        self._listener.start()

    @property
    def way(self) -> str:
        """How the instances' files are kept apart from this machine's, in plain words. Waits for the choice."""
        return self._way.result().words

    def status(self) -> dict[str, str]:
        """For `runbook sandbox status`: how instances are kept apart, and where their valkey-cli comes from."""
        return {"kept apart by": self.way, "valkey-cli": self._setup.client.words}

    def close(self) -> None:
        """End all processes of all instances, and wait until they are gone."""
        with self._lock:
            self._closed = True
            agents = list(self._agents.values())
        for agent in agents:
            self._gone(agent)
        self._wake()
        self._listener.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def run(
        self, instance_id: str, hostname: str, script: Script, on_end: Callable[[ScriptEnd], None]
    ) -> Callable[[], None]:
        """See `InstanceHost.run`."""
        way = self._way.result()
        folder = self._command_folder(instance_id, script)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "_script.sh").write_text(script.text, encoding="utf-8", newline="\n")
        (folder / "_script.sh").chmod(0o700)
        with self._lock:
            if way.kind is Kind.NONE or self._closed:
                (folder / "stdout").touch()
                (folder / "stderr").touch()
                lost = "the sandbox goes down" if self._closed else way.words
                on_end(ScriptEnd(-1, 0.0, folder / "stdout", folder / "stderr", lost=lost))
                return lambda: None
            agent = self._agents.get(instance_id) or self._begin(instance_id, hostname, way)
            agent.last_used = time.monotonic()
            agent.quiet = False
            agent.running[script.name] = (script, time.monotonic(), on_end)
            agent.order(self._start_order(instance_id, script, way))
        return lambda: self._end(instance_id, script.name)

    def stop(self, instance_id: str) -> None:
        """See `InstanceHost.stop`."""
        with self._lock:
            agent = self._agents.get(instance_id)
        if agent:
            self._gone(agent)

    def remove(self, instance_id: str) -> None:
        """See `InstanceHost.remove`."""
        self.stop(instance_id)
        shutil.rmtree(self._directory / instance_id, ignore_errors=True)

    def _command_folder(self, instance_id: str, script: Script) -> Path:
        return self._directory / instance_id / "ssm" / _inner_folder(instance_id, script)

    def _start_order(self, instance_id: str, script: Script, way: Way) -> Start:
        folder = self._directory / instance_id
        inner = self._setup.ssm_folder(way, folder) / _inner_folder(instance_id, script)
        return Start(
            name=script.name,
            program=self._setup.shell(way),
            argv=("sh", "-c", str(inner / "_script.sh")),
            cwd=script.working_directory or self._setup.working_directory(way, folder),
            environment={**self._setup.environment(way, folder, instance_id), **script.environment},
            stdout=str(inner / "stdout"),
            stderr=str(inner / "stderr"),
        )

    def _end(self, instance_id: str, name: str) -> None:
        with self._lock:
            agent = self._agents.get(instance_id)
            if agent and name in agent.running:
                agent.order(End(name))

    def _begin(self, instance_id: str, hostname: str, way: Way) -> Agent:
        folder = self._directory / instance_id
        (folder / "ssm").mkdir(parents=True, exist_ok=True)
        command, plan = self._setup.command(way, folder), self._setup.plan(way, folder, hostname)
        agent = Agent(instance_id, command, plan, folder / "agent.log")
        self._agents[instance_id] = agent
        os.set_blocking(agent.output, False)
        self._selector.register(agent.output, selectors.EVENT_READ, agent)
        self._wake()
        return agent

    def _wake(self) -> None:
        os.write(self._wake_write, b".")

    def _listen(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(_LISTEN_SECONDS):
                if key.fd == self._wake_read:
                    with suppress(BlockingIOError):
                        os.read(self._wake_read, 4096)
                else:
                    self._hear(key.data)
            self._dismiss_idle()

    def _hear(self, agent: Agent) -> None:
        with self._lock:
            reports = [] if agent.gone else agent.reports()
        for report in reports or ():
            if isinstance(report, Ended):
                self._ended(agent, report)
            elif isinstance(report, Refused):
                agent.why_not = report.why
            else:
                with self._lock:
                    agent.stands()
        if reports is None:
            self._gone(agent)

    def _ended(self, agent: Agent, report: Ended) -> None:
        with self._lock:
            agent.quiet = report.quiet
            agent.last_used = time.monotonic()
            script, begun, on_end = agent.running.pop(report.name)
        folder = self._command_folder(agent.instance_id, script)
        on_end(ScriptEnd(report.code, time.monotonic() - begun, folder / "stdout", folder / "stderr"))

    def _gone(self, agent: Agent) -> None:
        """End an agent, if it has not ended yet, and what runs under it."""
        with self._lock:
            if agent.gone:
                return
            agent.gone = True
            agent.dismiss()
            self._selector.unregister(agent.output)
            agent.close()
            del self._agents[agent.instance_id]
            running = list(agent.running.values())
        for script, begun, on_end in running:
            folder = self._command_folder(agent.instance_id, script)
            lost = agent.why_not or "the instance went down"
            on_end(ScriptEnd(-1, time.monotonic() - begun, folder / "stdout", folder / "stderr", lost=lost))

    def _dismiss_idle(self) -> None:
        if self._way.result().kind is Kind.OVERLAY_IN_MEMORY:
            return  # the tree would go with the agent
        limit = time.monotonic() - _IDLE_SECONDS
        with self._lock:
            idle = [a for a in self._agents.values() if a.quiet and not a.running and a.last_used < limit]
            for agent in idle:
                self._gone(agent)

    def _choose(self) -> None:
        try:
            self._way.set_result(self._first_that_works())
        except BaseException as error:
            self._way.set_exception(error)
            raise

    def _first_that_works(self) -> Way:
        reasons: list[str] = []
        folder = self._directory / ".probe"
        for kind in self._setup.settings.ways:
            if kind is not Kind.PRIVATE and sys.platform != "linux":
                continue
            (folder / "ssm").mkdir(parents=True, exist_ok=True)
            answer = self._try(Way(kind), folder)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(answer, Ready):
                return Way(kind, answer.way)
            reasons.append(f"{kind.value}: {answer.why}")
        return Way(Kind.NONE, f"commands can't run on this machine ({'; '.join(reasons)})")

    def _try(self, way: Way, folder: Path) -> Ready | Refused:
        """Start an agent and see whether the tree of that way stands."""
        log = folder / "agent.log"
        agent = Agent("probe", self._setup.command(way, folder), self._setup.empty_plan(way, folder), log)
        timer = threading.Timer(_PROBE_SECONDS, agent.process.kill)
        timer.start()
        try:
            reports = agent.reports()
        finally:
            timer.cancel()
            agent.dismiss()
            agent.close()
        for report in reports or ():
            if isinstance(report, (Ready, Refused)):
                return report
        words = log.read_text(errors="replace").strip().splitlines()
        return Refused(words[-1] if words else "the agent ended without a word")


def open_host(directory: Path, settings: HostSettings) -> ProcessHost:
    """A host that has begun to look at this machine; all its files are in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    setup = InstanceSetup(directory.absolute(), settings)
    setup.start()
    host = ProcessHost(directory.absolute() / "instances", setup)
    host.start()
    return host


def _inner_folder(instance_id: str, script: Script) -> Path:
    """The command's folder below the agent's, as the real agent lays it out."""
    return Path(instance_id, "document/orchestration", script.name, "awsrunShellScript/0.awsrunShellScript")
