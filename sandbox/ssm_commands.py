"""Commands and their invocations: what was asked, how far it is, and how AWS words it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from .ssm_output import Output

DOCUMENT = "AWS-RunShellScript"
PLUGIN = "aws:runShellScript"
STOPPED_CODE = 137


class State(Enum):
    """How far an invocation is: (Status, StatusDetails as the user guide prints it, whether it is final)."""

    PENDING = ("Pending", "Pending", False)
    DELAYED = ("Delayed", "Delayed", False)
    IN_PROGRESS = ("InProgress", "In Progress", False)
    CANCELLING = ("Cancelling", "Cancelling", False)
    SUCCESS = ("Success", "Success", True)
    FAILED = ("Failed", "Failed", True)
    CANCELLED = ("Cancelled", "Cancelled", True)
    DELIVERY_TIMED_OUT = ("TimedOut", "Delivery Timed Out", True)
    EXECUTION_TIMED_OUT = ("TimedOut", "Execution Timed Out", True)
    UNDELIVERABLE = ("Failed", "Undeliverable", True)
    TERMINATED = ("Failed", "Terminated", True)

    @property
    def status(self) -> str:
        """Status, as the API spells it."""
        return self.value[0]

    @property
    def final(self) -> bool:
        """Nothing changes any more."""
        return self.value[2]

    def details(self, *, spaces: bool) -> str:
        """StatusDetails."""
        return self.value[1] if spaces else self.value[1].replace(" ", "")


# Of the final states, those that count against MaxErrors (user guide: command statuses).
COUNTED_AS_ERRORS = (State.FAILED, State.EXECUTION_TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Request:
    """What SendCommand asked, checked. Time-outs in seconds; limits are numbers of instances."""

    lines: tuple[str, ...]
    working_directory: str
    execution_timeout: int
    delivery_timeout: int
    max_concurrency: int
    max_errors: int
    bucket: str
    key_prefix: str
    given: Mapping[str, Any]
    """The request itself, as ListCommands shows it again."""


@dataclass(slots=True)
class Invocation:
    """A command on one instance."""

    command_id: str
    instance_id: str
    instance_name: str
    state: State = State.PENDING
    code: int = -1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float = 0.0
    """Real seconds that the script ran."""
    output: Output | None = None
    end: Callable[[], None] | None = None
    """Ends the script early, while it runs."""
    lost: bool = False
    """The instance went down while the script ran."""
    why_ended: State | None = None
    """The final state to take when the script ends, if that was not its own doing."""


@dataclass(slots=True)
class Command:
    """A command with all of its invocations."""

    command_id: str
    request: Request
    requested_at: datetime
    invocations: dict[str, Invocation] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def expires_at(self) -> datetime:
        """When what was not delivered times out: after the sum of both time-outs."""
        total = self.request.delivery_timeout + self.request.execution_timeout
        return self.requested_at + timedelta(seconds=total)

    def count(self, *states: State) -> int:
        """How many invocations are in one of `states`."""
        return sum(invocation.state in states for invocation in self.invocations.values())

    @property
    def too_many_errors(self) -> bool:
        """Whether no further instance is tried."""
        return self.count(*COUNTED_AS_ERRORS) > self.request.max_errors

    def status(self, *, no_target: str, incomplete: str, spaces: bool) -> tuple[str, str]:
        """Status and StatusDetails of the command as a whole."""
        states = [invocation.state for invocation in self.invocations.values()]
        if not states:
            return no_target, "NoInstancesInTag"
        state = self._unfinished(states) or self._finished(states)
        return (incomplete, "Incomplete") if state is None else (state.status, state.details(spaces=spaces))

    def _unfinished(self, states: list[State]) -> State | None:
        if all(state.final for state in states):
            return None
        if self.cancelled:
            return State.CANCELLING
        started = any(state not in (State.PENDING, State.DELAYED) for state in states)
        return State.IN_PROGRESS if started else State.PENDING

    def _finished(self, states: list[State]) -> State | None:
        """The state that stands for all; None means Incomplete."""
        if all(state is State.SUCCESS for state in states):
            return State.SUCCESS
        if self.cancelled:
            return State.CANCELLED
        for state in (State.EXECUTION_TIMED_OUT, State.DELIVERY_TIMED_OUT):
            others = [other for other in states if other not in (state, State.SUCCESS, State.TERMINATED)]
            if not others and states.count(state) > self.request.max_errors:
                return state
        return State.FAILED if self.too_many_errors else None
