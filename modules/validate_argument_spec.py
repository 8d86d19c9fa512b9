"""Hold arguments against a specification, in the language of Ansible's `argument_specs`.

- validate_argument_spec:
    argument_spec:
      port: {type: int, required: true}
      mode: {type: str, choices: [fast, safe], default: safe}
    provided_arguments: {port: "{{ port }}"}

What `provided_arguments` lacks is taken from the variables of the same names. A role with `argument_specs` in its
`meta` calls this by itself, before its tasks.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, field
from runbook.contract import Decision, Params, Scope
from runbook.errors import UndefinedVariable
from runbook.values import Secret, Unknown

from ._argument_spec import errors_of
from ._unknowns import first_unknown


class ValidateArgumentSpecParams(Params, frozen=True, kw_only=True):
    argument_spec: Annotated[dict[str, Any], Meta(description="Names of arguments, and what each must be.")]
    provided_arguments: Annotated[dict[str, Any], Meta(description="Arguments that are given.")] = field(
        default_factory=dict
    )
    validate_args_context: Annotated[
        dict[str, Any], Meta(description="What is validated: it is told with the result.")
    ] = field(default_factory=dict)


class ValidateArgumentSpec:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = ValidateArgumentSpecParams

    def compute(self, params: ValidateArgumentSpecParams, scope: Scope) -> Decision:
        given: dict[str, Any] = {}
        for name in params.argument_spec:
            try:
                given[name] = Secret.reveal(scope.get(name))
            except UndefinedVariable:
                continue
        given.update(params.provided_arguments)
        unknown: Any = first_unknown(*given.values())
        if unknown is not None:
            return Decision(undecided=f"an argument depends on {Unknown.describe(unknown)}")
        context = {"validate_args_context": params.validate_args_context}
        spec = {name: option or {} for name, option in params.argument_spec.items()}
        errors = errors_of(spec, given)
        if not errors:
            return Decision(result={"msg": "The arg spec validation passed", **context})
        told = {"argument_errors": errors, "argument_spec_data": params.argument_spec, **context}
        return Decision(
            result={"msg": "\n".join(["Validation of arguments failed:", *errors]), **told}, failed=True
        )
