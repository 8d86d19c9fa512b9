"""Run a command, without a shell: on this machine, or with `connection: ssm` on an instance.

- command: git rev-parse HEAD
  delegate_to: localhost
- command:
    argv: [tar, xf, "{{ archive }}"]
    chdir: /srv
    creates: /srv/app
  connection: local

It acts on the host that the play names. On this machine it runs only when the playbook says so: `hosts: localhost`,
`connection: local` or `delegate_to: localhost`.
"""

from __future__ import annotations

import shlex
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Change, Context, Params, Permissions
from runbook.errors import Failed

from . import _commands
from ._process import CommandResult


class CommandParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[
        str | None, FREE_FORM, Meta(description="The command as one text; quotes group words.")
    ] = None
    argv: Annotated[list[str] | None, Meta(description="The command as a list.")] = None
    chdir: Annotated[str | None, Meta(description="Folder to run it in.")] = None
    creates: Annotated[str | None, Meta(description="Don't run it when this file is there.")] = None
    removes: Annotated[str | None, Meta(description="Don't run it when this file is not there.")] = None
    stdin: Annotated[str | None, Meta(description="What it reads from its standard input.")] = None


class Command:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = CommandParams
    Result: ClassVar[type[msgspec.Struct]] = CommandResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: CommandParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: CommandParams) -> _commands.Guards:
        return _commands.look(ctx, params.chdir, params.creates, params.removes)

    def plan(self, params: CommandParams, observed: _commands.Guards) -> Change:
        return _commands.plan(observed, _argv(params), params.creates, params.removes)

    def apply(self, ctx: Context, params: CommandParams, change: Change) -> Any:
        return _commands.run(ctx, _argv(params), params.chdir, params.stdin, creates=params.creates)


def _argv(params: CommandParams) -> list[str]:
    if (params.cmd is None) == (params.argv is None):
        raise Failed("command needs either a text or `argv`")
    if params.argv is not None:
        return params.argv
    try:
        words = shlex.split(str(params.cmd))
    except ValueError as error:
        raise Failed(f"The command can't be split into words: {error}") from error
    if not words:
        raise Failed("The command is empty")
    return words
