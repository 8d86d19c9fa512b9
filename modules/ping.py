"""Ask whether a host can be reached: this machine always, an instance when its Systems Manager agent is online.

- ping:
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions
from runbook.errors import Failed

from ._commands import SSM

ONLINE = 60
"""Seconds that an agent has to answer."""


class PingParams(Params, frozen=True, kw_only=True):
    data: Annotated[str, Meta(description="What to answer; `crash` fails.")] = "pong"


class PingResult(msgspec.Struct, frozen=True, kw_only=True):
    ping: Annotated[str, Meta(description="`data`.")]


class Ping:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = PingParams
    Result: ClassVar[type[msgspec.Struct]] = PingResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: PingParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: PingParams) -> None:
        """Raises Failed for an instance whose agent does not come online."""
        if ctx.connection == SSM:
            from ._instances import one, wait_online

            wait_online(ctx, [one(ctx, str(ctx.variables.get("ansible_host", ctx.host)))], ONLINE)

    def plan(self, params: PingParams, observed: None) -> Change:
        if params.data == "crash":
            raise Failed("boom")
        return Change(action=Action.NONE, reason="it answers", result=PingResult(ping=params.data))

    def apply(self, ctx: Context, params: PingParams, change: Change) -> PingResult:
        raise AssertionError("there is nothing to apply")
