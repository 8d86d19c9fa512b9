"""Stacks that refuse to be deleted: moto keeps their `EnableTerminationProtection` and does nothing with it."""

from __future__ import annotations

import functools
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult


def put_protection_right() -> None:
    """Correct moto. Call it once in a process."""
    CloudFormationResponse.update_termination_protection = _protect  # type: ignore[attr-defined]
    deletes = CloudFormationResponse.delete_stack

    @functools.wraps(deletes)
    def delete_stack(self: Any) -> Any:
        name = self._get_param("StackName")
        found = [
            one for one in self.cloudformation_backend.stacks.values() if name in (one.name, one.stack_id)
        ]
        if any(one.enable_termination_protection for one in found):
            raise ValidationError(
                name_or_id=name,
                message=f"Stack [{name}] cannot be deleted while TerminationProtection is enabled",
            )
        return deletes(self)

    CloudFormationResponse.delete_stack = delete_stack  # type: ignore[method-assign]


def _protect(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = bool(self._get_param("EnableTerminationProtection"))
    return ActionResult({"StackId": stack.stack_id})
