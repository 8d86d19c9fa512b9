"""Calls with an effect on services that keep no token: made once, and again only when nothing can have happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from runbook.contract import Absent, Context, Finding, Intent, Landed, Ready, Unsure, Waiting
from runbook.errors import Unreachable

from ._aws_errors import Throttled

T = TypeVar("T")

TRIES = 8
"""Of one call: about a minute."""

ENDLESS = 1e9
"""Seconds. The tries end it before, so that it stops the run, which can go on later, and fails nothing."""


def once(
    ctx: Context, service: str, call: Callable[[Any], T], *, hopeless: frozenset[str] = frozenset()
) -> T:
    """What `call` answers, which is handed a client that never repeats a call by itself.

    To be asked to slow down, or not to reach the service at all, proves that nothing was done: that is waited out.
    Raises Throttled or Unreachable when it does not end (`hopeless`: codes that no waiting helps against), and
    whatever else the call raises.
    """
    tries = 0

    def attempt() -> Waiting | Ready[T]:
        nonlocal tries
        tries += 1
        try:
            return Ready(call(ctx.client(service, retries=False)))
        except (Throttled, Unreachable) as error:
            if tries >= TRIES or getattr(error, "code", "") in hopeless:
                raise
            return Waiting("asked to slow down" if isinstance(error, Throttled) else "not reached")

    return ctx.poll(service, attempt, timeout=ENDLESS, interval=2, longest=20)


def settled(ctx: Context, intent: Intent, seconds: float) -> bool:
    """Whether so many seconds of the service's time have passed since an effect was begun."""
    passed = (datetime.now(UTC) - intent.started).total_seconds() * ctx.target.speed
    return passed >= seconds


def shows(landed: bool, ctx: Context, intent: Intent, seconds: float) -> Finding[None]:
    """Of an effect that answers nothing: whether what is read now shows it. A reading without it is no proof before
    `seconds` have passed."""
    if landed:
        return Landed(None)
    if settled(ctx, intent, seconds):
        return Absent()
    return Unsure("it may not show yet")
