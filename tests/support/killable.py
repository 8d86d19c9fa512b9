"""One step of a run, played by the engine in this process, that can be killed at any record and resumed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from runbook.attempt import Attempt, carry_out, explained
from runbook.background import Background
from runbook.context import Permits, Services, SharedReads, StepContext
from runbook.contract import ClientFactory, Module, Target
from runbook.doubts import Answer, Assumed
from runbook.effects import Effects, Place
from runbook.errors import RunbookError
from runbook.events import Event, Notice, Progress
from runbook.journal import EffectDone, EffectIntent, NoJournal, Record, StepDone
from runbook.journal_codec import Encoder, decode
from runbook.model import Outcome, Status
from runbook.resume import History

from tests.support.context import NamedFiles
from tests.support.module_cases import make_params

Moment = Callable[[Record], bool]
"""At which record it is killed."""


class Killed(BaseException):
    """What kill -9 is to a process: nobody catches it."""


def before_the_answer(number: int = 1) -> Moment:
    """The n-th effect was carried out, and its answer is not written down any more."""
    return _nth(EffectDone, number)


def before_the_call(number: int = 1) -> Moment:
    """The n-th effect was not even begun: its intent is not written."""
    return _nth(EffectIntent, number)


def _nth(kind: type, number: int) -> Moment:
    seen = 0

    def strikes(record: Record) -> bool:
        nonlocal seen
        seen += isinstance(record, kind)
        return seen == number and isinstance(record, kind)

    return strikes


def never(_record: Record) -> bool:
    return False


@dataclass
class Disk(NoJournal):
    """Records as their bytes, so that only what survives a journal survives here."""

    lines: list[bytes] = field(default_factory=list)
    kill: Moment = never
    watch: Callable[[Record], None] = lambda _record: None
    """Is told of each record once it is written."""

    def append(self, record: Record) -> None:
        if self.kill(record):
            raise Killed
        self.lines.append(Encoder().encode(record))
        self.watch(record)

    commit = append

    @property
    def history(self) -> History:
        return History(map(decode, self.lines))


class _Deadly(list[Event]):
    """Kills who tells of a certain phase."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Progress) and self.phase in event.phase:
            raise Killed


@dataclass(kw_only=True)
class Life:
    """A run with one step. Each `play` is a process: it knows what the ones before wrote down."""

    module: Module
    args: Mapping[str, Any] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    clients: ClientFactory | None = None
    connection: str = "local"
    variables: Mapping[str, Any] = field(default_factory=dict)
    base: Path = field(default_factory=Path.cwd)
    run: str = "r1"
    step: str = "step@host"
    rerun: str = "ask"
    assume: Answer | None = None
    disk: Disk = field(default_factory=Disk)
    events: list[Event] = field(default_factory=list)

    def play(self, kill: Moment = never) -> Attempt:
        """Look, plan, apply, and record the end. Raises Killed, and what stops a run."""
        self.disk.kill = kill
        attempt = explained(
            lambda: carry_out(self.module, make_params(self.module, self.args), self.context(), None),
            self._explain,
        )
        status = Status.FAILED if attempt.failed else Status.CHANGED if attempt.changed else Status.OK
        outcome = Outcome(status=status, result=attempt.result, changes=attempt.changes)
        self.disk.append(
            StepDone(
                step=self.step, host="host", task="task", module="m", file="p.yml", line=1, outcome=outcome
            )
        )
        return attempt

    def killed(self, kill: Moment) -> None:
        """Play until it is killed there."""
        try:
            self.play(kill)
        except Killed:
            return
        raise AssertionError("it was not killed")

    def resumed(self, kill: Moment) -> Attempt:
        """Play, be killed, and play again."""
        self.killed(kill)
        return self.play()

    def when_it_begins(self, number: int, then: Callable[[], object]) -> None:
        """Do something once the intent of the n-th effect is written, just before its call."""
        strikes = _nth(EffectIntent, number)
        self.disk.watch = lambda record: then() if strikes(record) else None

    def killed_while(self, phase: str) -> None:
        """Play until it waits for something that is told in these words, and is killed there."""
        told = self.events
        self.events = _Deadly(phase)
        self.killed(never)
        self.events = [*told, *self.events]

    @property
    def intents(self) -> list[str]:
        """Keys of all effects that were begun."""
        return [one.key for one in map(decode, self.disk.lines) if isinstance(one, EffectIntent)]

    @property
    def warnings(self) -> list[str]:
        return [one.message for one in self.events if isinstance(one, Notice)]

    @property
    def phases(self) -> list[str]:
        return [one.phase for one in self.events if isinstance(one, Progress)]

    def context(self) -> StepContext:
        """As a process makes it that goes on with this run."""
        sleeping: list[StepContext] = []
        made = StepContext(
            services=Services(
                run=self.run,
                clients=lambda: cast(ClientFactory, self.clients),
                effects=Effects(self.disk, self.disk.history, self._explain, Assumed(self.assume)),
                planned=None,
                permits=Permits(1),
                cancel=threading.Event(),
                emit=self.events.append,
                background=Background(),
            ),
            host="host",
            task="task",
            target=self.target,
            connection=self.connection,
            variables=self.variables,
            environment={},
            base=self.base,
            place=Place(self.run, self.step, "", self.rerun, lambda seconds: sleeping[0].sleep(seconds)),
            reads=SharedReads(),
            files=NamedFiles(self.base),
            started=time.monotonic(),
        )
        sleeping.append(made)
        return made

    def _explain(self, error: Exception) -> RunbookError | None:
        return self.clients.explain(error) if self.clients is not None else None

    def again(self, **other: Any) -> Life:
        """Another run."""
        fresh = {"run": f"{self.run}x", "disk": Disk(), "events": []}
        return replace(self, **{**fresh, **other})
