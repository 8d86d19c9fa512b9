"""`--start-at-task`: the task at which a run begins; what is written before it is passed over."""

from __future__ import annotations

import fnmatch

from .errors import UsageError, nearest
from .model import Playbook, Task
from .preflight import tasks_of
from .task_names import known_as


class StartAt:
    """Whether the run has come to its first task. One for the whole run: the plays behind that task are played."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def reached(self, task: Task) -> bool:
        if self._name is not None and matches(task, self._name):
            self._name = None
        return self._name is None


def matches(task: Task, name: str) -> bool:
    """A task's name, a glob of it (`1.2*`), or the name of its module, as in Ansible."""
    return any(known == name or fnmatch.fnmatchcase(known, name) for known in known_as(task))


def check_start(playbook: Playbook, name: str) -> None:
    """Raises UsageError when no task answers to the name. Files that tasks include as they run are not read."""
    tasks = [task for play in playbook.plays for task in tasks_of(play.tasks)]
    if not any(matches(task, name) for task in tasks):
        raise UsageError(
            f"There is no task '{name}' to start at",
            hint=nearest(name, [known for task in tasks for known in known_as(task)])
            or "`--list-tasks` lists them.",
        )
