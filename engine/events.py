"""What observers of a run are told; the runner emits it, reporters show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .ending import Doubt, Left, Stop
from .errors import Position
from .model import Change, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    run: str
    playbook: str
    target: str
    """One phrase: `sandbox`, or account and Region."""
    check: bool
    resumed: bool
    note: str = ""
    """Which run is resumed and why, and how to choose otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayStarted:
    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    name: str
    module: str
    position: Position
    handler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAnew:
    """A run that goes on comes to a step that was done and edited since, or that is new among finished ones."""

    host: str
    task: str
    position: Position
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlanned:
    """What such a step is going to change, told before it is done."""

    host: str
    task: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A line of live progress of something that waits."""

    host: str
    task: str
    phase: str
    elapsed: float
    """Seconds."""
    percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFinished:
    host: str
    task: str
    label: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    host: str
    task: str
    module: str
    position: Position
    outcome: Outcome
    replayed: bool = False
    """It was done earlier in this run, before a resume."""
    rescued: bool = False
    """It failed, and a rescue section takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the operator should read: a warning."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Steps of one host by how they ended."""

    ok: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    unreachable: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    run: str
    hosts: Mapping[str, Tally]
    seconds: float
    exit_code: int
    resume: str = ""
    """The command to go on with, when it can be resumed."""
    stats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What `set_stats` kept, by host; `_run`: of the run."""
    stops: tuple[Stop, ...] = ()
    """Why it ended early, when no task failed."""
    doubts: tuple[Doubt, ...] = ()
    """Effects of which nobody knows whether they happened."""
    left: Left | None = None
    """What was not begun; None: nothing, or it can't be told."""


Event: TypeAlias = (
    RunStarted
    | PlayStarted
    | TaskStarted
    | StepAnew
    | ChangePlanned
    | Progress
    | ItemFinished
    | StepFinished
    | Notice
    | RunFinished
)
