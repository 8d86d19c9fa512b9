"""Wait until a port answers, or a file is there, seen from the operator's machine.

- wait_for:
    host: "{{ endpoint }}"
    port: 6379
    timeout: 60
- wait_for:
    path: /tmp/ready
  delegate_to: localhost

It looks from here whatever host the play names; for a file the playbook has to say so, as for `command`. A relative
`path` starts at the playbook's folder.
"""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, Ready, Waiting
from runbook.errors import Failed


class WaitForParams(Params, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Name or address.")] = "127.0.0.1"
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None
    search_regex: Annotated[
        str | None, Meta(description="Text that the file holds, or that the port sends.")
    ] = None
    state: Annotated[
        Literal["started", "present", "stopped", "absent"],
        Meta(description="started, present: it answers, it is there; stopped, absent: it does not."),
    ] = "started"
    delay: Annotated[float, Meta(ge=0, description="Seconds before the first look.")] = 0
    sleep: Annotated[float, Meta(gt=0, description="Seconds between two looks.")] = 1
    connect_timeout: Annotated[float, Meta(gt=0, description="Seconds that one try to connect may take.")] = 5
    timeout: Annotated[float, Meta(gt=0, description="Seconds until it fails.")] = 300
    msg: Annotated[str | None, Meta(description="What to say then.")] = None


class WaitForResult(msgspec.Struct, frozen=True, kw_only=True):
    state: Annotated[str, Meta(description="What was waited for.")]
    host: Annotated[str | None, Meta(description="Name or address.")] = None
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None
    elapsed: Annotated[float, Meta(description="Seconds that were waited.")] = 0.0


class WaitFor:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = WaitForParams
    Result: ClassVar[type[msgspec.Struct]] = WaitForResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: WaitForParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: WaitForParams) -> None:
        """It looks when it waits. Raises Failed for a file on a host that is not this machine."""
        if params.path is not None and ctx.connection != "local":
            raise Failed(
                f"wait_for would look for {params.path} on this machine, not on host '{ctx.host}'",
                hint="Say `delegate_to: localhost` if that is meant; `ssm_command` looks on an instance.",
            )

    def plan(self, params: WaitForParams, observed: None) -> Change:
        if (params.port is None) == (params.path is None):
            raise Failed("wait_for needs either `port` or `path`")
        _pattern(params)
        return Change(action=Action.READ, reason=f"waits until {_what(params)}")

    def apply(self, ctx: Context, params: WaitForParams, change: Change) -> WaitForResult:
        wanted = params.state in ("started", "present")
        began = time.monotonic()

        def look() -> Waiting | Ready[None]:
            there = _there(ctx, params)
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
            told = params.msg or f"Waited {params.timeout:g} seconds in vain until {_what(params)}"
            raise Failed(told, result={"elapsed": time.monotonic() - began}) from error
        return WaitForResult(
            state=params.state,
            host=params.host if params.port is not None else None,
            port=params.port,
            path=params.path,
            elapsed=time.monotonic() - began,
        )


def _pass(ctx: Context, seconds: float) -> None:
    ends = time.monotonic() + seconds

    def look() -> Waiting | Ready[None]:
        return Ready(None) if time.monotonic() >= ends else Waiting("delay")

    speed = ctx.target.speed
    step = min(seconds, 1.0) * speed
    ctx.poll("delay", look, timeout=(seconds + 60) * speed, interval=step, longest=step)


def _what(params: WaitForParams) -> str:
    subject = f"{params.host}:{params.port}" if params.port is not None else str(params.path)
    if params.search_regex:
        subject = f"{subject} holds /{params.search_regex}/"
    return f"{subject} is {params.state}"


def _pattern(params: WaitForParams) -> re.Pattern[str] | None:
    if params.search_regex is None:
        return None
    try:
        return re.compile(params.search_regex, re.MULTILINE)
    except re.error as error:
        raise Failed(f"`search_regex` is no regular expression: {error}") from error


def _there(ctx: Context, params: WaitForParams) -> bool:
    pattern = _pattern(params)
    try:
        if params.port is not None:
            return _answers(params, pattern)
        path = ctx.base / Path(str(params.path)).expanduser()
        if pattern is None:
            return path.exists()
        return pattern.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _answers(params: WaitForParams, pattern: re.Pattern[str] | None) -> bool:
    where: Any = (params.host, params.port)
    ends = time.monotonic() + params.connect_timeout
    with socket.create_connection(where, timeout=params.connect_timeout) as connection:
        heard = ""
        while pattern is not None and not pattern.search(heard):
            connection.settimeout(max(0.01, ends - time.monotonic()))
            piece = connection.recv(4096)
            if not piece:
                return False
            heard += piece.decode("utf-8", "replace")
    return True
