"""Wait for a while, or for a person.

- pause:
    seconds: 10
- pause:
    prompt: "Type yes to delete the cluster"
  register: answer

The answer is `user_input`. Without a terminal a prompt is answered with nothing at once: decide on the answer, as
`when: answer.user_input == 'yes'`.
"""

from __future__ import annotations

import time
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, Ready, Waiting


class PauseParams(Params, frozen=True, kw_only=True):
    seconds: Annotated[float, Meta(description="How long, in seconds.")] = 0
    minutes: Annotated[float, Meta(description="How long, in minutes.")] = 0
    prompt: Annotated[str | None, Meta(description="A question to the person at the terminal.")] = None


class PauseResult(msgspec.Struct, frozen=True, kw_only=True):
    user_input: Annotated[str, Meta(description="What was typed.")] = ""
    delta: Annotated[float, Meta(description="Seconds that were waited.")] = 0.0


class Pause:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = PauseParams
    Result: ClassVar[type[msgspec.Struct]] = PauseResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: PauseParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: PauseParams) -> None:
        """There is nothing to look at."""

    def plan(self, params: PauseParams, observed: None) -> Change:
        seconds = params.seconds + 60 * params.minutes
        reason = (
            "asks the person at the terminal"
            if params.prompt and not seconds
            else f"waits {seconds:g} seconds"
        )
        return Change(action=Action.READ, reason=reason)

    def apply(self, ctx: Context, params: PauseParams, change: Change) -> PauseResult:
        began = time.monotonic()
        seconds = params.seconds + 60 * params.minutes
        if seconds:
            _wait(ctx, seconds)
            return PauseResult(delta=time.monotonic() - began)
        answer = ctx.ask(params.prompt or "Press Enter to go on")
        return PauseResult(user_input=answer, delta=time.monotonic() - began)


def _wait(ctx: Context, seconds: float) -> None:
    """By the operator's clock: a person's pause is not made shorter by a fast sandbox."""
    ends = time.monotonic() + seconds

    def look() -> Waiting | Ready[None]:
        left = ends - time.monotonic()
        return Ready(None) if left <= 0.0 else Waiting(f"{left:.0f} seconds left")

    step = min(seconds, 1.0) * ctx.target.speed
    ctx.poll("pause", look, timeout=(seconds + 60) * ctx.target.speed, interval=step, longest=step)
