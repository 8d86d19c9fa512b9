"""The module `cloudformation_stack`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, field
from runbook.contract import CONTRACT_VERSION, Context, LocalFile, Params, Permissions, UndoAnswer
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from . import _stack_change as change_of
from . import _stack_template as templates
from . import _stacks
from ._stack_undo import PASSING, undo_of
from ._stacks import DEAD, StackState


class StackParams(Params, frozen=True, kw_only=True):
    """Arguments of `cloudformation_stack`."""

    name: Annotated[str, Meta(description="Name of the stack.")]
    state: Annotated[Literal["present", "absent"], Meta(description="Whether it is to be there.")] = "present"
    template: Annotated[LocalFile | None, Meta(description="The template's file, beside the playbook.")] = (
        None
    )
    template_body: Annotated[str | None, Meta(description="The template itself, where it is in no file.")] = (
        None
    )
    parameters: Annotated[
        dict[str, str], Meta(description="Parameters; those left out keep their values.")
    ] = field(default_factory=dict)
    tags: Annotated[
        dict[str, str] | None, Meta(description="All of its tags; they go to its resources too.")
    ] = None
    capabilities: Annotated[
        list[str],
        Meta(description="What it may do that needs saying, such as CAPABILITY_IAM."),
    ] = field(default_factory=list)
    role_arn: Annotated[str | None, Meta(description="The role that CloudFormation acts as.")] = None
    on_failure: Annotated[
        Literal["ROLLBACK", "DELETE", "DO_NOTHING"], Meta(description="What AWS does when creating it fails.")
    ] = "ROLLBACK"
    termination_protection: Annotated[bool | None, Meta(description="Whether it refuses to be deleted.")] = (
        None
    )
    replace_failed: Annotated[
        bool, Meta(description="Delete what a failed creation left, and create it again.")
    ] = False
    timeout: Annotated[int, Meta(ge=60, description="Seconds that a change may take.")] = 3600


class CloudformationStack:
    """A CloudFormation stack from a template beside the playbook: creates, updates and deletes it, and waits.

        - name: Network and instance
          cloudformation_stack:
            name: lab-prerequisites
            template: files/prerequisites.template.yml
            capabilities: [CAPABILITY_IAM]
          register: stack

        - debug:
            msg: "{{ stack.outputs.VpcId }}"

    The plan compares template, parameters and tags, and names the resources that differ; whether AWS updates a
    resource or replaces it, and what was in it is lost, only AWS knows. Comments, and the long and short forms of
    functions, are no difference. Parameters with NoEcho can't be compared: they travel with other changes.

    A stack whose creation failed (ROLLBACK_COMPLETE) can't be updated: `replace_failed: true` deletes it first.
    A change that somebody else began is waited for; so is, by a run that was killed and goes on, the change that it
    began: its mark stands in the stack's events. Resources that outlive the stack are told. Besides its own
    permissions it takes those that the template's resources need.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[StackParams]] = StackParams
    Result: ClassVar[type[StackState]] = StackState
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:GetTemplate",
        ),
        write=(
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:DeleteStack",
            "cloudformation:UpdateTerminationProtection",
        ),
    )

    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: StackParams) -> str | None:
        return _stacks.stack_resource(params.name)

    def observe(self, ctx: Context, params: StackParams) -> StackState | None:
        return _stacks.read_stack(ctx, params.name)

    def plan(self, params: StackParams, observed: StackState | None) -> Change:
        if params.state == "absent":
            return self._plan_absent(params, observed)
        template = _template(params)
        known = observed.parameters if observed is not None else {}
        templates.check_parameters(_parsed(params), params.parameters, known, _path(params))
        if observed is None:
            return self._plan_creation(params, Action.CREATE, None, "there is no such stack")
        if observed.status == "CREATE_IN_PROGRESS" and observed.ours:
            return self._plan_creation(params, Action.CREATE, None, "this run began to create it")
        if observed.status == "DELETE_IN_PROGRESS":
            reason = "the one that is there is being deleted: wait until it is gone, then create it"
            return self._plan_creation(params, Action.REPLACE, observed, reason)
        if observed.status in DEAD:
            return self._plan_replacement(params, observed)
        if observed.status == "UPDATE_ROLLBACK_FAILED":
            raise Failed(
                f"Stack {params.name} is {observed.status}: it can't be updated.", hint=change_of.GO_BACK
            )
        return self._plan_update(params, observed, template)

    def _plan_update(self, params: StackParams, observed: StackState, template: str) -> Change:
        resource = self.resource(params)
        differs = _differences(params, observed)
        if observed.ours and not differs:
            differs = ["this run began to update it"]
        if not differs:
            busy = _stacks.is_busy(observed.status)
            told = msgspec.structs.replace(_result(observed), outputs=Unknown(f"{resource} outputs"))
            return Change(
                action=Action.READ if busy else Action.NONE,
                resource=resource,
                before=observed,
                after=observed,
                result=told if busy else _result(observed),
                reason=f"it is {observed.status}: wait until that is over" if busy else "",
            )
        after = StackState(
            name=observed.name,
            status="UPDATE_COMPLETE",
            template=template,
            parameters={**observed.parameters, **_shown(params)},
            tags=observed.tags if params.tags is None else params.tags,
            outputs=Unknown(f"{resource} outputs"),
            termination_protection=_protected(params, observed),
            id=observed.id,
        )
        return Change(
            action=Action.UPDATE,
            resource=resource,
            before=observed,
            after=after,
            result=_result(after),
            reason="; ".join(differs),
        )

    def _plan_creation(
        self, params: StackParams, action: Action, before: StackState | None, reason: str
    ) -> Change:
        resource = self.resource(params)
        after = StackState(
            name=params.name,
            status="CREATE_COMPLETE",
            template=_template(params),
            parameters=_shown(params),
            tags=params.tags or {},
            outputs=Unknown(f"{resource} outputs"),
            termination_protection=bool(params.termination_protection),
            id=Unknown(f"{resource} id"),
        )
        return Change(
            action=action,
            resource=resource,
            before=before,
            after=after,
            result=_result(after),
            reason=reason,
        )

    def _plan_replacement(self, params: StackParams, observed: StackState) -> Change:
        if not params.replace_failed:
            raise Failed(
                f"Stack {params.name} is {observed.status}: it can only be deleted.", hint=change_of.REPLACE
            )
        _refuse_protected(params, observed)
        return self._plan_creation(params, Action.REPLACE, observed, f"it is {observed.status}")

    def _plan_absent(self, params: StackParams, observed: StackState | None) -> Change:
        gone = StackState(name=params.name, status="absent")
        if observed is None:
            return Change(action=Action.NONE, resource=self.resource(params), result=gone)
        _refuse_protected(params, observed)
        return Change(
            action=Action.DELETE,
            resource=self.resource(params),
            before=observed,
            result=gone,
            reason="it is to be absent, with all that it made",
        )

    def apply(self, ctx: Context, params: StackParams, change: Change) -> StackState:
        asked = _asked(params)
        before: StackState = change.before
        if change.action in (Action.DELETE, Action.REPLACE):
            change_of.delete(ctx, asked, before)
        if change.action is Action.DELETE:
            return StackState(name=params.name, status="absent")
        if change.action is Action.READ:
            change_of.await_others(ctx, asked, before)
        elif change.action is Action.UPDATE:
            self._update(ctx, params, before)
        else:
            change_of.create(ctx, asked)
        state = _stacks.read_stack(ctx, params.name)
        if state is None:
            raise Failed(
                f"Stack {params.name} is gone although it was just there.", hint="Who else works here?"
            )
        return _result(state)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        """Delete what was created, update back what was updated."""
        return undo_of(arguments, change)

    def _update(self, ctx: Context, params: StackParams, before: StackState) -> None:
        asked = _asked(params)
        if _stacks.is_busy(before.status) and not before.ours:
            change_of.await_others(ctx, asked, before)
        if _protected(params, before) != before.termination_protection:
            change_of.protect(ctx, asked)
        if before.ours or _differences(msgspec.structs.replace(params, termination_protection=None), before):
            change_of.update(ctx, asked, before)


# ---------------------------------------------------------------- what is asked for


def _path(params: StackParams) -> str:
    return params.template.path if params.template is not None else "in `template_body`"


def _template(params: StackParams) -> str:
    if params.template is not None and params.template_body is not None:
        raise Failed("Both `template` and `template_body` are given.", hint="Keep one of them.")
    if params.template is not None:
        content = params.template.content
    elif params.template_body is not None:
        content = params.template_body.encode()
    else:
        raise Failed(f"To make stack {params.name}, `template` must be given.")
    if len(content) > templates.MOST_BYTES:
        raise Failed(
            f"The template {_path(params)} has {len(content):,} bytes, and CloudFormation takes "
            f"{templates.MOST_BYTES:,} at most.",
            hint="Split it into several stacks, or leave its comments out.",
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failed(f"The template {_path(params)} is no UTF-8 text: {error}") from error


def _parsed(params: StackParams) -> Mapping[str, Any]:
    return templates.parse(_template(params), _path(params))


def _shown(params: StackParams) -> dict[str, Any]:
    """The parameters as CloudFormation would tell them."""
    hidden = templates.hidden(_parsed(params))
    return {key: templates.MASKED if key in hidden else value for key, value in params.parameters.items()}


def _differences(params: StackParams, observed: StackState) -> list[str]:
    found = []
    new, old = _parsed(params), templates.parse(str(observed.template), "in AWS")
    if new != old:
        found.append(f"its template differs ({', '.join(templates.changed_parts(old, new))})")
    shown = _shown(params)
    other = [key for key, value in shown.items() if observed.parameters.get(key) != value]
    if other:
        found.append(f"other parameters asked for: {', '.join(sorted(other))}")
    if params.tags is not None and params.tags != observed.tags:
        found.append("other tags asked for")
    if _protected(params, observed) != observed.termination_protection:
        found.append(f"protection against deletion to be {'on' if params.termination_protection else 'off'}")
    return found


def _protected(params: StackParams, observed: StackState) -> Any:
    asked = params.termination_protection
    return observed.termination_protection if asked is None else asked


def _refuse_protected(params: StackParams, observed: StackState) -> None:
    if observed.termination_protection and params.termination_protection is not False:
        raise Failed(
            f"Stack {params.name} is protected against deletion.",
            hint="`termination_protection: false` takes the protection away.",
        )


def _result(state: StackState) -> StackState:
    """What `register` holds: all but the template, which is long and known."""
    return msgspec.structs.replace(state, template=None, ours=None)


def _asked(params: StackParams) -> change_of.Asked:
    return change_of.Asked(
        name=params.name,
        template=_template(params) if params.state == "present" else "",
        parameters=params.parameters,
        tags=params.tags,
        capabilities=params.capabilities,
        role_arn=params.role_arn,
        on_failure=params.on_failure,
        protection=bool(params.termination_protection),
        timeout=params.timeout,
    )
