"""Fail with a message.

- fail:
    msg: "This account has no VPC named LabVPC."
  when: vpcs | length == 0
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import Decision, Params, Scope


class FailParams(Params, frozen=True, kw_only=True):
    msg: Annotated[Any, Meta(description="Why.")] = "Failed as requested from task"


class Fail:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = FailParams

    def compute(self, params: FailParams, scope: Scope) -> Decision:
        return Decision(result={"msg": params.msg}, failed=True)
