"""Changing a stack: one call, told apart from other calls by its mark, then waiting for what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.contract import Absent, Context, Finding, Intent, Landed, Unsure
from runbook.errors import Failed

from . import _stacks
from ._aws import ServiceError, tag_list
from ._effects import once, settled, shows
from ._stack_template import declared, parse
from ._stacks import DEAD, StackState

UNCHANGED = "No updates are to be performed"

SETTLE = 30.0
"""Seconds (of the service's time) after which a change that was taken shows in a stack's events (inferred)."""

REPLACE = "`replace_failed: true` deletes it and creates it again."
GO_BACK = "Finish its way back first: `aws cloudformation continue-update-rollback`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a stack is to be like. `timeout` in seconds."""

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] | None
    capabilities: list[str]
    role_arn: str | None
    on_failure: str
    protection: bool
    timeout: int


def create(ctx: Context, asked: Asked) -> None:
    """Create it and wait. Raises Failed with the first resource that failed."""

    def call(intent: Intent) -> dict[str, str]:
        mark = _stacks.token_of(intent)
        try:
            made = _call(
                ctx,
                "create_stack",
                OnFailure=asked.on_failure,
                EnableTerminationProtection=asked.protection,
                Tags=tag_list(asked.tags or {}),
                Parameters=_given(asked),
                **_common(asked, mark),
            )
        except ServiceError as error:
            # What an earlier try made shows late, and is refused by its name then.
            known = _stacks.describe(ctx, asked.name) if error.code == "AlreadyExistsException" else None
            found = _by_mark(ctx, known, _stacks.same_step(intent))
            if found is None:
                raise _advised(error) from error
            return found
        return {"stack": str(made["StackId"]), "mark": mark}

    began = ctx.effect("create", call, find=lambda intent: _find(ctx, asked.name, intent))
    status = _stacks.wait(ctx, began["stack"], asked.timeout, began["mark"])
    if status != "CREATE_COMPLETE":
        raise _ended_badly(ctx, asked, began, status, REPLACE if status in DEAD else None)


def update(ctx: Context, asked: Asked, before: StackState) -> None:
    """Update it and wait. What CloudFormation takes for no difference is left as it is, with a warning."""
    kept = [key for key in declared(parse(asked.template, asked.name)) if key in before.parameters]
    previous = [{"ParameterKey": k, "UsePreviousValue": True} for k in kept if k not in asked.parameters]
    tags = before.tags if asked.tags is None else asked.tags

    def call(intent: Intent) -> dict[str, str]:
        mark = _stacks.token_of(intent)
        try:
            given = [*_given(asked), *previous]
            _call(ctx, "update_stack", Parameters=given, Tags=tag_list(tags), **_common(asked, mark))
        except ServiceError as error:
            if UNCHANGED not in error.text:
                raise _advised(error) from error
            return {"stack": before.id, "mark": ""}
        return {"stack": before.id, "mark": mark}

    began = ctx.effect("update", call, find=lambda intent: _find(ctx, asked.name, intent))
    if not began["mark"]:
        ctx.warn(f"CloudFormation sees no difference that it could update in stack {asked.name}.")
        return
    status = _stacks.wait(ctx, before.id, asked.timeout, began["mark"])
    if status != "UPDATE_COMPLETE":
        raise _ended_badly(ctx, asked, began, status, GO_BACK if status.endswith("FAILED") else None)


def delete(ctx: Context, asked: Asked, before: StackState) -> None:
    """Delete it and wait until it is gone."""
    if before.termination_protection:
        protect(ctx, asked)
    leaving = before.status == "DELETE_IN_PROGRESS"
    if _stacks.is_busy(before.status) and not leaving:
        _stacks.wait(ctx, before.id, asked.timeout)

    def call(intent: Intent) -> dict[str, str]:
        mark = _stacks.token_of(intent)
        _call(ctx, "delete_stack", StackName=before.id, ClientRequestToken=mark, **_role(asked))
        return {"stack": before.id, "mark": mark}

    began = {"stack": before.id, "mark": ""}
    if not leaving:
        began = ctx.effect("delete", call, find=lambda intent: _find(ctx, before.id, intent))
    status = _stacks.wait(ctx, before.id, asked.timeout, began["mark"])
    if status != "DELETE_COMPLETE":
        raise _ended_badly(ctx, asked, began, status, None)
    left = _stacks.kept(ctx, before.id, began["mark"])
    if left:
        ctx.warn(f"Stack {asked.name} leaves behind, as their DeletionPolicy says: {', '.join(left)}")


def protect(ctx: Context, asked: Asked) -> None:
    """Switch the protection against deletion as asked."""

    def call(_: Intent) -> None:
        wanted = {"StackName": asked.name, "EnableTerminationProtection": asked.protection}
        _call(ctx, "update_termination_protection", **wanted)

    def find(intent: Intent) -> Finding[None]:
        there = _stacks.describe(ctx, asked.name) or {}
        return shows(there.get("EnableTerminationProtection", False) == asked.protection, ctx, intent, SETTLE)

    ctx.effect("protect", call, find=find)


def await_others(ctx: Context, asked: Asked, before: StackState) -> None:
    """Wait for what somebody else began. Raises Failed when it leaves nothing to go on with."""
    status = _stacks.wait(ctx, before.id, asked.timeout)
    if status in DEAD or status.endswith(("_FAILED", "DELETE_COMPLETE")):
        hint = REPLACE if status in DEAD else None
        raise _ended_badly(ctx, asked, {"stack": before.id, "mark": ""}, status, hint)


def _call(ctx: Context, operation: str, **asked: Any) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = once(
        ctx, "cloudformation", lambda client: getattr(client, operation)(**asked)
    )
    return answer


def _common(asked: Asked, mark: str) -> dict[str, Any]:
    return {
        "StackName": asked.name,
        "TemplateBody": asked.template,
        "Capabilities": asked.capabilities,
        "ClientRequestToken": mark,
        **_role(asked),
    }


def _given(asked: Asked) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in asked.parameters.items()]


def _role(asked: Asked) -> dict[str, str]:
    return {} if asked.role_arn is None else {"RoleARN": asked.role_arn}


def _advised(error: ServiceError) -> ServiceError:
    if error.code != "InsufficientCapabilitiesException":
        return error
    hint = "Say so in `capabilities`, such as [CAPABILITY_IAM] or [CAPABILITY_NAMED_IAM]."
    return ServiceError(error.service, error.operation, error.code, error.text, hint=hint)


def _ended_badly(
    ctx: Context, asked: Asked, began: Mapping[str, str], status: str, hint: str | None
) -> Failed:
    why = _stacks.first_failure(ctx, began["stack"], began["mark"])
    return Failed(f"Stack {asked.name} ended as {status}" + (f": {why}" if why else "."), hint=hint)


def _find(ctx: Context, name: str, intent: Intent) -> Finding[dict[str, str]]:
    """Whether CloudFormation acted on this very call: its events carry the call's mark."""
    found = _by_mark(ctx, _stacks.describe(ctx, name), _stacks.token_of(intent))
    if found is not None:
        return Landed(found)
    return Absent() if settled(ctx, intent, SETTLE) else Unsure("its events may not show yet")


def _by_mark(ctx: Context, raw: Mapping[str, Any] | None, mark: str) -> dict[str, str] | None:
    if raw is None:
        return None
    found = _stacks.events(ctx, raw["StackId"], mark)
    return {"stack": str(raw["StackId"]), "mark": found[-1]["ClientRequestToken"]} if found else None
