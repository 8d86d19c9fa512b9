"""`ansible_failed_task`: what a rescue section knows of the task that failed, by Ansible's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import StepError
from .loader_call import Catalog
from .model import Task, Value
from .scope import VariableScope
from .tags import shown_tags
from .template import Templates
from .values import Expression, Template, UnknownValue


def told(task: Task, templates: Templates, scope: VariableScope, catalog: Catalog) -> Mapping[str, Any]:
    """Its keywords, rendered as far as they can be; a condition as it is written."""

    def shown(value: Value) -> Any:
        if isinstance(value, Expression):
            return value.source
        if isinstance(value, Mapping):
            return {str(key): shown(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [shown(item) for item in value]
        try:
            return templates.render(value, scope)
        except (StepError, UnknownValue):
            return value.source if isinstance(value, Template) else None

    free = catalog.free_form(task.module)
    args = {"_raw_params" if name == free else name: shown(value) for name, value in task.args.items()}
    return {
        "action": task.module,
        "args": args,
        "name": shown(task.name) if task.name is not None else "",
        "any_errors_fatal": bool(task.any_errors_fatal),
        "async": shown(task.async_seconds),
        "async_val": shown(task.async_seconds),
        "changed_when": _conditions(task.changed_when),
        "check_mode": shown(task.check_mode) or False,
        "delay": shown(task.delay),
        "delegate_facts": shown(task.delegate_facts) or None,
        "delegate_to": shown(task.delegate_to),
        "diff": shown(task.diff) or False,
        "environment": shown(task.environment),
        "failed_when": _conditions(task.failed_when),
        "ignore_errors": shown(task.ignore_errors) or None,
        "ignore_unreachable": shown(task.ignore_unreachable) or None,
        "loop": shown(task.loop.items) if task.loop is not None else None,
        "loop_with": task.loop.lookup if task.loop is not None else None,
        "module_defaults": shown(task.module_defaults),
        "no_log": shown(task.no_log) or False,
        "notify": shown(task.notify) or None,
        "poll": shown(task.poll),
        "register": task.register,
        "retries": shown(task.retries),
        "run_once": shown(task.run_once) or None,
        "tags": shown_tags(task.tags),
        "throttle": shown(task.throttle),
        "timeout": shown(task.timeout) or 0,
        "until": _conditions(task.until),
        "vars": shown(task.vars),
        "when": _conditions(task.when),
    }


def _conditions(conditions: Sequence[Expression] | None) -> list[str]:
    return [condition.source for condition in conditions or ()]
