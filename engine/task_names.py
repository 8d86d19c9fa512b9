"""How a task is called where it is shown: as Ansible's reports call it."""

from __future__ import annotations

from .model import Task
from .values import Template

INCLUDE_ROLE = "include_role"


def shown_name(task: Task, name: str | None = None) -> str:
    """A task's name behind that of its role; without one, its module. `name`: its own, rendered."""
    if name is None and task.name is not None:
        name = _text(task.name)
    if task.module == INCLUDE_ROLE:  # Ansible's rule: it is never shown as a task of its own role
        return name or f"{task.module} : {_text(task.args.get('name', task.args.get('role')))}"
    own = name or task.module
    return f"{task.role.name} : {own}" if task.role is not None else own


def known_as(task: Task) -> tuple[str, ...]:
    """All names that it answers to."""
    own = (_text(task.name),) if task.name is not None else ()
    return tuple(dict.fromkeys((*own, task.module, shown_name(task))))


def _text(value: object) -> str:
    return value.source if isinstance(value, Template) else str(value)
