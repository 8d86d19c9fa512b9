"""`--step`: the operator says before each task whether it is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Outcome, Status
from .prompts import Ask
from .run_once import Place, place_of
from .walk import Slot

PASSED_OVER = "Passed over with --step"


@dataclass(slots=True)
class Stepping:
    """Asks once for each task, whatever number of hosts do it. Handlers are asked about, `meta` is not."""

    ask: Ask
    _asks: bool = True
    _answers: dict[Place, bool] = field(default_factory=dict)

    def agreed(self, slot: Slot, name: str) -> bool:
        """Whether the task is to be done. Raises Stopped when the run is cancelled."""
        if not self._asks or slot.task.module == "meta":
            return True
        place = place_of(slot)
        if place not in self._answers:
            typed = self.ask(f"Perform task: {name} (N)o/(y)es/(c)ontinue").strip().lower()
            self._asks = typed not in ("c", "continue")
            self._answers[place] = typed in ("y", "yes") or not self._asks
        return self._answers[place]

    def next_play(self) -> None:
        """Places of another play are other places."""
        self._answers.clear()


def passed_over() -> Outcome:
    """Of a step whose task the operator did not want; a resume knows it as finished."""
    result = {"changed": False, "failed": False, "skipped": True, "skip_reason": PASSED_OVER}
    return Outcome(status=Status.SKIPPED, result=result)
