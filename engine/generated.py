"""A playbook that nobody wrote: tasks made from what a journal tells, for the ordinary runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .called import Called
from .errors import Position
from .identity import digest
from .model import LOCALHOST, Host, Inventory, Play, Playbook, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One task. Its arguments are data and never templates."""

    identity: str
    host: str
    name: str
    module: str
    arguments: Mapping[str, Any]
    called: Called
    """A call that was made: this one is made in the same place."""
    hidden: bool = False
    """A secret is in what it changes: nothing of that is shown."""
    compares: bool = False
    """It only looks: at the world as it is, whatever the tasks before it would change; and it may fail."""


def playbook(tasks: Sequence[Generated], *, path: str, name: str) -> Playbook:
    """The tasks in their order. `path`: of the playbook in whose folder relative paths start."""
    plays = tuple(_plays(tasks, path, name))
    return Playbook(path=path, plays=plays, digest=digest(name, *(task.identity for task in tasks)))


def inventory(tasks: Sequence[Generated]) -> Inventory:
    """The tasks' hosts, of which nothing is known but their names: each task says itself where it acts."""
    names = tuple(dict.fromkeys(task.host for task in tasks))
    hosts = {name: Host(name, groups=("all", "ungrouped")) for name in names}
    known = {LOCALHOST: Host(LOCALHOST, implicit=True), **hosts}
    return Inventory(hosts=known, groups={"all": names, "ungrouped": names}, sources=names)


def _plays(tasks: Sequence[Generated], path: str, name: str) -> Iterator[Play]:
    for number, (host, some) in enumerate(groupby(tasks, lambda task: task.host)):
        yield Play(
            name=name,
            hosts=host,
            position=Position(path, 1, 1),
            identity=digest(name, str(number)),
            tasks=tuple(map(_task, some)),
            gather_facts=False,
        )


def _task(made: Generated) -> Task:
    called = made.called
    return Task(
        module=made.module,
        args=made.arguments,
        position=Position(called.file, called.line, 1),
        identity=made.identity,
        name=made.name,
        delegate_to=called.host or None,
        connection=called.connection or None,
        aws=dict(called.aws) or None,
        no_log=made.hidden,
        check_mode=True if made.compares else None,
        ignore_errors=made.compares,
    )
