"""What CloudFormation says: stacks, their templates and events as typed values, and waiting for a stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta
from runbook.contract import Context, Ready, Waiting
from runbook.errors import Failed

from ._aws import ServiceError, pages, tag_map

INTERVAL = 5.0
LONGEST = 30.0
"""Seconds between two looks at a stack that is being changed."""

DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""A stack in one of these can't be updated, only deleted."""


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """A stack."""

    name: Annotated[Any, Meta(description="Its name.")]
    status: Annotated[
        Any, Meta(description="AWS's word, such as CREATE_COMPLETE; absent when it is not there.")
    ] = None
    template: Annotated[Any, Meta(description="Its template, as it was given.")] = None
    parameters: Annotated[Any, Meta(description="Its parameters.")] = None
    tags: Annotated[Any, Meta(description="Its tags.")] = None
    outputs: Annotated[Any, Meta(description="Its outputs, by key.")] = None
    termination_protection: Annotated[Any, Meta(description="Whether it refuses to be deleted.")] = None
    id: Annotated[Any, Meta(description="Its ARN.")] = None


def read_stack(ctx: Context, name: str) -> StackState | None:
    """The stack with its template; None when there is none. `name` may be a stack's id."""
    raw = describe(ctx, name)
    if raw is None or raw["StackStatus"] == "DELETE_COMPLETE":
        return None
    body = ctx.client("cloudformation").get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return StackState(
        name=raw["StackName"],
        status=raw["StackStatus"],
        template=body if isinstance(body, str) else json.dumps(body, indent=2),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in raw.get("Parameters", [])},
        tags=tag_map(raw.get("Tags", [])),
        outputs={output["OutputKey"]: output["OutputValue"] for output in raw.get("Outputs", [])},
        termination_protection=raw.get("EnableTerminationProtection", False),
        id=raw["StackId"],
    )


def describe(ctx: Context, name: str) -> Mapping[str, Any] | None:
    """A stack as CloudFormation describes it. One that is not there is a ValidationError, as many things are."""
    try:
        (found,) = ctx.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ServiceError as error:
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack: Mapping[str, Any] = found
    return stack


def events(ctx: Context, stack: str) -> list[Mapping[str, Any]]:
    """What happened to a stack, the oldest first."""
    found = list(pages(ctx.client("cloudformation"), "describe_stack_events", "StackEvents", StackName=stack))
    return found[::-1]


def wait(ctx: Context, stack: str, timeout: float, *, seen: int = 0) -> str:
    """Wait until nothing is under way; the status it ended in (`DELETE_COMPLETE` when it is gone).

    `stack` is the id: a deleted stack is described by it only. `seen`: events that are older than the change.
    """

    def look() -> Waiting | Ready[str]:
        raw = describe(ctx, stack)
        status = raw["StackStatus"] if raw is not None else "DELETE_COMPLETE"
        if not status.endswith("IN_PROGRESS"):
            return Ready(status)
        return Waiting(_phase(status, events(ctx, stack)[seen:]))

    return ctx.poll(f"stack {stack.split('/')[1] if '/' in stack else stack}", look, timeout=timeout,
                    interval=INTERVAL, longest=LONGEST)  # fmt: skip


def _phase(status: str, news: list[Mapping[str, Any]]) -> str:
    latest = {event["LogicalResourceId"]: event.get("ResourceStatus", "") for event in news}
    done = sum(state.endswith("_COMPLETE") for state in latest.values())
    return f"{status.lower().replace('_', ' ')}, {done} of {len(latest)} resources begun are done"


def first_failure(ctx: Context, stack: str, seen: int) -> str:
    """Why it failed: the first resource that did; what follows is its consequence."""
    for event in events(ctx, stack)[seen:]:
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "no reason given")
            return f"{event['LogicalResourceId']} ({event.get('ResourceType', '')}): {reason}"
    return "no resource failed"


def kept(ctx: Context, stack: str, seen: int) -> list[str]:
    """Resources that outlived the stack, because their DeletionPolicy says so."""
    found = (
        e["LogicalResourceId"]
        for e in events(ctx, stack)[seen:]
        if e.get("ResourceStatus") == "DELETE_SKIPPED"
    )
    return sorted(set(found))


# ---------------------------------------------------------------- templates


class _Tagged(yaml.SafeLoader):
    """Reads `!Ref x`, `!GetAtt a.b` and their like as `{tag: value}`."""


def _tagged(loader: _Tagged, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 (YAML has no fourth kind)
    return {suffix: loader.construct_mapping(node, deep=True)}


_Tagged.add_multi_constructor("!", _tagged)


def parse(template: str, path: str) -> Mapping[str, Any]:
    """A template's content. Raises Failed when it is none."""
    try:
        found = yaml.load(template, _Tagged)  # noqa: S506 (a SafeLoader that knows CloudFormation's short forms)
    except yaml.YAMLError as error:
        raise Failed(f"The template {path} is no YAML or JSON: {re.sub(chr(10), ' ', str(error))}") from error
    if not isinstance(found, Mapping) or not isinstance(found.get("Resources"), Mapping):
        raise Failed(f"The template {path} has no `Resources`.")
    return found


def changed_resources(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Logical ids that differ between two templates, with a sign for what happens to them."""
    old, new = before["Resources"], after["Resources"]
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield f"+{name}"
        elif name not in new:
            yield f"-{name}"
        elif old[name] != new[name]:
            yield f"~{name}"
