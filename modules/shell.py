"""Run a text through a shell: on this machine, or with `connection: ssm` on an instance.

- shell: git log --oneline | head -1
  delegate_to: localhost

`command` is safer where no shell is needed. Where it runs, and what happens when it is interrupted, is told there.
The shell is `/bin/sh`; on a Windows machine `cmd.exe`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Change, Context, Params, Permissions, aliases, no_effect
from runbook.errors import Failed

from . import _commands
from ._process import CommandResult
from ._unknowns import first_unknown


class ShellParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[
        str | None, FREE_FORM, aliases("_raw_params"), Meta(description="The text that the shell runs.")
    ] = None
    chdir: Annotated[str | None, Meta(description="Folder to run it in.")] = None
    creates: Annotated[str | None, Meta(description="Not run when this is there; a path or a glob.")] = None
    removes: Annotated[str | None, Meta(description="Not run when this is not there; a path or a glob.")] = (
        None
    )
    stdin: Annotated[str | None, Meta(description="What it reads from its standard input.")] = None
    stdin_add_newline: Annotated[bool, Meta(description="End `stdin` with a line end.")] = True
    strip_empty_ends: Annotated[bool, Meta(description="Take empty lines at the end of its output away.")] = (
        True
    )
    expand_argument_vars: Annotated[bool, no_effect("A shell does that by itself.")] = True
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
        return _commands.look(ctx, _call(ctx, params))

    def plan(self, params: ShellParams, observed: _commands.Held) -> Change:
        guarded = bool(params.creates or params.removes)
        return _commands.plan(_text(params), observed, guarded=guarded)

    def apply(self, ctx: Context, params: ShellParams, change: Change) -> CommandResult:
        return _commands.run(ctx, _call(ctx, params))


def _text(params: ShellParams) -> Any:
    if first_unknown(params.cmd) is None and not (params.cmd or "").strip():
        raise Failed("one of the following is required: _raw_params, cmd, argv")
    return params.cmd


def _call(ctx: Context, params: ShellParams) -> _commands.Call:
    return _commands.Call(
        command=_text(params),
        chdir=params.chdir,
        creates=params.creates,
        removes=params.removes,
        stdin=_commands.with_newline(params.stdin) if params.stdin_add_newline else params.stdin,
        shell=params.executable or _commands.default_shell(ctx),
        strip=params.strip_empty_ends,
    )
