"""The module `cloudformation_stack`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field
from runbook.contract import (
    CONTRACT_VERSION,
    Absent,
    Context,
    Finding,
    Intent,
    Landed,
    LocalFile,
    Params,
    Permissions,
)
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from . import _stacks
from ._aws import ServiceError, tag_list
from ._stacks import DEAD, StackState

UNCHANGED = "No updates are to be performed"


class StackParams(Params, frozen=True, kw_only=True):
    """Arguments of `cloudformation_stack`."""

    name: Annotated[str, Meta(description="Name of the stack.")]
    state: Annotated[Literal["present", "absent"], Meta(description="Whether it is to be there.")] = "present"
    template: Annotated[LocalFile | None, Meta(description="The template's file, beside the playbook.")] = (
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
    resource or replaces it, and what was in it is lost, only AWS knows. A stack whose creation failed
    (ROLLBACK_COMPLETE) can't be updated: `replace_failed: true` deletes it first. Resources that outlive the stack
    are told.
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

    def resource(self, params: StackParams) -> str | None:
        return f"cloudformation:stack/{params.name}"

    def observe(self, ctx: Context, params: StackParams) -> StackState | None:
        return _stacks.read_stack(ctx, params.name)

    def plan(self, params: StackParams, observed: StackState | None) -> Change:
        if params.state == "absent":
            return self._plan_absent(params, observed)
        template = _template(params)
        if observed is None:
            return self._plan_creation(params, Action.CREATE, None, "there is no such stack")
        if observed.status in DEAD:
            if not params.replace_failed:
                raise Failed(
                    f"Stack {params.name} is {observed.status}: it can only be deleted.",
                    hint="`replace_failed: true` deletes it and creates it again.",
                )
            return self._plan_creation(params, Action.REPLACE, observed, f"it is {observed.status}")
        differs = _differences(params, observed)
        if not differs:
            return Change(
                action=Action.NONE,
                resource=self.resource(params),
                before=observed,
                after=observed,
                result=observed,
            )
        after = StackState(
            name=observed.name,
            status="UPDATE_COMPLETE",
            template=template,
            parameters={**observed.parameters, **params.parameters},
            tags=observed.tags if params.tags is None else params.tags,
            outputs=Unknown(f"{self.resource(params)} outputs"),
            termination_protection=_protected(params, observed),
            id=observed.id,
        )
        return Change(
            action=Action.UPDATE,
            resource=self.resource(params),
            before=observed,
            after=after,
            result=after,
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
            parameters=params.parameters,
            tags=params.tags or {},
            outputs=Unknown(f"{resource} outputs"),
            termination_protection=bool(params.termination_protection),
            id=Unknown(f"{resource} id"),
        )
        return Change(
            action=action, resource=resource, before=before, after=after, result=after, reason=reason
        )

    def _plan_absent(self, params: StackParams, observed: StackState | None) -> Change:
        gone = StackState(name=params.name, status="absent")
        if observed is None:
            return Change(action=Action.NONE, resource=self.resource(params), result=gone)
        if observed.termination_protection and params.termination_protection is not False:
            raise Failed(
                f"Stack {params.name} is protected against deletion.",
                hint="`termination_protection: false` takes the protection away.",
            )
        return Change(
            action=Action.DELETE,
            resource=self.resource(params),
            before=observed,
            result=gone,
            reason="it is to be absent, with all that it made",
        )

    def apply(self, ctx: Context, params: StackParams, change: Change) -> StackState:
        before: StackState | None = change.before
        if before is not None and str(before.status).endswith("IN_PROGRESS"):
            _stacks.wait(ctx, before.id, params.timeout)
        if change.action in (Action.DELETE, Action.REPLACE):
            self._delete(ctx, params, change.before)
        if change.action is Action.DELETE:
            return StackState(name=params.name, status="absent")
        if change.action is Action.UPDATE:
            self._update(ctx, params, change.before)
        else:
            self._create(ctx, params)
        state = _stacks.read_stack(ctx, params.name)
        if state is None:
            raise Failed(f"Stack {params.name} is gone although it was just made.")
        return state

    # ------------------------------------------------------------ calls

    def _create(self, ctx: Context, params: StackParams) -> None:
        def call(intent: Intent) -> str:
            made = ctx.client("cloudformation").create_stack(
                StackName=params.name,
                TemplateBody=_template(params),
                Parameters=_parameters(params),
                Capabilities=params.capabilities,
                OnFailure=params.on_failure,
                ClientRequestToken=_token(intent),
                Tags=tag_list(params.tags or {}),
                EnableTerminationProtection=bool(params.termination_protection),
                **_role(params),
            )
            return str(made["StackId"])

        stack = ctx.effect("create", call, find=lambda intent: _by_token(ctx, params.name, intent))
        self._watch(ctx, params, stack, "CREATE_COMPLETE", seen=0)

    def _update(self, ctx: Context, params: StackParams, before: StackState) -> None:
        kept = [key for key in before.parameters if key not in params.parameters]
        tags = before.tags if params.tags is None else params.tags

        def call(intent: Intent) -> str:
            try:
                ctx.client("cloudformation").update_stack(
                    StackName=params.name,
                    TemplateBody=_template(params),
                    Parameters=[
                        *_parameters(params),
                        *({"ParameterKey": key, "UsePreviousValue": True} for key in kept),
                    ],
                    Capabilities=params.capabilities,
                    ClientRequestToken=_token(intent),
                    Tags=tag_list(tags),
                    **_role(params),
                )
            except ServiceError as error:
                if UNCHANGED not in str(error):
                    raise
                return "unchanged"
            return "updated"

        if params.termination_protection not in (None, before.termination_protection):
            self._protect(ctx, params)
        seen = len(_stacks.events(ctx, before.id))
        answer = ctx.effect(
            "update", call, find=lambda intent: _by_token(ctx, params.name, intent, "updated"), before=seen
        )
        if answer != "unchanged":
            self._watch(ctx, params, before.id, "UPDATE_COMPLETE", seen)

    def _delete(self, ctx: Context, params: StackParams, before: StackState) -> None:
        seen = len(_stacks.events(ctx, before.id))

        def call(intent: Intent) -> None:
            ctx.client("cloudformation").delete_stack(
                StackName=before.id, ClientRequestToken=_token(intent), **_role(params)
            )

        if before.termination_protection:
            self._protect(ctx, params)
        # Deleting what is being deleted, or is gone, does no harm: calling again needs no finding.
        ctx.effect("delete", call, find=lambda _: Absent())
        self._watch(ctx, params, before.id, "DELETE_COMPLETE", seen)
        left = _stacks.kept(ctx, before.id, seen)
        if left:
            ctx.warn(
                f"These resources of stack {params.name} stay, as their DeletionPolicy says: {', '.join(left)}"
            )

    def _protect(self, ctx: Context, params: StackParams) -> None:
        def call(_: Intent) -> None:
            ctx.client("cloudformation").update_termination_protection(
                StackName=params.name, EnableTerminationProtection=bool(params.termination_protection)
            )

        ctx.effect("protect", call, find=lambda _: Absent())

    def _watch(self, ctx: Context, params: StackParams, stack: str, wanted: str, seen: int) -> None:
        status = _stacks.wait(ctx, stack, params.timeout, seen=seen)
        if status not in (wanted, f"{wanted}_CLEANUP_IN_PROGRESS"):
            raise Failed(
                f"Stack {params.name} ended as {status}. {_stacks.first_failure(ctx, stack, seen)}",
                hint="`replace_failed: true` deletes it and creates it again."
                if wanted == "CREATE_COMPLETE"
                else None,
            )


def _template(params: StackParams) -> str:
    if params.template is None:
        raise Failed(f"To make stack {params.name}, `template` must be given.")
    text = params.template.content.decode("utf-8", "replace")
    _stacks.parse(text, params.template.path)
    return text


def _differences(params: StackParams, observed: StackState) -> list[str]:
    found = []
    template = _template(params)
    if template.strip() != str(observed.template).strip():
        old = _stacks.parse(str(observed.template), "in AWS")
        names = ", ".join(_stacks.changed_resources(old, _stacks.parse(template, params.name)))
        found.append(f"its template differs ({names or 'not in resources'})")
    other = [key for key, value in params.parameters.items() if observed.parameters.get(key) != value]
    if other:
        found.append(f"other parameters asked for: {', '.join(sorted(other))}")
    if params.tags is not None and params.tags != observed.tags:
        found.append("other tags asked for")
    if _protected(params, observed) != observed.termination_protection:
        found.append("other protection asked for")
    return found


def _protected(params: StackParams, observed: StackState) -> Any:
    return (
        observed.termination_protection
        if params.termination_protection is None
        else params.termination_protection
    )


def _parameters(params: StackParams) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in params.parameters.items()]


def _role(params: StackParams) -> dict[str, str]:
    return {} if params.role_arn is None else {"RoleARN": params.role_arn}


def _token(intent: Intent) -> str:
    """CloudFormation takes letters, digits and hyphens, and does nothing twice for one token."""
    return "runbook-" + hashlib.blake2b(intent.token.encode(), digest_size=16).hexdigest()


def _by_token(ctx: Context, name: str, intent: Intent, result: str | None = None) -> Finding[str]:
    """Whether CloudFormation acted on this very call: its events carry the token.

    A stack that was made and does not show yet is refused by its name when it is called for again.
    """
    raw = _stacks.describe(ctx, name)
    if raw is None:
        return Absent()
    token = _token(intent)
    if any(event.get("ClientRequestToken") == token for event in _stacks.events(ctx, raw["StackId"])):
        return Landed(result or str(raw["StackId"]))
    return Absent()
