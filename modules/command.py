"""Run a command, without a shell: on this machine, or with `connection: ssm` on an instance.

- command: git rev-parse HEAD
  delegate_to: localhost
- command:
    argv: [tar, xf, "{{ archive }}"]
    chdir: /srv
    creates: /srv/app
  connection: ssm

It acts on the host that the play names. On this machine it runs only when the playbook says so: `hosts: localhost`,
`connection: local` or `delegate_to: localhost`; relative paths start at the playbook's folder then. With
`connection: ssm` it travels through Systems Manager to the instance that `ansible_host`, or else the host's name,
names by its id or its `Name` tag.

`$NAME` and `~` in its words stand for values of the environment and for the home, though no shell reads it.

A command that was interrupted is not run again by itself: `runbook resume` asks first, unless the task says
`rerun: safe`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Change, Context, Params, Permissions, aliases
from runbook.errors import Failed

from . import _commands
from ._process import CommandResult, nothing_ran
from ._unknowns import first_unknown


class CommandParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[
        str | None,
        FREE_FORM,
        aliases("_raw_params"),
        Meta(description="The command as one text; quotes group words."),
    ] = None
    argv: Annotated[list[str] | None, Meta(description="The command as a list.")] = None
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
    expand_argument_vars: Annotated[
        bool, Meta(description="Put the environment's values in for `$NAME`, and the home for `~`.")
    ] = True
    executable: Annotated[
        str | None, Meta(description="For `shell` only: no shell reads a command, and it is told so.")
    ] = None


class Command:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = CommandParams
    Result: ClassVar[type[msgspec.Struct]] = CommandResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: CommandParams) -> str | None:
        """None: what a command changes is not known."""
        return None

    def observe(self, ctx: Context, params: CommandParams) -> _commands.Held:
        return _commands.look(ctx, _call(ctx, params))

    def plan(self, params: CommandParams, observed: _commands.Held) -> Change:
        guarded = bool(params.creates or params.removes)
        change = _commands.plan(_shown(params), observed, guarded=guarded)
        if params.executable is None:
            return change
        warning = (
            f"'executable' does nothing: no shell reads a command, and '{params.executable}' is not used."
        )
        return replace(change, warnings=(warning,))

    def apply(self, ctx: Context, params: CommandParams, change: Change) -> CommandResult:
        return _commands.run(ctx, _call(ctx, params))


def _shown(params: CommandParams) -> Any:
    if params.cmd is not None and params.argv is not None:
        raise Failed(
            "parameters are mutually exclusive: _raw_params|cmd|argv", hint="Keep the text or `argv`."
        )
    unknown = first_unknown(params.cmd, params.argv)
    if unknown is not None:
        return unknown
    if not params.cmd and params.argv is None:
        raise Failed("one of the following is required: _raw_params, cmd, argv")
    if params.argv is None:
        return list(_commands.words(str(params.cmd)))
    if not params.argv:
        raise Failed("Error executing command.", hint="`argv` is empty.", result=nothing_ran("", 257))
    return params.argv


def _call(ctx: Context, params: CommandParams) -> _commands.Call:
    command = _shown(params)
    if sys.platform == "win32" and ctx.connection != _commands.SSM and params.cmd is not None:
        command = params.cmd  # a backslash is no escape there: each program splits its own line
    return _commands.Call(
        command=command,
        chdir=params.chdir,
        creates=params.creates,
        removes=params.removes,
        stdin=_commands.with_newline(params.stdin) if params.stdin_add_newline else params.stdin,
        strip=params.strip_empty_ends,
        expand=params.expand_argument_vars,
    )
