"""The lab in sandboxes: played, killed at a point, resumed until it is done, and looked at afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from runbook.sandbox.folder import Sandbox

from tests.crash.driver import KILLED, Driver
from tests.crash.points import Death, Point, parse
from tests.crash.state import read
from tests.crash.world import Ended, look
from tests.support.cli import INVENTORY, PLAYBOOKS
from tests.support.sandbox_process import TEMPLATE, command

T = TypeVar("T")
R = TypeVar("R")

SPEED = 300
"""Seconds of AWS time in one second: at more, what really takes time here is too slow for the playbook's limits."""

MOST_TRIES = 4
"""Processes that one run may need when nothing kills it any more."""

FIRST_DEATH = 12
LATER_DEATH = 4
"""Points that the first process passes before it is killed, and how many more each one after it does."""


@dataclass
class Lab:
    """A sandbox, a process that plays in it, and a folder for each run."""

    sandbox: Sandbox
    driver: Driver
    folder: Path
    _runs: int = field(default=0)

    def undisturbed(self, transport: str) -> tuple[list[Point], Ended]:
        """Play it: the points that it passes, and its end."""
        self._begin()
        code = self._play(transport, tell=self._path("points"))
        assert code == 0, self.output()
        return [parse(line) for line in self._path("points").read_text().splitlines()], self._end()

    def disturbed(self, transport: str, death: Death) -> Ended:
        """Be killed at a point, then go on until it is done."""
        self._begin()
        code = self._play(transport, death=death)
        assert code in (0, KILLED), self.output()
        return self._finish(transport)

    def with_lost_answers(self, transport: str, calls: Sequence[str], death: Death | None = None) -> Ended:
        """Each of the calls is carried out and its answer lost, once; before the first one or, with `death`, after
        the process was killed there."""
        self._begin()
        if death is not None:
            code = self._play(transport, death=death)
            assert code == KILLED, self.output()
        for call in calls:
            self.sandbox.ask("POST", "faults", {"kind": "lose-response", "call": call})
        ended = self._finish(transport)
        assert not json.loads(self.sandbox.ask("GET", "faults"))["faults"], "not all answers were lost"
        return ended

    def killed_again_and_again(self, transport: str) -> tuple[int, Ended]:
        """Each process passes some points more than the one before it, and dies: how often, and the end."""
        self._begin()
        kills = 0
        while self._play(transport, death=FIRST_DEATH + LATER_DEATH * kills) == KILLED:
            kills += 1
        return kills, self._finish(transport)

    def output(self) -> str:
        """What the last process printed."""
        return self._path("output").read_text(errors="replace")[-4000:]

    # ------------------------------------------------------------ playing

    def _begin(self) -> None:
        """A world as at the start, and a folder without a state file."""
        self._runs += 1
        self._path().mkdir(parents=True)
        self.sandbox.ask("POST", "reset")

    def _finish(self, transport: str) -> Ended:
        for _ in range(MOST_TRIES):
            if self._is_done():
                return self._end()
            code = self._play(transport)
            assert code in (0, 4), self.output()
        raise AssertionError(f"It is not done after {MOST_TRIES} times:\n{self.output()}")

    def _is_done(self) -> bool:
        """Also true of a run that was killed after it had written down that it is done."""
        return read(self._path("state.db")).finished

    def _end(self) -> Ended:
        return look(self.sandbox, self._path("state.db"))

    def _path(self, *names: str) -> Path:
        return self.folder.joinpath(f"run-{self._runs}", *names)

    def _play(self, transport: str, *, tell: Path | None = None, death: Death | None = None) -> int:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "RUNBOOK_"))}
        playbook, inventory = str(PLAYBOOKS / "lab.yml"), str(INVENTORY / "sandbox.yml")
        return self.driver.play(
            ["play", playbook, "-i", inventory, "-e", f"data_transport={transport}", "--state", "state.db"],
            folder=self._path(),
            environment={**kept, "HOME": str(self.folder), "RUNBOOK_SANDBOX": str(self.sandbox.folder)},
            output=self._path("output"),
            kinds=("journal", "aws", "valkey"),
            tell=tell,
            death=death,
        )


class Labs:
    """Some labs that work side by side: what is done with one mostly waits."""

    def __init__(self, labs: Sequence[Lab]) -> None:
        self._free: SimpleQueue[Lab] = SimpleQueue()
        for lab in labs:
            self._free.put(lab)
        self._count = len(labs)

    def each(self, work: Callable[[Lab, T], R], items: Sequence[T]) -> list[R]:
        """Do the work for each item, in whichever lab is free."""

        def with_a_lab(item: T) -> R:
            lab = self._free.get()
            try:
                return work(lab, item)
            finally:
                self._free.put(lab)

        with ThreadPoolExecutor(self._count) as pool:
            return list(pool.map(with_a_lab, items))


@contextmanager
def open_labs(folder: Path, count: int) -> Iterator[Labs]:
    """That many labs, until the end."""
    sandboxes = [Sandbox(folder / f"sandbox-{number}") for number in range(count)]
    with ExitStack() as stack:
        for sandbox in sandboxes:
            stack.callback(sandbox.down)
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(_start, sandboxes))
        yield Labs(
            [
                Lab(sandbox, stack.enter_context(Driver()), folder / f"lab-{number}")
                for number, sandbox in enumerate(sandboxes)
            ]
        )


def _start(sandbox: Sandbox) -> None:
    done = command(sandbox.folder, "up", "--speed", str(SPEED), "--template", str(TEMPLATE))
    assert done.returncode == 0, done.stderr
