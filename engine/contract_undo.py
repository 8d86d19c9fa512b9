"""What a module says that takes one of its changes back. Modules have it from `contract`.

There is no second way of changing the world: a module only names the arguments of a task, and that task is
observed, planned, shown, applied and recorded as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from .model import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The task that declares what was there before a change."""

    arguments: Mapping[str, Any]
    module: str = ""
    """Which module is called; empty: the one that made the change."""
    loses: str = ""
    """What is lost for good by it: `all data of cluster lab`."""
    snapshot: str = ""
    """The argument that takes the name of a last snapshot, where there can be one."""
    look: Undo | None = None
    """A call that sees all of what is there, where this one does not (removing a file does not read it)."""
    left: str = ""
    """What of the change stays as it is, and why."""


UndoAnswer: TypeAlias = Undo | str
"""A text: one sentence why the change can't be taken back."""


@runtime_checkable
class Undoable(Protocol):
    """A module whose changes can be taken back.

    One whose observed state has fields that follow from others (`size`), change by themselves (`status`), or differ
    by who looks, names them: `passing: ClassVar[frozenset[str]]`. They are neither put back nor compared.
    """

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        """Pure: what takes `change` back, by declaring what was there before.

        Both come from the journal, so they are plain data: structs are mappings, tuples are lists. `arguments` are
        those that the module was called with, by the names of its Params, what was left out left out; secrets
        among them are boxes. In `change`, what was not known yet when it was planned is None. `before` and `after`
        are alike where something else takes care of a field: only what differs between them is to be put back.
        A change of another resource that belongs to the step (`also`) is told on its own.

        created -> `state: absent`; other fields -> their before-values; deleted -> the arguments that make it anew,
        where that is truthful. A text where there is nothing to put back: data that is gone, a command that ran.
        """
        ...


def can_undo(module: object) -> bool:
    """Whether a module can say what takes its changes back."""
    return hasattr(module, "undo")
