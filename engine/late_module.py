"""`action: "{{ NAME }}"`: which module a task calls is known when its turn comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .errors import Failed, nearest
from .loader_call import Catalog
from .loader_reuse import IMPORTS, INCLUDES
from .model import Task
from .module_names import module_name
from .scope import VariableScope
from .template import Templates
from .values import Secret

T = TypeVar("T")


@dataclass(slots=True)
class LateModules:
    """Tasks with their modules, each made once."""

    templates: Templates
    catalog: Catalog
    _made: dict[tuple[str, str], Task] = field(default_factory=dict)

    def named(self, task: Task, scope: VariableScope) -> Task:
        """The task with its module. Raises StepError when the name can't be rendered, or no module has it."""
        name = str(Secret.reveal(self.templates.render(task.module_template, scope)))
        key = (task.identity, name)
        if key not in self._made:
            self._made[key] = self._with(task, module_name(name))
        return self._made[key]

    def _with(self, task: Task, module: str) -> Task:
        if module in INCLUDES | IMPORTS:
            raise Failed(f"'{module}' can't be named by a template", hint=f"Write '{module}: ...'.")
        if not self.catalog.has(module):
            hint = nearest(module, self.catalog.names())
            raise Failed(f"The module {module} was not found", hint=hint)
        free = self.catalog.free_form(module)
        return replace(
            task,
            module=module,
            name=task.name if task.name is not None else task.module,  # one for all hosts, as in Ansible
            module_template=None,
            args=_renamed(task.args, free),
            arg_positions=_renamed(task.arg_positions, free),
        )


def _renamed(args: Mapping[str, T], free: str | None) -> Mapping[str, T]:
    """Free-form text goes where the module takes it."""
    return {free if name == "_raw_params" and free else name: value for name, value in args.items()}
