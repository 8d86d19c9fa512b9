"""Wait for a while, or for a person.

- pause:
    seconds: 10
- pause:
    prompt: "Type yes to delete the cluster"
  register: answer

With neither it waits for Enter. It is done once for all hosts of the play. The answer is `user_input`. Without a
terminal a prompt is answered with nothing at once: decide on the answer, as `when: answer.user_input == 'yes'`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, Ready, Waiting, no_effect
from runbook.errors import Failed


class PauseParams(Params, frozen=True, kw_only=True):
    seconds: Annotated[float | None, Meta(description="How long, in seconds.")] = None
    minutes: Annotated[float | None, Meta(description="How long, in minutes.")] = None
    prompt: Annotated[str | None, Meta(description="A question; with a time, what is shown meanwhile.")] = (
        None
    )
    echo: Annotated[bool, no_effect("What is typed is shown."), Meta(description="Show what is typed.")] = (
        True
    )


class PauseResult(msgspec.Struct, frozen=True, kw_only=True):
    user_input: Annotated[str, Meta(description="What was typed.")] = ""
    start: Annotated[str, Meta(description="When it began, by this machine's clock.")] = ""
    stop: Annotated[str, Meta(description="When it ended.")] = ""
    delta: Annotated[int, Meta(description="Seconds that were waited.")] = 0
    echo: Annotated[bool, Meta(description="As it was asked for.")] = True
    stdout: Annotated[str, Meta(description="How long it was, in words.")] = ""
    stderr: str = ""
    rc: int = 0


class Pause:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    run_once: ClassVar[bool] = True
    Params: ClassVar[type[Params]] = PauseParams
    Result: ClassVar[type[msgspec.Struct]] = PauseResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: PauseParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: PauseParams) -> None:
        """There is nothing to look at."""

    def plan(self, params: PauseParams, observed: None) -> Change:
        if params.seconds is not None and params.minutes is not None:
            raise Failed("parameters are mutually exclusive: minutes|seconds", hint="Keep one of them.")
        seconds = _seconds(params)
        reason = "asks the person at the terminal" if seconds is None else f"waits {seconds:g} seconds"
        return Change(action=Action.READ, reason=reason)

    def apply(self, ctx: Context, params: PauseParams, change: Change) -> PauseResult:
        began, clock = datetime.now(), time.monotonic()  # noqa: DTZ005 (Ansible's results tell local time)
        seconds, answer = _seconds(params), ""
        if seconds is None:
            answer = ctx.ask(params.prompt or "Press Enter to go on")
        else:
            _wait(ctx, params.prompt or "pause", seconds)
        lasted = time.monotonic() - clock
        unit, size = ("seconds", 1) if params.seconds is not None else ("minutes", 60)
        return PauseResult(
            user_input=answer,
            start=str(began),
            stop=str(began + timedelta(seconds=lasted)),
            delta=int(lasted),
            echo=params.echo,
            stdout=f"Paused for {round(lasted / size, 2)} {unit}",
        )


def _seconds(params: PauseParams) -> float | None:
    """None: it waits for a person, however long that takes. A pause is a whole second at least, as in Ansible."""
    if params.seconds is None and params.minutes is None:
        return None
    return max(1.0, float(int(params.seconds or 60 * (params.minutes or 0))))


def _wait(ctx: Context, what: str, seconds: float) -> None:
    """By the operator's clock: a person's pause is not made shorter by a fast sandbox."""
    ends = time.monotonic() + seconds

    def look() -> Waiting | Ready[None]:
        left = ends - time.monotonic()
        return Ready(None) if left <= 0.0 else Waiting(f"{left:.0f} seconds left")

    step = min(seconds, 0.2) * ctx.target.speed
    ctx.poll(what, look, timeout=(seconds + 60) * ctx.target.speed, interval=step, longest=step)
