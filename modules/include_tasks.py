"""Go on with the tasks of a file.

- include_tasks: data.yml
- include_tasks:
    file: "{{ part }}.yml"
  loop: [network, cluster]
  loop_control: {loop_var: part}

The file is looked for beside the file that includes it, then beside the playbook.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import FREE_FORM, Decision, Include, Params, Scope
from runbook.values import Unknown


class IncludeTasksParams(Params, frozen=True, kw_only=True):
    file: Annotated[str, FREE_FORM, Meta(description="The file, with a list of tasks in it.")]


class IncludeTasks:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = IncludeTasksParams

    def compute(self, params: IncludeTasksParams, scope: Scope) -> Decision:
        name: Any = params.file
        if isinstance(name, Unknown):
            return Decision(undecided=f"which file it is depends on {Unknown.describe(name)}")
        return Decision(result={"include": params.file, "include_args": {}}, directive=Include(params.file))
