"""Structural identities: what a task is, wherever it stands in its file and whatever it is called.

A task's identity is a digest of its play, the sections and named blocks that lead to it, its own text, and which
of its equal siblings it is. Its `name` and `tags` are left out, because to rename a finished task must not run it
again; what it inherits is left out too, because to edit a block must not touch the tasks in it. A block without a
name is no place of its own: its tasks are siblings of those around it, so that a block can be put in front of
others, or around finished tasks.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .model import Loop, Task
from .values import Expression, SourceFloat, SourceInt, Template


def digest(*parts: str) -> str:
    """16 hex digits for a sequence of texts."""
    made = hashlib.blake2b(digest_size=8)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        made.update(len(content).to_bytes(8, "big"))
        made.update(content)
    return made.hexdigest()


def canonical(value: Any) -> str:
    """One text for one value: the order of keys and the place in the file do not matter, types do."""
    if isinstance(value, Template | Expression):
        return f"{type(value).__name__}({value.source!r})"
    if isinstance(value, SourceInt | SourceFloat):
        return f"{type(value).__name__}({value.text!r})"
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{canonical(k)}:{canonical(v)}" for k, v in value.items())) + "}"
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(map(canonical, value))) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Loop):
        parts = (value.items, value.loop_var, value.index_var, value.label, value.pause, value.lookup)
        more = canonical(value.break_when) if value.break_when else ""
        return f"Loop{canonical(parts)}{more}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return repr(value)


def definition(task: Task) -> str:
    """Digest of what a task does, by its own text and by what it inherits. What only tells how it is called, shown,
    retried, or what becomes of its failure is left out: to mend that must not run a finished task again. Variables
    are left out, too: those that it read are known by themselves."""
    says = {name: value for name in _DOES if (value := getattr(task, name))}
    return digest(canonical(says))


_DOES = (
    "module", "args", "args_template", "late_defaults", "when", "loop", "until", "register", "changed_when",
    "failed_when", "notify", "environment", "delegate_to", "delegate_facts", "run_once", "connection", "aws",
    "async_seconds", "poll", "check_mode",
)  # fmt: skip


class Definitions:
    """The definitions of tasks, each made once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Task, str]] = {}

    def of(self, task: Task) -> str:
        known = self._known.get(id(task))
        if known is None:
            known = self._known[id(task)] = (
                task,
                definition(task),
            )  # the task too: its id is not given again
        return known[1]


class Siblings:
    """Tells equal siblings of one list apart: first, second, ..."""

    def __init__(self, *place: str) -> None:
        self._place = digest(*place)
        self._seen: Counter[str] = Counter()
        self._sections: dict[str, Siblings] = {}

    def identity(self, text: str) -> str:
        """The identity of the next sibling with this text."""
        self._seen[text] += 1
        return digest(self._place, text, str(self._seen[text]))

    def section(self, name: str) -> Siblings:
        """The siblings in a section (`rescue`, `always`) of all the blocks here that have no name."""
        return self._sections.setdefault(name, Siblings(self._place, name))
