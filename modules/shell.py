"""Run a text through a shell: on this machine, or with `connection: ssm` on an instance.

- shell: git log --oneline | head -1
  delegate_to: localhost

`command` is safer where no shell is needed. Where it runs, and what happens when it is interrupted, is told there.
The shell is `/bin/sh`; on a Windows machine `cmd.exe`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Change, Context, Params, Permissions
from runbook.errors import Failed

from . import _commands
from ._process import CommandResult
from ._unknowns import first_unknown


class ShellParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[str, FREE_FORM, Meta(description="The text that the shell runs.")]
    chdir: Annotated[str | None, Meta(description="Folder to run it in.")] = None
    creates: Annotated[str | None, Meta(description="Not run when this is there; a path or a glob.")] = None
    removes: Annotated[str | None, Meta(description="Not run when this is not there; a path or a glob.")] = (
        None
    )
    stdin: Annotated[str | None, Meta(description="What it reads from its standard input.")] = None
    stdin_add_newline: Annotated[bool, Meta(description="End `stdin` with a line end.")] = True
    executable: Annotated[str | None, Meta(description="Another shell, such as /bin/bash or pwsh.")] = None


class Shell:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = ShellParams
    Result: ClassVar[type[msgspec.Struct]] = CommandResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: ShellParams) -> str | None:
        """None: what a command changes is not known."""
        return None

    def observe(self, ctx: Context, params: ShellParams) -> _commands.Held:
        if first_unknown(params.cmd) is None and not params.cmd.strip():
            raise Failed("The command is empty")
        return _commands.look(ctx, _call(ctx, params))

    def plan(self, params: ShellParams, observed: _commands.Held) -> Change:
        return _commands.plan(params.cmd, observed)

    def apply(self, ctx: Context, params: ShellParams, change: Change) -> CommandResult:
        return _commands.run(ctx, _call(ctx, params))


def _call(ctx: Context, params: ShellParams) -> _commands.Call:
    return _commands.Call(
        command=params.cmd,
        chdir=params.chdir,
        creates=params.creates,
        removes=params.removes,
        stdin=_commands.with_newline(params.stdin) if params.stdin_add_newline else params.stdin,
        shell=params.executable or _commands.default_shell(ctx),
    )
