"""`--tags` and `--skip-tags`: which tasks are selected, by Ansible's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .model import Task


@dataclass(frozen=True, slots=True)
class Tags:
    """What the command line asked for."""

    only: frozenset[str] = frozenset({"all"})
    skip: frozenset[str] = frozenset()
    _known: dict[frozenset[str], bool] = field(default_factory=dict, compare=False, repr=False)

    def select(self, task: Task) -> bool:
        """Whether the task is to be run."""
        if task.tags not in self._known:
            self._known[task.tags] = self._wanted(task.tags) and not self._unwanted(task.tags)
        return self._known[task.tags]

    def _wanted(self, tags: frozenset[str]) -> bool:
        if "always" in tags or (tags or _UNTAGGED) & self.only:
            return True
        return "never" not in tags and ("all" in self.only or ("tagged" in self.only and bool(tags)))

    def _unwanted(self, tags: frozenset[str]) -> bool:
        if "all" in self.skip:
            return "always" not in tags or "always" in self.skip
        return bool((tags or _UNTAGGED) & self.skip) or ("tagged" in self.skip and bool(tags))


def tags(only: Sequence[str], skip: Sequence[str]) -> Tags:
    """As the command line gives them: `-t a,b -t c` is one set."""
    return Tags(only=_names(only) or frozenset({"all"}), skip=_names(skip))


def _names(given: Sequence[str]) -> frozenset[str]:
    return frozenset(name.strip() for text in given for name in text.split(",") if name.strip())


_UNTAGGED = frozenset({"untagged"})
"""What a task without tags answers to."""
