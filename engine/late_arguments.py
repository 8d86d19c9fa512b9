"""Arguments that are known only when the task runs: `args` or `module_defaults` that a template yields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import TemplateError
from .model import Task, Value
from .module_names import arguments_for
from .scope import VariableScope
from .template import Templates
from .values import Secret


def late_arguments(task: Task, scope: VariableScope, templates: Templates) -> dict[str, Any]:
    """Those of the task, under what it says itself. Raises TemplateError for what is no mapping."""
    found: dict[str, Any] = {}
    layers = [_mapping("module_defaults", layer, task, scope, templates) for layer in task.late_defaults]
    chosen = arguments_for(task.module, layers)
    if chosen is not None:
        found.update(_mapping("module_defaults", chosen, task, scope, templates))
    if task.args_template is not None:
        found.update(_mapping("args", task.args_template, task, scope, templates))
    return found


def _mapping(
    what: str, written: Value, task: Task, scope: VariableScope, templates: Templates
) -> Mapping[Any, Any]:
    value = Secret.reveal(templates.render(written, scope))
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TemplateError(
            f"`{what}` takes a mapping of arguments, and this is {type(value).__name__}",
            position=task.position,
        )
    return value
