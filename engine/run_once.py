"""`run_once`: the first host that gets there does it, the others wait and take its outcome over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from .model import Outcome
from .scheduler import Lane
from .walk import Order, Slot

Place: TypeAlias = tuple[str, Order]


def place_of(slot: Slot) -> Place:
    """Where a task stands, for all hosts."""
    return slot.frame.chain, slot.order


@dataclass(slots=True)
class Once:
    """What became of the `run_once` tasks of a play."""

    _ended: dict[Place, Outcome] = field(default_factory=dict)
    _waiting: dict[Place, list[Lane]] = field(default_factory=dict)

    def ended(self, place: Place) -> Outcome | None:
        """The outcome to take over, once there is one."""
        return self._ended.get(place)

    def first(self, place: Place, lane: Lane) -> bool:
        """Whether this lane is to do it; otherwise it waits for the one that does."""
        if place not in self._waiting:
            self._waiting[place] = []
            return True
        lane.running = True
        self._waiting[place].append(lane)
        return False

    def end(self, place: Place, outcome: Outcome) -> list[Lane]:
        """It is done: the lanes that waited for it."""
        self._ended[place] = outcome
        return self._waiting.pop(place, [])
