"""`--list-tasks`, `--list-tags`, `--list-hosts`, `--syntax-check` as lines of text, in Ansible's shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .errors import StepError
from .model import Play, Playbook, Task, Value
from .preflight import tasks_of
from .roster import Roster
from .start_at import StartAt, check_start
from .tags import Tags, shown_tags
from .task_names import shown_name
from .values import Template, UnknownValue


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
    roster.check_limit(lambda _problem: None)
    start = StartAt(options.start_at)
    tags = options.tags
    if wanted.tags and tags.only == Tags().only:  # all tags that there are, those of `never` included
        tags = replace(tags, only=tags.only | {"never"}, _known={})
    for path, plays in _playbooks(roster.playbook):
        yield from ("", f"playbook: {path}")
        for number, play in enumerate(plays if wanted != Wanted() else (), 1):
            tasks = [task for task in tasks_of(play.tasks) if not task.implicit]
            selected = [task for task in tasks if start.reached(task) and tags.select(task)]
            yield from ("", f"  play #{number} {_title(roster, play)}")
            yield from _play(roster, play, selected, wanted)


def _playbooks(playbook: Playbook) -> Iterator[tuple[str, Sequence[Play]]]:
    """The playbooks of the command line, each with its plays."""
    firsts = {0: playbook.path, **playbook.more}
    ends = [*list(firsts)[1:], len(playbook.plays)]
    for (first, path), end in zip(firsts.items(), ends, strict=True):
        yield path, playbook.plays[first:end]


def _title(roster: Roster, play: Play) -> str:
    hosts = _rendered(roster, play, play.hosts)
    name = _rendered(roster, play, play.name) if play.name is not None else hosts
    return f"({hosts}): {name}{_tags(play.tags)}"


def _play(roster: Roster, play: Play, tasks: Sequence[Task], wanted: Wanted) -> Iterator[str]:
    if wanted.hosts:
        hosts = roster.hosts(play)
        patterns = roster.templates.render(play.hosts, roster.scope(play))
        yield f"    pattern: {[patterns] if isinstance(patterns, str) else list(patterns)}"
        yield f"    hosts ({len(hosts)}):"
        yield from (f"      {host}" for host in hosts)
    if wanted.tasks:
        yield "    tasks:"
        yield from (f"      {shown_name(task)}{_tags(task.tags)}" for task in tasks)
    if wanted.tags:
        found = shown_tags({tag for task in tasks for tag in task.tags})
        yield f"      TASK TAGS: [{', '.join(found)}]"


def _tags(tags: Iterable[Value]) -> str:
    return f"\tTAGS: [{', '.join(shown_tags(tags))}]"


def _rendered(roster: Roster, play: Play, value: Value) -> str:
    try:
        return _text(roster.templates.render(value, roster.scope(play)))
    except (StepError, UnknownValue):
        return _text(value)


def _text(value: object) -> str:
    """A template as it is written: its variables belong to no host yet."""
    if isinstance(value, Template):
        return value.source
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
