"""The stacks of moto's CloudFormation, put right: the time they take, their events, and what they refuse."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Event, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .clock import Clock

log = logging.getLogger(__name__)

#: Seconds of AWS time that a stack takes; a guess of the right size for the lab's stack.
STACK_SECONDS = {"CREATE_COMPLETE": 240.0, "UPDATE_COMPLETE": 90.0, "DELETE_COMPLETE": 240.0}


class StackTime:
    """How long stacks take, on the clock in force. Without a clock they are done at once."""

    def __init__(self) -> None:
        self.clock: Clock | None = None

    def _now(self) -> float:
        return self.clock.monotonic() if self.clock else 0.0

    def _busy(self, stack: Any) -> bool:
        return self.clock is not None and self._now() < stack.__dict__.get("_sandbox_over", 0.0)

    def status(self, stack: Any) -> str:
        """A stack's state: what it has come to, or that it is on its way there."""
        status: str = stack.__dict__["_sandbox_status"]
        return status.replace("_COMPLETE", "_IN_PROGRESS") if self._busy(stack) else status

    def set_status(self, stack: Any, status: str) -> None:
        """Moto is done at once: note when AWS would be."""
        stack.__dict__["_sandbox_status"] = status
        if status not in STACK_SECONDS:
            return
        now = self._now()
        over = now + STACK_SECONDS[status] if self.clock else now
        stack.__dict__["_sandbox_over"] = over
        if status == "CREATE_COMPLETE":
            stack.__dict__["_sandbox_steps"] = list(_steps(stack, now, over))

    def events(self, stack: Any) -> list[Any]:
        """The events up to now, oldest first."""
        events: list[Any] = stack.__dict__["_sandbox_events"]
        if self._busy(stack):
            last = next((e for e in reversed(events) if e.resource_status.endswith("_COMPLETE")), None)
            events = [event for event in events if event is not last]
        now, steps = self._now(), stack.__dict__.get("_sandbox_steps", ())
        return [*events[:1], *(event for at, event in steps if at <= now), *events[1:]]


def put_stacks_right(time: StackTime) -> None:
    """Correct moto's stacks. Call it once in a process."""
    _let_stacks_take_time(time)
    _keep_stacks_that_fail_to_go()
    _refuse_updates_of_nothing()


def _let_stacks_take_time(time: StackTime) -> None:
    def set_events(stack: Any, events: list[Any]) -> None:
        stack.__dict__["_sandbox_events"] = events

    def add_event(stack: Any, *args: Any, **kwargs: Any) -> None:
        event = _stack_event(stack, *args, **kwargs)
        event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
        stack.__dict__["_sandbox_events"].append(event)

    # Moto keeps the state and the events of a stack in these attributes, and adds events in this method.
    Stack.status = property(time.status, time.set_status)  # type: ignore[assignment]
    Stack.events = property(time.events, set_events)  # type: ignore[assignment]
    Stack._add_stack_event = add_event  # type: ignore[method-assign, assignment]  # noqa: SLF001
    describe = CloudFormationBackend.describe_stacks

    @functools.wraps(describe)
    def describe_stacks(self: Any, name_or_stack_id: str) -> list[Stack]:
        """A stack on its way out is still found by its name."""
        leaving = [stack for stack in self.deleted_stacks.values() if stack.status == "DELETE_IN_PROGRESS"]
        if not name_or_stack_id:
            return [*describe(self, name_or_stack_id), *leaving]
        named = [stack for stack in leaving if stack.name == name_or_stack_id]
        return named[-1:] or describe(self, name_or_stack_id)

    CloudFormationBackend.describe_stacks = describe_stacks  # type: ignore[method-assign]


def _stack_event(
    stack: Any,
    resource_status: str,
    resource_status_reason: str | None = None,
    resource_properties: str | None = None,
) -> Event:
    kind = "AWS::CloudFormation::Stack"
    return Event(
        stack.stack_id,
        stack.name,
        stack.name,
        stack.stack_id,
        kind,
        resource_status,
        resource_status_reason,
        resource_properties,
    )


def _steps(stack: Any, begin: float, end: float) -> Iterator[tuple[float, Event]]:
    """The events of the resources of a new stack, one resource after the other, and when each is to be seen."""
    resources = [it for it in stack.stack_resources if hasattr(it, "logical_resource_id")]
    each = (end - begin) / (len(resources) + 1)
    for number, resource in enumerate(resources):
        for offset, status in ((0, "CREATE_IN_PROGRESS"), (1, "CREATE_COMPLETE")):
            event = Event(
                stack.stack_id,
                stack.name,
                resource.logical_resource_id,
                getattr(resource, "physical_resource_id", "") or "",
                resource.cloudformation_type(),
                status,
                None,
                None,
            )
            yield begin + (number + offset) * each, event


def _keep_stacks_that_fail_to_go() -> None:
    delete = CloudFormationBackend.delete_stack

    @functools.wraps(delete)
    def delete_stack(self: Any, name_or_stack_id: str) -> None:
        found = [s for s in self.stacks.values() if name_or_stack_id in {s.name, s.stack_id}]
        try:
            delete(self, name_or_stack_id)
        except Exception as error:
            if not found:
                raise
            log.exception("stack %s could not be deleted", name_or_stack_id)
            stack = found[0]
            self.stacks[stack.stack_id] = stack
            reason = str(getattr(error, "message", "") or error)
            stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason)  # noqa: SLF001
            stack.status = "DELETE_FAILED"

    CloudFormationBackend.delete_stack = delete_stack  # type: ignore[method-assign]


def _refuse_updates_of_nothing() -> None:
    update = CloudFormationBackend.update_stack

    @functools.wraps(update)
    def update_stack(self: Any, name: str, template: str, *args: Any, **kwargs: Any) -> Stack:
        stack = self.get_stack(name)
        if stack.status.endswith("_IN_PROGRESS"):
            message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise ValidationError(stack.stack_id, message=message)
        given = {p["ParameterKey"]: p.get("ParameterValue") for p in kwargs["parameters"]}
        kept = {key for key, value in given.items() if value is None}
        wanted = {key: stack.parameters.get(key) if key in kept else given[key] for key in given}
        tags = kwargs.get("tags")
        if (
            _same_template(stack, template)
            and _with_defaults(stack, wanted) == _with_defaults(stack, stack.parameters)
            and (tags is None or tags == stack.tags)
        ):
            raise ValidationError(stack.stack_id, message="No updates are to be performed.")
        return update(self, name, template, *args, **kwargs)

    CloudFormationBackend.update_stack = update_stack  # type: ignore[method-assign]


def _same_template(stack: Any, template: str) -> bool:
    return bool(stack.template.strip() == template.strip())


def _with_defaults(stack: Any, given: dict[str, Any]) -> dict[str, str]:
    declared = stack.template_dict.get("Parameters") or {}
    return {name: str(given.get(name, declared[name].get("Default"))) for name in declared}
