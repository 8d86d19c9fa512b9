"""Wait until a host can be reached: this machine at once, an instance when its Systems Manager agent is online.

- wait_for_connection:
    timeout: 300
"""

from __future__ import annotations

import time
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, no_effect

from ._commands import SSM

_AGENT = "An agent is asked as often as AWS answers."


class WaitForConnectionParams(Params, frozen=True, kw_only=True):
    timeout: Annotated[float, Meta(gt=0, description="Seconds until it fails.")] = 600
    delay: Annotated[float, no_effect(_AGENT), Meta(description="Seconds before the first look.")] = 0
    sleep: Annotated[float, no_effect(_AGENT), Meta(description="Seconds between two looks.")] = 1
    connect_timeout: Annotated[float, no_effect(_AGENT), Meta(description="Seconds of one try.")] = 5


class WaitForConnectionResult(msgspec.Struct, frozen=True, kw_only=True):
    elapsed: Annotated[int, Meta(description="Seconds that were waited.")] = 0


class WaitForConnection:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = WaitForConnectionParams
    Result: ClassVar[type[msgspec.Struct]] = WaitForConnectionResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: WaitForConnectionParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: WaitForConnectionParams) -> str:
        """The connection it waits for."""
        return ctx.connection

    def plan(self, params: WaitForConnectionParams, observed: str) -> Change:
        if observed != SSM:
            told = WaitForConnectionResult()
            return Change(action=Action.NONE, reason="this machine is there", result=told)
        return Change(action=Action.READ, reason="waits until its agent is online")

    def apply(self, ctx: Context, params: WaitForConnectionParams, change: Change) -> WaitForConnectionResult:
        from ._instances import one, wait_online

        began = time.monotonic()
        wait_online(ctx, [one(ctx, str(ctx.variables.get("ansible_host", ctx.host)))], int(params.timeout))
        return WaitForConnectionResult(elapsed=int(time.monotonic() - began))
