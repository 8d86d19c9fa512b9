"""What CloudFormation says: stacks and their events as typed values, and waiting for a stack."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Context, Intent, Ready, Waiting

from ._aws import ServiceError, pages, tag_map

INTERVAL = 5.0
LONGEST = 30.0
"""Seconds between two looks at a stack that is being changed."""

DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS")
"""A stack in one of these can't be updated, only deleted."""

GONE = ""
"""In place of a template."""

STACK = "AWS::CloudFormation::Stack"


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """A stack."""

    name: Annotated[Any, Meta(description="Its name.")]
    status: Annotated[
        Any, Meta(description="AWS's word, such as CREATE_COMPLETE; absent when it is not there.")
    ] = None
    template: Annotated[Any, Meta(description="Its template; in plans only.")] = None
    parameters: Annotated[Any, Meta(description="Its parameters; those with NoEcho as ****.")] = None
    tags: Annotated[Any, Meta(description="Its tags.")] = None
    outputs: Annotated[Any, Meta(description="Its outputs, by key.")] = None
    termination_protection: Annotated[Any, Meta(description="Whether it refuses to be deleted.")] = None
    id: Annotated[Any, Meta(description="Its ARN.")] = None
    ours: Annotated[Any, Meta(description="true while a change that this very run began is under way.")] = (
        None
    )


def stack_resource(name: Any) -> str:
    """How a stack is named in plans."""
    return f"cloudformation:stack/{name}"


def planned_stack(ctx: Context) -> str | None:
    """A stack that an earlier step of this dry run would change; it may bring what is not there now."""
    return next(iter(ctx.planned(stack_resource(""))), None)


def is_busy(status: Any) -> bool:
    """Whether CloudFormation is at work on a stack. One that waits for its change set's review is not."""
    return str(status).endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def read_stack(ctx: Context, name: str) -> StackState | None:
    """The stack with its template; None when there is none. `name` may be a stack's id."""
    raw = describe(ctx, name)
    if raw is None or raw["StackStatus"] == "DELETE_COMPLETE":
        return None
    template = None if raw["StackStatus"] == "REVIEW_IN_PROGRESS" else _template(ctx, name)
    if template == GONE:
        return None
    ours = is_busy(raw["StackStatus"]) and _began(ctx, raw["StackId"])
    return StackState(
        name=raw["StackName"],
        status=raw["StackStatus"],
        template=template,
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in raw.get("Parameters", [])},
        tags=tag_map(raw.get("Tags", [])),
        outputs={output["OutputKey"]: output["OutputValue"] for output in raw.get("Outputs", [])},
        termination_protection=raw.get("EnableTerminationProtection", False),
        id=raw["StackId"],
        ours=ours or None,
    )


def _template(ctx: Context, name: str) -> str:
    """As it was given; one in JSON comes as data. GONE for a stack that went away just now."""
    try:
        answer = ctx.client("cloudformation").get_template(StackName=name, TemplateStage="Original")
    except ServiceError as error:
        if not _is_missing(error):
            raise
        return GONE
    body = answer["TemplateBody"]
    return body if isinstance(body, str) else json.dumps(body, indent=2)


def describe(ctx: Context, name: str) -> Mapping[str, Any] | None:
    """A stack as CloudFormation describes it; None: it is not there."""
    try:
        found = ctx.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ServiceError as error:
        if not _is_missing(error):
            raise
        return None
    return found[0] if found else None


def _is_missing(error: ServiceError) -> bool:
    """A stack that is not there is a ValidationError, as many things are."""
    return error.code == "ValidationError" and "does not exist" in error.text


# ---------------------------------------------------------------- events


def token_of(intent: Intent) -> str:
    """The mark that CloudFormation puts on all events of a change: letters, digits and hyphens, 128 at most."""
    return re.sub(r"[^A-Za-z0-9]+", "-", intent.token)


def same_step(intent: Intent) -> str:
    """How the marks of all tries of this step's effect begin."""
    return token_of(intent).rpartition("-")[0] + "-"


def events(ctx: Context, stack: str, mark: str = "") -> list[Mapping[str, Any]]:
    """What happened to a stack in changes whose mark begins with `mark`, the oldest first. The service lists the
    newest first, in an order that its times alone (two may be equal) don't give."""
    found = pages(ctx.client("cloudformation"), "describe_stack_events", "StackEvents", StackName=stack)
    return [e for e in found if str(e.get("ClientRequestToken") or "").startswith(mark)][::-1]


def _began(ctx: Context, stack: str) -> bool:
    """Whether this run began what is under way."""
    own = re.sub(r"[^A-Za-z0-9]+", "-", f"runbook {ctx.run} ")
    last = [e for e in events(ctx, stack) if e.get("ResourceType") == STACK][-1:]
    return any(str(event.get("ClientRequestToken") or "").startswith(own) for event in last)


def first_failure(ctx: Context, stack: str, mark: str) -> str:
    """Why a change failed: the first resource that did; what follows is its consequence. Empty: not told."""
    failed = [e for e in events(ctx, stack, mark) if str(e.get("ResourceStatus", "")).endswith("_FAILED")]
    # The stack's own event only sums up what its resources say.
    failed.sort(key=lambda event: event.get("ResourceType") == STACK)
    for event in failed:
        reason = event.get("ResourceStatusReason", "no reason given")
        return f"{event['LogicalResourceId']} ({event.get('ResourceType', '')}): {reason}"
    return ""


def kept(ctx: Context, stack: str, mark: str) -> list[str]:
    """Resources that outlive the stack, because their DeletionPolicy says so."""
    found = events(ctx, stack, mark)
    return sorted({e["LogicalResourceId"] for e in found if e.get("ResourceStatus") == "DELETE_SKIPPED"})


# ---------------------------------------------------------------- waiting


def wait(ctx: Context, stack: str, timeout: float, mark: str = "") -> str:
    """Wait until nothing is under way; the status it ended in (`DELETE_COMPLETE` when it is gone).

    `stack` is the id: a deleted stack is described by it only. `mark`: of the change that is waited for.
    """

    def look() -> Waiting | Ready[str]:
        raw = describe(ctx, stack)
        status = raw["StackStatus"] if raw is not None else "DELETE_COMPLETE"
        return Waiting(_phase(status, events(ctx, stack, mark))) if is_busy(status) else Ready(status)

    name = stack.split("/")[1] if "/" in stack else stack
    return ctx.poll(f"stack {name}", look, timeout=timeout, interval=INTERVAL, longest=LONGEST)


def _phase(status: str, news: list[Mapping[str, Any]]) -> str:
    phase = status.lower().replace("_", " ")
    latest = {
        e["LogicalResourceId"]: e.get("ResourceStatus", "") for e in news if e.get("ResourceType") != STACK
    }
    done = sum(state.endswith("_COMPLETE") for state in latest.values())
    return f"{phase}, {done} of {len(latest)} resources begun are done" if latest else phase
