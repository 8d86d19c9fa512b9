"""What one step needs to be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .context import SharedReads
from .loops import ItemKey
from .model import Outcome, Play, Task
from .scope import VariableScope
from .walk import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One step, for the scheduler's loop or for a worker."""

    slot: Slot
    play: Play
    host: str
    step: str
    name: str
    """The task's name as it is shown."""
    scope: VariableScope
    reads: SharedReads
    base: Path
    items: Mapping[ItemKey, Outcome]
    """Loop items that this run has done already."""
    anew: str = ""
    """Why it is done although the run has been here before: its change is shown first."""

    @property
    def task(self) -> Task:
        return self.slot.task
