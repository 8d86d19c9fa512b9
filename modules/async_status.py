"""Look at a task that runs in the background.

- command: /usr/bin/long
  async: 600
  poll: 0
  register: long
- async_status:
    jid: "{{ long.ansible_job_id }}"
  register: job
  until: job is finished
  retries: 60
  delay: 10

Its result is the one of the task once that has finished; it fails when the task did.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions
from runbook.errors import Failed


class AsyncStatusParams(Params, frozen=True, kw_only=True):
    jid: Annotated[str, Meta(description="The `ansible_job_id` of the task's result.")]
    mode: Annotated[
        Literal["status", "cleanup"], Meta(description="`status` looks, `cleanup` forgets the task's result.")
    ] = "status"


class AsyncStatusResult(msgspec.Struct, frozen=True, kw_only=True):
    """Beside the fields of the task itself, once it has finished."""

    ansible_job_id: Annotated[str, Meta(description="The task that was looked at.")]
    started: Annotated[bool, Meta(description="It has begun.")]
    finished: Annotated[bool, Meta(description="It has come to its end.")]
    results_file: Annotated[str, Meta(description="Ansible's file for it; runbook writes none.")]


class Seen(msgspec.Struct, frozen=True):
    """What is known of it; None: nothing."""

    result: dict[str, Any] | None


class AsyncStatus:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = AsyncStatusParams
    Result: ClassVar[type[msgspec.Struct]] = AsyncStatusResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: AsyncStatusParams) -> str | None:
        """None: it changes nothing."""
        return None

    def observe(self, ctx: Context, params: AsyncStatusParams) -> Seen:
        known = ctx.background(params.jid)
        return Seen(None if known is None else dict(known))

    def plan(self, params: AsyncStatusParams, observed: Seen) -> Change:
        return Change(action=Action.READ)

    def apply(self, ctx: Context, params: AsyncStatusParams, change: Change) -> dict[str, object]:
        known = ctx.background(params.jid, forget=params.mode == "cleanup")
        told: dict[str, object] = {
            "ansible_job_id": params.jid,
            "stdout": "",
            "stderr": "",
            "stdout_lines": [],
            "stderr_lines": [],
        }
        if known is None:
            told |= {"started": True, "finished": True, "results_file": f"~/.ansible_async/{params.jid}"}
            raise Failed("could not find job", result=told)
        if params.mode == "cleanup":
            return told | {"started": False, "finished": False, "erased": known["results_file"]}
        if known["finished"] and known.get("failed"):
            raise Failed(str(known.get("msg", "")), result=dict(known))
        return dict(known) if known["finished"] else told | dict(known)
