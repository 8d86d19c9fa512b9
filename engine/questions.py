"""The questions of the plays of a run (`vars_prompt`): each is asked once, however often the run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .journal import Journal, StepDone
from .model import Outcome, Play, Status
from .prompts import Ask, Prompter
from .resume import History
from .roster import Roster
from .values import contains_unknown


@dataclass(frozen=True, slots=True)
class Questions:
    """Those of one run. `ask` asks at the terminal; None: there is none."""

    prompter: Prompter
    roster: Roster
    journal: Journal
    history: History
    ask: Ask | None

    def check(self, plays: Iterable[Play]) -> None:
        """Without a terminal, a question that nobody can answer stops the run before its first step: UsageError."""
        if self.ask is None:
            for play in plays:
                self.prompter.check(play, self._known(play))

    def put(self, play: Play) -> None:
        """Ask what the play wants to know, and keep the answers. A private one is asked again by a run that goes on
        without a key that it was sealed with."""
        if not play.vars_prompt:
            return
        known = self._known(play)
        answers = self.prompter.answers(play, self.roster.scope(play), known, self.ask)
        self.roster.answers[play.identity] = answers
        if answers.keys() - known.keys():
            self.journal.append(
                StepDone(
                    step=_step(play),
                    host="",
                    task="vars_prompt",
                    module="vars_prompt",
                    file=play.position.file,
                    line=play.position.line,
                    outcome=Outcome(status=Status.OK, result={}, facts=answers),
                )
            )

    def _known(self, play: Play) -> Mapping[str, Any]:
        outcome = self.history.finished(_step(play))
        facts = outcome.facts if outcome is not None else {}
        return {name: value for name, value in facts.items() if not contains_unknown(value)}


def _step(play: Play) -> str:
    """The answers of a play stand in the journal as the facts of a step that belongs to no host."""
    return f"vars_prompt {play.identity}"
