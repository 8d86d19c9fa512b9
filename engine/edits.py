"""How a playbook differs from the one that a run began with, as far as it can be seen before it goes on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from .identity import Definitions
from .journal import StepDone
from .model import Playbook, Task
from .preflight import tasks_of
from .resume import History
from .task_names import shown_name

_LENGTH = 16
"""Hex digits of an identity."""
_STATIC = re.compile(r"((batch|flush)\d+/)*")
"""Before the identity of a step whose task stands in the playbook itself, and not in a file that it includes."""


def task_identities(playbook: Playbook) -> str:
    """Those of all tasks that stand in the playbook, and in what it imports."""
    return "".join(_tasks(playbook))


def _tasks(playbook: Playbook) -> dict[str, Task]:
    nodes = ((*play.tasks, *play.handlers) for play in playbook.plays)
    return {task.identity: task for each in nodes for task in tasks_of(each)}


class Edits:
    """What became of the finished steps of a run that goes on."""

    def __init__(self, playbook: Playbook, history: History, definitions: Definitions) -> None:
        now = _tasks(playbook)
        then = history.headers[0].tasks if history.headers else ""
        known = frozenset(then[at : at + _LENGTH] for at in range(0, len(then), _LENGTH))
        self.added = frozenset(now.keys() - known) if known else frozenset()
        """Identities of tasks that were not there when the run began."""
        self.edited = 0
        """Finished steps whose task says something else now."""
        self.gone = 0
        """Finished steps whose task is no longer there."""
        self._orphans: Counter[tuple[str, str, str]] = Counter()
        """Finished steps without a task, by host, module and name."""
        self._ahead: dict[str, set[str]] = {}
        """Finished steps that each host has not come by yet."""
        for record, identity in _static(history):
            self._place(record, now.get(identity), definitions)
        self._pair(now)

    def _place(self, record: StepDone, task: Task | None, definitions: Definitions) -> None:
        if task is None:
            self._orphans[record.host, record.module, record.task] += record.module != "meta"
            return
        self._ahead.setdefault(record.host, set()).add(record.step)
        self.edited += bool(record.definition) and record.definition != definitions.of(task)

    def _pair(self, now: Mapping[str, Task]) -> None:
        """Count those without a task: a new one of the same name is what became of one of them."""
        new = Counter((now[identity].module, shown_name(now[identity])) for identity in self.added)
        for (_host, module, name), count in self._orphans.items():
            again = min(count, new[module, name])
            self.edited += again
            self.gone += count - again

    def met(self, host: str, step: str) -> None:
        """The host's walk has come to this step."""
        if host in self._ahead:
            self._ahead[host].discard(step)

    def among_finished(self, host: str) -> bool:
        """Whether the host has finished steps ahead: what it meets now stands among them."""
        return bool(self._ahead.get(host))

    def was_there(self, host: str, module: str, name: str) -> bool:
        """Whether a finished step without a task has this module and name: then that is what was edited. Each is
        that of one new step only."""
        key = (host, module, name)
        if self._orphans[key] < 1:
            return False
        self._orphans[key] -= 1
        return True

    def __str__(self) -> str:
        """For the first lines of the run; empty when nothing of it was edited."""
        told = []
        if self.edited:
            told.append(f"{_steps(self.edited)} edited since, to be planned anew")
        if self.gone:
            told.append(f"{_steps(self.gone)} no longer in the playbook")
        return f"The playbook was edited: {'; '.join(told)}." if told else ""


def _steps(count: int) -> str:
    return f"{count} finished step is" if count == 1 else f"{count} finished steps are"


def _static(history: History) -> Iterator[tuple[StepDone, str]]:
    """Finished steps whose tasks stand in the playbook itself, each with the task's identity."""
    for record in history.ends():
        place = record.step.removesuffix(f"@{record.host}")
        if history.finished(record.step) is not None and _STATIC.fullmatch(place[:-_LENGTH]):
            yield record, place[-_LENGTH:]
