"""Show a message, or a variable's value.

- debug:
    msg: "The endpoint is {{ cluster.endpoint }}"
- debug:
    var: cluster.shards
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import Decision, Expression, Params, Scope
from runbook.errors import Failed, UndefinedVariable

HELLO = "Hello world!"


class DebugParams(Params, frozen=True, kw_only=True):
    msg: Annotated[Any, Meta(description="What to show.")] = HELLO
    var: Annotated[Expression | None, Meta(description="A variable or expression whose value to show.")] = (
        None
    )
    verbosity: Annotated[int, Meta(description="Show it only from this many `-v` on.")] = 0


class Debug:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = DebugParams

    def compute(self, params: DebugParams, scope: Scope) -> Decision:
        if params.verbosity > scope.get("ansible_verbosity"):
            return Decision(result={"skip_reason": "Verbosity threshold not met."}, skipped=True)
        if params.var is None:
            return Decision(result={"msg": params.msg})
        if params.msg is not HELLO:
            raise Failed("debug shows either `msg` or `var`")
        try:
            value = scope.evaluate(params.var)
        except UndefinedVariable as error:
            value = f"<< error 1 - {error.message} >>"  # what Ansible prints
        return Decision(result={params.var.source: value})
