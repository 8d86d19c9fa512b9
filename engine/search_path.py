"""Where files are looked for that tasks name: Ansible's order, one for arguments, lookups, includes and variables.

For a task of a role: its folder and those of the roles around it; then the folder of the task's own file; the
playbook's folder last. In each, a folder of the kind (`files`, `templates`, `vars`, `tasks`) comes first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .model import Task


@dataclass(frozen=True, slots=True)
class SearchPath:
    """Folders in the order in which they are looked into; the playbook's is the last."""

    folders: tuple[str, ...]

    @classmethod
    def of(cls, task: Task | None, base: Path) -> SearchPath:
        """Of a task in a play whose playbook lies in `base`."""
        found: list[str] = []
        if task is not None and task.role is not None:
            found += [role.path for role in (task.role, *reversed(task.role.parents))]
        if task is not None:
            found.append(str((base / task.position.file).resolve().parent))
        return cls(tuple(dict.fromkeys((*found, str(base)))))

    def candidates(self, name: str, kind: str) -> Iterator[Path]:
        """Where a file could be, the best place first; `kind` is the folder for files of its kind."""
        given = Path(name).expanduser()
        if given.is_absolute():
            yield given
            return
        for folder in self.folders:
            if given.parts[:1] != (kind,):
                yield Path(os.path.normpath(Path(folder, kind, given)))
            yield Path(os.path.normpath(Path(folder, given)))

    def find(self, name: str, kind: str) -> Path | None:
        """The first that is there, a file or a folder."""
        return next((path for path in self.candidates(name, kind) if path.exists()), None)
