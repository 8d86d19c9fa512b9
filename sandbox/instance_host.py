"""Runs the commands of instances as processes of this machine, each instance in a file tree of its own.

An instance costs nothing until its first command. Then one agent process (`instance_agent`) stands for it,
until it has been idle for long. One thread listens to all agents.
"""

from __future__ import annotations

import os
import selectors
import shutil
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .agent_process import Agent
from .instance_agent import End, Ended, Ready, Refused, Start
from .instance_setup import InstanceSetup, Kind, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .instance_setup import HostSettings

_IDLE_SECONDS = 30.0
_PROBE_SECONDS = 20.0
_LISTEN_SECONDS = 5.0
_MOST_IDLE = 32


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
                agent.hang_up()
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
        folder = self._command_folder(instance_id, script)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "_script.sh").write_text(script.text, encoding="utf-8", newline="\n")
            (folder / "_script.sh").chmod(0o700)
            for name in ("stdout", "stderr"):
                (folder / name).touch()
            self._order(instance_id, hostname, script, on_end)
        except OSError as error:
            on_end(ScriptEnd(-1, 0.0, folder / "stdout", folder / "stderr", lost=str(error)))
        return lambda: self._end(instance_id, script.name)

    def _order(
        self, instance_id: str, hostname: str, script: Script, on_end: Callable[[ScriptEnd], None]
    ) -> None:
        """Have the instance's agent start a script. Raises OSError if there can't be one."""
        way = self._way.result()
        if way.kind is Kind.NONE:
            raise OSError(way.words)
        if way.owner is not None:
            _give(self._directory / instance_id / "ssm", way.owner)
        with self._lock:
            if self._closed:
                raise OSError("the sandbox goes down")
            agent = self._agents.get(instance_id)
            if agent and agent.leaving:
                self._gone(agent)
                agent = None
            agent = agent or self._begin(instance_id, hostname, way)
            agent.last_used = time.monotonic()
            agent.quiet = False
            agent.running[script.name] = (script, time.monotonic(), on_end)
            agent.order(self._start_order(instance_id, script, way))

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
        """Let agents go that were idle for long, or that are too many."""
        if self._way.result().kind is Kind.OVERLAY_IN_MEMORY:
            return  # the tree would go with the agent
        limit = time.monotonic() - _IDLE_SECONDS
        with self._lock:
            idle = [a for a in self._agents.values() if a.quiet and not a.running and not a.leaving]
            idle.sort(key=lambda agent: agent.last_used, reverse=True)
            for place, agent in enumerate(idle):
                if agent.last_used < limit or place >= _MOST_IDLE:
                    agent.hang_up()

    def _choose(self) -> None:
        try:
            self._way.set_result(self._first_that_works())
        except OSError as error:
            self._way.set_result(Way(Kind.NONE, f"commands can't run on this machine ({error})"))

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
                return Way(kind, answer.way, answer.owner)
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


def _give(folder: Path, owner: int) -> None:
    """Let `folder` and all in it belong to `owner`."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)


def _inner_folder(instance_id: str, script: Script) -> Path:
    """The command's folder below the agent's, as the real agent lays it out."""
    return Path(instance_id, "document/orchestration", script.name, "awsrunShellScript/0.awsrunShellScript")
