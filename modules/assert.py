"""Fail unless all expressions hold.

- assert:
    that:
      - cluster.shards | length == 1
      - cluster.status == 'available'
    fail_msg: "The cluster is not as asked."
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import Decision, Expression, Params, Scope
from runbook.values import Unknown


class AssertParams(Params, frozen=True, kw_only=True):
    that: Annotated[list[Expression], Meta(description="Expressions that must all hold.")]
    fail_msg: Annotated[Any, Meta(description="What to say when one does not.")] = None
    msg: Annotated[Any, Meta(description="The same, by its older name.")] = None
    success_msg: Annotated[Any, Meta(description="What to say when all hold.")] = "All assertions passed"
    quiet: Annotated[bool, Meta(description="Accepted for Ansible's sake: little is told anyway.")] = False


class Assert:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = AssertParams

    def compute(self, params: AssertParams, scope: Scope) -> Decision:
        undecided = None
        for expression in params.that:
            holds = scope.truth(expression)
            if isinstance(holds, Unknown):
                undecided = undecided or f"'{expression.source}' depends on {Unknown.describe(holds)}"
            elif not holds:
                return self._failed(params, expression)
        if undecided:
            return Decision(undecided=undecided)
        return Decision(result={"msg": params.success_msg})

    def _failed(self, params: AssertParams, expression: Expression) -> Decision:
        message = params.fail_msg if params.fail_msg is not None else params.msg
        result = {
            "msg": message if message is not None else f"Assertion failed: {expression.source}",
            "assertion": expression.source,
            "evaluated_to": False,
        }
        return Decision(result=result, failed=True)
