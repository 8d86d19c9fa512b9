"""`--tags` and `--skip-tags`: which tasks are selected, by Ansible's rules."""

from __future__ import annotations

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
        if "never" in tags:
            return bool((tags - {"never"}) & self.only) or "never" in self.only
        if "always" in tags or "all" in self.only:
            return True
        if "tagged" in self.only and tags:
            return True
        if "untagged" in self.only and not tags:
            return True
        return bool(tags & self.only)

    def _unwanted(self, tags: frozenset[str]) -> bool:
        if tags & self.skip:
            return True
        if "all" in self.skip:
            return "always" not in tags
        return ("tagged" in self.skip and bool(tags)) or ("untagged" in self.skip and not tags)
