"""Wait until a port answers or a file is there, from the operator's machine.

- wait_for:
    host: "{{ endpoint }}"
    port: 6379
    timeout: 60
- wait_for:
    path: /tmp/ready
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, Ready, Waiting
from runbook.errors import Failed


class WaitForParams(Params, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Name or address.")] = "127.0.0.1"
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None
    search_regex: Annotated[str | None, Meta(description="Text that the file must hold.")] = None
    state: Annotated[
        Literal["started", "present", "stopped", "drained", "absent"],
        Meta(description="started, present: it answers, it is there; stopped, drained, absent: it does not."),
    ] = "started"
    delay: Annotated[float, Meta(description="Seconds before the first look.")] = 0
    sleep: Annotated[float, Meta(description="Seconds between two looks.")] = 1
    connect_timeout: Annotated[float, Meta(description="Seconds that one connection attempt may take.")] = 5
    timeout: Annotated[float, Meta(description="Seconds until it fails.")] = 300
    msg: Annotated[str | None, Meta(description="What to say then.")] = None


class WaitForResult(msgspec.Struct, frozen=True, kw_only=True):
    state: Annotated[str, Meta(description="What was waited for.")]
    host: Annotated[str | None, Meta(description="Name or address.")] = None
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None


class WaitFor:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = WaitForParams
    Result: ClassVar[type[msgspec.Struct]] = WaitForResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: WaitForParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: WaitForParams) -> None:
        """It looks when it waits."""

    def plan(self, params: WaitForParams, observed: None) -> Change:
        if (params.port is None) == (params.path is None):
            raise Failed("wait_for needs either `port` or `path`")
        return Change(action=Action.READ, reason=f"waits until {_what(params)}")

    def apply(self, ctx: Context, params: WaitForParams, change: Change) -> WaitForResult:
        wanted = params.state in ("started", "present")

        def look() -> Waiting | Ready[None]:
            there = _there(params)
            return Ready(None) if there == wanted else Waiting("not yet")

        speed = ctx.target.speed
        try:
            if params.delay:
                _pass(ctx, params.delay)
            ctx.poll(
                f"until {_what(params)}",
                look,
                timeout=params.timeout * speed,
                interval=params.sleep * speed,
                longest=params.sleep * speed,
            )
        except Failed as error:
            raise Failed(params.msg or f"Waited {params.timeout:g} seconds until {_what(params)}") from error
        return WaitForResult(
            state=params.state, host=params.host if params.port else None, port=params.port, path=params.path
        )


def _pass(ctx: Context, seconds: float) -> None:
    looks = iter((False, True))

    def look() -> Waiting | Ready[None]:
        return Ready(None) if next(looks, True) else Waiting("delay")

    ctx.poll("delay", look, timeout=2 * seconds * ctx.target.speed, interval=seconds * ctx.target.speed)


def _what(params: WaitForParams) -> str:
    subject = f"{params.host}:{params.port}" if params.port is not None else str(params.path)
    if params.search_regex:
        subject = f"{subject} holds /{params.search_regex}/"
    return f"{subject} is {params.state}"


def _there(params: WaitForParams) -> bool:
    if params.port is not None:
        try:
            with socket.create_connection((params.host, params.port), timeout=params.connect_timeout):
                return True
        except OSError:
            return False
    path = Path(str(params.path))
    if not path.exists():
        return False
    if params.search_regex is None:
        return True
    return (
        re.search(params.search_regex, path.read_text(encoding="utf-8", errors="replace"), re.M) is not None
    )
