"""What a run writes down, and what a place to write it is.

A run is a list of records, appended and never changed. They are enough to go on with the run: `resume.History`
folds them. `journal_sqlite` keeps them in a file; a shared place can stand behind the same `Journal` later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from .called import Called
from .ending import Left, Stop
from .model import Change, Outcome

FORMAT_VERSION = 1
"""Of the records and of the file that holds them."""

RunStatus: TypeAlias = Literal["done", "failed", "stopped"]


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """Base of all records; `kind` tells them apart in the file."""


class RunHeader(_Record, frozen=True, kw_only=True, tag="run"):
    """A run begins, or goes on: a resumed run has one for each time."""

    run: str
    playbook: str
    playbook_digest: str
    inventory: tuple[str, ...]
    """The sources as they were named."""
    inventory_digest: str
    extra_vars_digest: str = ""
    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    account: str = ""
    region: str = ""
    target: str = ""
    """One phrase: which world, such as a sandbox and its id, or account and Region."""
    start_at: str = ""
    """`--start-at-task`: what stands before it is no part of the run."""
    argv: tuple[str, ...] = ()
    """A command line that starts the same run, secrets left out."""
    folder: str = ""
    """Where it was started: relative paths and the sandbox belong there."""
    plan: str = ""
    """Digest of the plan that it is held to (`--plan`)."""
    tasks: str = ""
    """Identities of the tasks that stood in the playbook, 16 hex digits each."""
    undoes: str = ""
    """The run that it takes back."""
    salt: str = ""
    """Hex digits: what this run's secrets are sealed and digested with, beside the key."""
    started: datetime
    """UTC."""


class StepDone(_Record, frozen=True, kw_only=True, tag="step"):
    """A step came to its end, good or bad."""

    step: str
    """The step's structural id; the runner makes it."""
    host: str
    task: str
    """The task's name as it was shown."""
    module: str
    file: str
    line: int
    column: int = 1
    outcome: Outcome
    register: str | None = None
    rescued: bool = False
    """It failed, and a rescue section took over: going on, it is finished all the same."""
    definition: str = ""
    """Digest of the task as the operator wrote it."""
    reads: Mapping[str, str] = MappingProxyType({})
    """Operator-written variables that it read, each with a digest of its value."""
    anew: str = ""
    """This is no end: the step was done, and is to be done again, because of this."""


JOB = "job "
"""In `ItemDone.item`, what the name of a task in the background stands behind: its end is told as an item's."""


class ItemDone(_Record, frozen=True, kw_only=True, tag="item"):
    """One loop item of a step that is not done yet."""

    step: str
    item: str
    """The item itself: its text, or a digest of it; the runner makes it."""
    same: int = 0
    """How many equal items stand before it in the loop."""
    outcome: Outcome
    label: str = ""
    """How it is called in reports; of a task in the background: the task's name."""


class EffectIntent(_Record, frozen=True, kw_only=True, tag="intent"):
    """The world is about to be changed."""

    step: str
    key: str
    token: str
    attempt: int
    """From 1."""
    started: datetime
    """UTC, by the operator's clock."""
    before: Any = None
    """What the module saw before, as plain data."""
    planned: tuple[Change, ...] = ()
    """With a step's first effect: all that the step is going to change."""
    called: Called | None = None
    """And how its module was called."""
    task: str = ""
    """Its name as it was shown: a step that was killed here has no other record."""
    host: str = ""
    asks: bool = False
    """Nothing but the operator can tell whether it happened."""


class EffectDone(_Record, frozen=True, kw_only=True, tag="effect"):
    """What came of an intent: `result`, or the `error` that proves that nothing happened."""

    step: str
    key: str
    attempt: int
    result: Any = None
    error: str | None = None


class RunEnded(_Record, frozen=True, kw_only=True, tag="end"):
    """The run came to an end that it could write down; after a kill there is none."""

    status: RunStatus
    exit_code: int
    ended: datetime
    """UTC."""
    seconds: float
    done: int = 0
    """Steps that ended well, those of earlier times included."""
    changed: int = 0
    """How many of them changed something."""
    stops: tuple[Stop, ...] = ()
    left: Left | None = None
    """None: nothing is left, or it could not be told."""


Record: TypeAlias = RunHeader | StepDone | ItemDone | EffectIntent | EffectDone | RunEnded


class RunTime(msgspec.Struct, frozen=True, kw_only=True):
    """One of the times that a run was at work."""

    header: RunHeader
    ended: RunEnded | None = None
    """None: it is at work now, or was killed."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run as `runbook runs` lists it."""

    times: tuple[RunTime, ...]
    """The first is its beginning; there is at least one."""
    last_written: datetime
    """UTC."""

    @property
    def header(self) -> RunHeader:
        """The one it began with."""
        return self.times[0].header

    @property
    def run(self) -> str:
        return self.header.run

    @property
    def ended(self) -> RunEnded | None:
        """Its last end; None when it is running, or was killed."""
        return self.times[-1].ended

    @property
    def times_resumed(self) -> int:
        return len(self.times) - 1

    @property
    def seconds(self) -> float:
        """How long it was at work, as far as it could write that down."""
        return sum(time.ended.seconds for time in self.times if time.ended)

    @property
    def finished(self) -> bool:
        """Nothing is left to go on with."""
        return self.ended is not None and self.ended.status == "done"


class JournalReader(Protocol):
    """What can be asked of a journal, also while another process writes it."""

    def records(self, run: str) -> Iterator[Record]:
        """A run's records in the order they were written; none for a run that is not there."""
        ...

    def runs(self) -> Sequence[RunSummary]:
        """All runs, the oldest first."""
        ...

    def close(self) -> None: ...


class Journal(JournalReader, Protocol):
    """Where a run writes. Any thread may call it; a failure to write is raised by the next call."""

    def begin(self, header: RunHeader) -> None:
        """Begin the run that the header names, or go on with it. On disk when this returns."""
        ...

    def append(self, record: Record) -> None:
        """Write it soon, in order; returns at once."""
        ...

    def commit(self, record: Record) -> None:
        """Write it; when this returns, it and all before it are on disk and survive a power cut."""
        ...


class NoJournal:
    """A journal that keeps nothing, for a dry run."""

    def begin(self, header: RunHeader) -> None:
        pass

    def append(self, record: Record) -> None:
        pass

    def commit(self, record: Record) -> None:
        pass

    def records(self, run: str) -> Iterator[Record]:  # noqa: ARG002 (the protocol's name)
        return iter(())

    def runs(self) -> Sequence[RunSummary]:
        return ()

    def close(self) -> None:
        pass
