"""`--tags` and `--skip-tags`: which tasks are selected, by Ansible's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .model import Task
from .values import OMIT, Secret, Template


@dataclass(frozen=True, slots=True)
class Tags:
    """What the command line asked for."""

    only: frozenset[str] = frozenset({"all"})
    skip: frozenset[str] = frozenset()
    _known: dict[frozenset[str], bool] = field(default_factory=dict, compare=False, repr=False)

    def select(self, task: Task, render: Callable[[Template], Any] | None = None) -> bool:
        """Whether the task is to be run. Tags that are templates are rendered; without `render` they do not count.

        Raises TemplateError.
        """
        known = self._known.get(task.tags)
        if known is not None:
            return known
        templates = [tag for tag in task.tags if isinstance(tag, Template)]
        tags = task.tags.difference(templates)
        if render is not None:
            tags = tags.union(*(_rendered(render(template)) for template in templates))
        chosen = self._wanted(tags) and not self._unwanted(tags)
        if not templates:
            self._known[task.tags] = chosen
        return chosen

    def _wanted(self, tags: frozenset[str]) -> bool:
        if "always" in tags or (tags or _UNTAGGED) & self.only:
            return True
        return "never" not in tags and ("all" in self.only or ("tagged" in self.only and bool(tags)))

    def _unwanted(self, tags: frozenset[str]) -> bool:
        if "all" in self.skip:
            return "always" not in tags or "always" in self.skip
        return bool((tags or _UNTAGGED) & self.skip) or ("tagged" in self.skip and bool(tags))


def _rendered(value: Any) -> frozenset[str]:
    """Tags that a template yields: a list, or a text with commas; nothing when it is `omit`."""
    value = Secret.reveal(value)
    if value is None or value is OMIT:
        return frozenset()
    each = value if isinstance(value, list | tuple) else str(value).split(",")
    return frozenset(str(tag).strip() for tag in each if str(tag).strip())


def shown_tags(tags: Iterable[Any]) -> list[str]:
    """Tags in a list for people, templates as they are written."""
    return sorted(tag.source if isinstance(tag, Template) else str(tag) for tag in tags)


def tags(only: Sequence[str], skip: Sequence[str]) -> Tags:
    """As the command line gives them: `-t a,b -t c` is one set."""
    return Tags(only=_names(only) or frozenset({"all"}), skip=_names(skip))


def _names(given: Sequence[str]) -> frozenset[str]:
    return frozenset(name.strip() for text in given for name in text.split(",") if name.strip())


_UNTAGGED = frozenset({"untagged"})
"""What a task without tags answers to."""
