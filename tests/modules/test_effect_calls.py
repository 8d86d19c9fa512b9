"""One call with an effect: by a client that never repeats it, and again only when nothing can have happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from runbook.contract import Absent, Intent, Landed, Target, Unsure
from runbook.errors import Failed, InDoubt, RunbookError, Stopped, Unreachable
from runbook.modules._aws_errors import Throttled
from runbook.modules._effects import TRIES, once, settled, shows

from tests.support.context import RecordingContext

SLOW_DOWN = Throttled("ec2", "CreateTags", "RequestLimitExceeded")


def context(speed: float = 1.0) -> RecordingContext:
    """Its clients tell whether they would repeat a call."""
    return RecordingContext(clients=lambda service, retries: (service, retries), target=Target(speed=speed))


def raising(*errors: RunbookError) -> tuple[Callable[[Any], Any], list[Any]]:
    """A call that raises these, one after the other, and then answers; the clients that it was handed."""
    left, handed = list(errors), []

    def call(client: Any) -> str:
        handed.append(client)
        if left:
            raise left.pop(0)
        return "done"

    return call, handed


def test_it_is_made_by_a_client_that_never_repeats() -> None:
    call, handed = raising()
    assert once(context(), "ec2", call) == "done"
    assert handed == [("ec2", False)]


def test_what_proves_that_nothing_happened_is_waited_out() -> None:
    ctx = context()
    call, handed = raising(SLOW_DOWN, Unreachable("no route"))
    assert once(ctx, "ec2", call) == "done"
    assert len(handed) == 3
    assert ctx.phases == ["asked to slow down", "not reached"]


@pytest.mark.parametrize("error", [SLOW_DOWN, Unreachable("no route")])
def test_past_all_patience_it_stops_the_run_and_fails_nothing(error: RunbookError) -> None:
    call, handed = raising(*[error] * 99)
    with pytest.raises(type(error)) as raised:
        once(context(), "ec2", call)
    assert not isinstance(raised.value, Failed)
    assert len(handed) == TRIES


@pytest.mark.parametrize("error", [InDoubt("no answer"), Failed("no"), Stopped("expired")])
def test_nothing_else_is_tried_again(error: RunbookError) -> None:
    call, handed = raising(error)
    with pytest.raises(type(error)):
        once(context(), "ec2", call)
    assert len(handed) == 1


def test_what_no_waiting_helps_against_is_told_at_once() -> None:
    call, handed = raising(SLOW_DOWN)
    with pytest.raises(Throttled):
        once(context(), "ec2", call, hopeless=frozenset({"RequestLimitExceeded"}))
    assert len(handed) == 1


def begun(seconds: float) -> Intent:
    return Intent("k", "t", 1, datetime.now(UTC) - timedelta(seconds=seconds))


def test_an_absence_is_no_proof_before_its_time() -> None:
    assert isinstance(shows(False, context(), begun(1), 60), Unsure)
    assert isinstance(shows(False, context(), begun(61), 60), Absent)
    assert isinstance(shows(True, context(), begun(1), 60), Landed)


def test_time_goes_by_the_services_clock() -> None:
    assert not settled(context(), begun(1), 60)
    assert settled(context(speed=100), begun(1), 60)
