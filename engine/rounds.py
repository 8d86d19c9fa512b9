"""A round: the hosts that run the same task at once, and what a failure among them means for the others.

`any_errors_fatal` fails them all, where they stand: a rescue or always section of theirs still runs.
`max_fail_percentage` ends the play, and with it the run. Both belong to the strategy `linear`; where hosts go on by
themselves there are no rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Play, Task
from .scheduler import Lane
from .scope import VariableScope
from .template import Templates, as_truth
from .walk import Verdict


@dataclass(slots=True)
class Rounds:
    """Those of one play on one batch of `size` hosts."""

    play: Play
    templates: Templates
    size: int
    over: bool = False
    """More hosts failed than `max_fail_percentage` allows."""
    _held: list[tuple[Lane, Verdict]] = field(default_factory=list)
    _failed: int = 0

    @property
    def linear(self) -> bool:
        return self.play.strategy == "linear"

    def fatal(self, task: Task, scope: VariableScope) -> bool:
        """Whether a failure of this task is one of all hosts."""
        return self.linear and bool(as_truth(self.templates.render(task.any_errors_fatal, scope)))

    def hold(self, lane: Lane, verdict: Verdict) -> None:
        """Let a host wait for the others of its round. One that has left the play counts as well."""
        lane.running = True
        self._held.append((lane, verdict))

    def settle(self) -> list[Lane]:
        """The round is over: those that waited go on, all in one way. Returns them."""
        held, self._held = self._held, []
        fatal = any(verdict.failed for _, verdict in held)
        for lane, verdict in held:
            if lane.gone:
                lane.running = False
            else:
                lane.advance(Verdict(failed=True) if fatal else verdict)
        return [lane for lane, _ in held]

    def lost(self, scope: VariableScope) -> None:
        """A host failed for good. One that still runs an always section does not count, as in Ansible."""
        self._failed += 1
        most = self.templates.render(self.play.max_fail_percentage, scope)
        if most is not None and self.linear:
            self.over = self.over or 100 * self._failed / self.size > float(str(most).rstrip("%"))


def fail_with_the_first(lane: Lane) -> None:
    """What a failed `run_once` task does to a host that waited for it: as in Ansible it fails twice, so that no
    rescue takes over, and what its block always does is done."""
    lane.advance(Verdict(failed=True))
    if lane.slot is not None:
        lane.advance(Verdict(failed=True))
