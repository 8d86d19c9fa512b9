"""`--list-tasks`, `--list-tags`, `--list-hosts` as lines of text, in Ansible's shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .model import Play, Playbook, Task
from .preflight import tasks_of
from .tags import Tags
from .values import Template


def tasks_listed(playbook: Playbook, selected: Tags) -> Iterator[str]:
    yield f"playbook: {playbook.path}"
    for number, play in enumerate(playbook.plays, 1):
        yield f"\n  play #{number} ({_text(play.hosts)}): {_name(play)}"
        for task in tasks_of(play.tasks):
            if selected.select(task):
                yield f"    {_task(task)}\tTAGS: [{', '.join(sorted(task.tags))}]"


def tags_listed(playbook: Playbook) -> Iterator[str]:
    yield f"playbook: {playbook.path}"
    for number, play in enumerate(playbook.plays, 1):
        found = sorted({tag for task in tasks_of(play.tasks) for tag in task.tags})
        yield f"\n  play #{number} ({_text(play.hosts)}): {_name(play)}"
        yield f"    TASK TAGS: [{', '.join(found)}]"


def hosts_listed(path: str, plays: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield f"playbook: {path}"
    for number, (name, hosts) in enumerate(plays, 1):
        yield f"\n  play #{number}: {name}"
        yield f"    hosts ({len(hosts)}):"
        yield from (f"      {host}" for host in hosts)


def _name(play: Play) -> str:
    return _text(play.name or play.hosts)


def _task(task: Task) -> str:
    return _text(task.name or task.module)


def _text(value: object) -> str:
    return value.source if isinstance(value, Template) else str(value)
