"""Go on with the tasks of a role.

- include_role:
    name: web
- include_role:
    name: "{{ part }}"
    tasks_from: check
    public: true
  loop: [network, cluster]
  loop_control: {loop_var: part}

Roles are looked for in `roles` beside the playbook, then in the folders of `--roles-path`. The role's handlers join
the play; its variables do with `public`. What `vars` says is seen by the role alone; `apply` gives all its tasks
keywords, such as `tags`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import Decision, Params, Scope, aliases
from runbook.contract import IncludeRole as Role
from runbook.values import Unknown


class IncludeRoleParams(Params, frozen=True, kw_only=True):
    name: Annotated[str, aliases("role"), Meta(description="The role: a name, or the path of its folder.")]
    tasks_from: Annotated[str | None, Meta(description="The file of `tasks` to go on with.")] = None
    vars_from: Annotated[str | None, Meta(description="The file of `vars` to read.")] = None
    defaults_from: Annotated[str | None, Meta(description="The file of `defaults` to read.")] = None
    handlers_from: Annotated[str | None, Meta(description="The file of `handlers` to read.")] = None
    public: Annotated[bool, Meta(description="The whole play sees its variables from now on.")] = False
    allow_duplicates: Annotated[bool, Meta(description="Play it again, although it was played.")] = True
    rolespec_validate: Annotated[bool, Meta(description="Hold its arguments against its specification.")] = (
        True
    )


class IncludeRole:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = IncludeRoleParams

    def compute(self, params: IncludeRoleParams, scope: Scope) -> Decision:
        name: Any = params.name
        if isinstance(name, Unknown):
            return Decision(undecided=f"which role it is depends on {Unknown.describe(name)}")
        role = Role(
            name=params.name,
            tasks_from=params.tasks_from,
            handlers_from=params.handlers_from,
            vars_from=params.vars_from,
            defaults_from=params.defaults_from,
            public=params.public,
            allow_duplicates=params.allow_duplicates,
            validate=params.rolespec_validate,
        )
        blank = IncludeRoleParams(name="")
        fields = ((name, getattr(params, name)) for name in params.__struct_fields__)
        told = {name: value for name, value in fields if value != getattr(blank, name)}
        return Decision(result={"include_args": told}, directive=role)
