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
        if params.var is not None and params.msg is not HELLO:
            raise Failed("parameters are mutually exclusive: msg|var", hint="Keep one of them.")
        if params.verbosity > scope.get("ansible_verbosity"):
            told = {"skipped_reason": "Verbosity threshold not met.", "failed": False}
            return Decision(result=told, skipped=True)
        if params.var is None:
            return Decision(result={"msg": params.msg})
        try:
            return Decision(result={params.var.source: scope.evaluate(params.var)})
        except UndefinedVariable as error:
            why = f"error 1 - {error.message}"
            warning = f"Encountered 1 template error.\n{why}"
            return Decision(result={params.var.source: f"<< {why} >>", "warnings": [warning]})
