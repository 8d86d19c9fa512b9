"""A step that an edit brought back is shown before it is done, and asks before it removes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .events import ChangePlanned, Event
from .model import Change
from .promise import Call, needs_a_yes, removed


@dataclass(frozen=True, slots=True)
class ShownFirst:
    """Hears of the changes of such steps. Threads may share it."""

    emit: Callable[[Event], None]
    yes: bool
    """The operator has said yes before (`--yes`)."""

    def hold(self, why: str, call: Call, change: Change) -> None:
        """Raises Stopped when it would remove something and nobody says yes."""
        if not call.first or not change.action.changes:
            return
        shown = Change(action=change.action, resource=change.resource) if call.secret else change
        self.emit(ChangePlanned(host=call.host, task=call.task, change=shown))
        what = ", ".join(f"{one.action.value} {one.resource or one.reason}" for one in removed(change))
        if not what or self.yes or call.begun():
            return
        told = f"{call.task} ({call.host}) was done in this run, is {why}, and would now {what}"
        needs_a_yes(call, told, hint="Go on with `--yes` when that is wanted, or mend the playbook.")
