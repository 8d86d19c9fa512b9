"""`--list-tasks`, `--list-tags`, `--list-hosts`, `--syntax-check` as lines of text, in Ansible's shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .model import Play, Task
from .preflight import tasks_of
from .roster import Roster
from .start_at import StartAt, check_start
from .values import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be listed of each play; nothing of it: that the playbook can be read is all there is to say."""

    tasks: bool = False
    hosts: bool = False
    tags: bool = False


def listed(roster: Roster, wanted: Wanted) -> Iterator[str]:
    """Only what the options select: tags, hosts within the limit, tasks from the first on. Raises UsageError."""
    options = roster.options
    if options.start_at is not None:
        check_start(roster.playbook, options.start_at)
    start = StartAt(options.start_at)
    yield f"playbook: {roster.playbook.path}"
    for number, play in enumerate(roster.playbook.plays, 1) if wanted != Wanted() else ():
        tasks = [t for t in tasks_of(play.tasks) if start.reached(t) and options.tags.select(t)]
        yield ""
        yield f"  play #{number} ({_text(play.hosts)}): {_text(play.name or play.hosts)}{_tags(play.tags)}"
        if wanted.hosts:
            yield from _hosts(roster, play)
        if wanted.tasks:
            yield "    tasks:"
            yield from (f"      {_name(task)}{_tags(task.tags)}" for task in tasks)
        if wanted.tags:
            found = sorted({tag for task in tasks for tag in task.tags})
            yield f"    TASK TAGS: [{', '.join(found)}]"


def _hosts(roster: Roster, play: Play) -> Iterator[str]:
    hosts = roster.hosts(play)
    yield f"    hosts ({len(hosts)}):"
    yield from (f"      {host}" for host in hosts)


def _tags(tags: Iterable[str]) -> str:
    return f"\tTAGS: [{', '.join(sorted(tags))}]"


def _name(task: Task) -> str:
    return _text(task.name or task.module)


def _text(value: object) -> str:
    """A template as it is written: its variables belong to no host yet."""
    if isinstance(value, Template):
        return value.source
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
