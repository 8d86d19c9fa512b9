"""What stands of a run that goes on: a finished step, unless it or what the operator wrote for it was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .edits import Edits
from .identity import Definitions
from .journal import Journal, StepDone
from .model import Outcome, Status
from .resume import History
from .scope import VariableScope
from .walk import Slot
from .written import Written

EDITED = "edited since"
NEW = "new among finished steps"


@dataclass(frozen=True, slots=True)
class Recall:
    """The memory of one run, asked step by step."""

    history: History
    journal: Journal
    definitions: Definitions
    written: Written
    edits: Edits | None = None
    """None: the run begins, and nothing is to be remembered."""

    def finished(
        self, slot: Slot, host: str, name: Callable[[], str], scope: Callable[[], VariableScope]
    ) -> tuple[Outcome | None, str]:
        """How the step ended that is not to be run again; or else why one is that was done, or empty. `name`: the
        task's, as it is shown."""
        if self.edits is None:
            return None, ""
        step = slot.step(host)
        self.edits.met(host, step)
        record = self.history.recorded(step)
        if record is None:
            return None, self.history.anew(step) or self._new(self.edits, slot, host, name)
        outcome = self.history.finished(step)
        if outcome is None:
            return None, ""
        why = self._changed(record, slot, scope)
        if why:
            self._begin_anew(record, why)
            return None, why
        return outcome, ""

    def made_from(self, slot: Slot, scope: VariableScope) -> tuple[str, Mapping[str, str]]:
        """Digests of the task and of the variables that the operator wrote and that it read, for its record."""
        return self.definitions.of(slot.task), self.written.reads(scope)

    @staticmethod
    def _new(edits: Edits, slot: Slot, host: str, name: Callable[[], str]) -> str:
        if slot.task.identity not in edits.added:
            return ""
        if edits.was_there(host, slot.task.module, name()):
            return EDITED
        return NEW if edits.among_finished(host) else ""

    def _changed(self, record: StepDone, slot: Slot, scope: Callable[[], VariableScope]) -> str:
        if record.definition and record.definition != self.definitions.of(slot.task):
            return EDITED
        if not record.reads:
            return ""
        changed = self.written.changed(record.reads, scope())
        return f"{', '.join(f'`{name}`' for name in sorted(changed))} changed since" if changed else ""

    def _begin_anew(self, done: StepDone, why: str) -> None:
        """What it did before answers no longer; written down, so that a kill does not forget it."""
        outcome = Outcome(status=Status.SKIPPED, result={"msg": f"{why}: planned anew"})
        begun = StepDone(
            step=done.step,
            host=done.host,
            task=done.task,
            module=done.module,
            file=done.file,
            line=done.line,
            outcome=outcome,
            anew=why,
        )
        self.journal.append(begun)
        self.history.learn(begun)
