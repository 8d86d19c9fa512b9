"""What decides about an effect of which nothing can tell whether it happened: the task's `rerun`, and the operator,
by `--assume` or at the terminal, when a run goes on.

`safe` does it again, `never` takes it for done, both without a question; `ask` stops until there is an answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from .errors import Stopped, UsageError, nearest
from .prose import moment, visible

if TYPE_CHECKING:
    from .contract import Intent
    from .effects import Place
    from .resume import History

Answer: TypeAlias = Literal["done", "not-done"]

_TYPED: Mapping[str, Answer | Literal["stop"]] = {
    "done": "done",
    "d": "done",
    "not done": "not-done",
    "not-done": "not-done",
    "n": "not-done",
    "stop": "stop",
    "s": "stop",
    "": "stop",  # nobody is there, or nothing is to be said
}


def nobody(_prompt: str) -> str:
    """There is no person to ask."""
    return ""


VOUCHED = "Done, as the operator says; what it answered is not known."
NEVER = "Taken for done, because it says `rerun: never`: it was begun, and what it answered is not known."


class Vouched(Exception):
    """An effect in doubt counts as done; the message says by whose word. What it answered nobody knows."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """The operator's answers on the command line."""

    every: Answer | None = None
    """For all that is in doubt."""
    tasks: Mapping[str, Answer] = field(default_factory=dict)
    """For those of one task, or of one on one host (`TASK@HOST`); it wins."""

    def answer(self, task: str, host: str) -> Answer | None:
        return self.tasks.get(f"{task}@{host}", self.tasks.get(task, self.every))

    def check(self, history: History) -> None:
        """Raises UsageError when a task is named of which nothing is in doubt."""
        doubtful = [intent for intent in history.in_doubt() if history.finished(intent.step) is None]
        known = {name for each in doubtful for name in (each.task, f"{each.task}@{each.host}")}
        for name in self.tasks:
            if name not in known:
                hint = nearest(name, known) or (f"In doubt: {', '.join(sorted(known))}" if known else None)
                raise UsageError(f"--assume: nothing of a task '{name}' is in doubt in this run", hint=hint)


def read_assumed(given: Sequence[str]) -> Assumed:
    """`done`, `not-done`, `TASK=done`, `TASK@HOST=not-done`. Raises UsageError for anything else."""
    every: Answer | None = None
    tasks: dict[str, Answer] = {}
    for text in given:
        name, equals, word = text.rpartition("=")
        if word not in ("done", "not-done") or (equals and not name):
            raise UsageError(
                f"--assume takes `done` or `not-done`, and this is '{text}'",
                hint="For one task alone: --assume 'NAME OF THE TASK=done'.",
            )
        answer: Answer = "done" if word == "done" else "not-done"
        if equals:
            tasks[name] = answer
        else:
            every = answer
    return Assumed(every, tasks)


class Doubts:
    """Decides about effects in doubt. Steps of several hosts may ask at once: the person answers one question at a
    time, and who wants to look first is asked nothing more."""

    def __init__(self, assumed: Assumed) -> None:
        self._assumed = assumed
        self._turn = threading.Lock()
        self._looks_first = False

    def decide(self, place: Place, intent: Intent, why: str, *, earlier: bool) -> None:
        """Returns when it is to be done (again). `earlier`: it was begun before the run went on, so that there may
        be an answer. Raises Vouched when it counts as done, Stopped when nobody knows."""
        if place.rerun == "declared":
            return
        answer = self._assumed.answer(place.task, place.host) if earlier else None
        if answer is None and place.rerun == "never":
            raise Vouched(NEVER)
        if answer is None and place.rerun == "safe":
            return
        if answer is None and earlier:
            answer = self._asked(place, intent, why)
        if answer == "done":
            raise Vouched(VOUCHED)
        if answer == "not-done":
            return
        raise Stopped(
            f"It is in doubt whether '{intent.key}' of this step happened ({why}); it was begun "
            f"{moment(intent.started)}.",
            hint="Look, then resume with `--assume done` (it happened: go on behind it) or `--assume not-done` (it "
            "did not: do it now). A task that may run twice can say `rerun: safe`.",
        )

    def _asked(self, place: Place, intent: Intent, why: str) -> Answer | None:
        """What the person at the terminal says; None: to stop here, or nobody is there."""
        with self._turn:
            typed = "stop" if self._looks_first else _typed(place, intent, why)
            self._looks_first = typed == "stop"
        return None if typed == "stop" else typed


def _typed(place: Place, intent: Intent, why: str) -> Answer | Literal["stop"]:
    question = "\n".join(
        [
            f"IN DOUBT [{visible(place.host)}] {visible(place.task)}",
            f"    '{visible(intent.key)}' was begun {moment(intent.started)}: {visible(why)}.",
            "    done      it happened: go on behind it; what it answered is not known",
            "    not done  it did not happen: do it now",
            "    stop      look first: the run stops here and can be resumed",
            "(d)one, (n)ot done or (s)top",
        ]
    )
    while True:
        typed = " ".join(place.ask(question).lower().split())
        if typed in _TYPED:
            return _TYPED[typed]
        question = "(d)one, (n)ot done or (s)top"
