"""Run a text through a shell on this machine, and tell its output as it is.

- raw: cat /proc/uptime
  delegate_to: localhost

In Ansible it is for hosts that lack Python; here it is `shell` with fewer options, so that a playbook that has it
runs. The task's `environment` does not reach it, as in Ansible.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Action, Change, Context, Params, Permissions, aliases
from runbook.errors import Failed

from . import _process
from ._commands import Run, default_shell
from ._unknowns import first_unknown


class RawParams(Params, frozen=True, kw_only=True):
    free_form: Annotated[
        str | None,
        FREE_FORM,
        aliases("_raw_params", "cmd"),
        Meta(description="The text that the shell runs."),
    ] = None
    executable: Annotated[str | None, Meta(description="Another shell, such as /bin/bash.")] = None


class RawResult(msgspec.Struct, frozen=True, kw_only=True):
    rc: Annotated[int, Meta(description="Exit code.")]
    stdout: Annotated[str, Meta(description="Standard output, with its line ends.")]
    stderr: Annotated[str, Meta(description="Standard error, with its line ends.")]
    stdout_lines: Annotated[list[str], Meta(description="Output as lines.")]
    stderr_lines: Annotated[list[str], Meta(description="Errors as lines.")]


NO_ENVIRONMENT = "raw module does not support the environment keyword"


class Seen(msgspec.Struct, frozen=True):
    """Whether the task has an environment, which `raw` does not hand on."""

    environment: bool


class Raw:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = RawParams
    Result: ClassVar[type[msgspec.Struct]] = RawResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: RawParams) -> str | None:
        """None: what a command changes is not known."""
        return None

    def observe(self, ctx: Context, params: RawParams) -> Seen:
        return Seen(bool(ctx.environment))

    def plan(self, params: RawParams, observed: Seen) -> Change:
        text: Any = params.free_form
        if first_unknown(text) is None and not text:
            raise Failed("raw needs a text to run")
        first = text.strip().splitlines()[0] if isinstance(text, str) else "what an earlier step will tell"
        checked = {"skipped": True, "failed": False}
        return Change(
            action=Action.RUN,
            after=Run(text),
            reason=f"runs {first}",
            checked=checked,
            warnings=(NO_ENVIRONMENT,) if observed.environment else (),
        )

    def apply(self, ctx: Context, params: RawParams, change: Change) -> RawResult:
        text = str(params.free_form)
        argv = _process.shell_call(params.executable or default_shell(ctx), text)
        return _process.told(_process.run_raw(ctx, argv, shown=text, environment={}), RawResult)
