"""Run a text through a shell: on this machine, or with `connection: ssm` on an instance.

- shell: git log --oneline | head -1
  delegate_to: localhost

`command` is safer where no shell is needed. Like `command`, it runs on this machine only when the playbook says so.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Change, Context, Params, Permissions

from . import _commands
from ._process import CommandResult


class ShellParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[str, FREE_FORM, Meta(description="The text that the shell runs.")]
    chdir: Annotated[str | None, Meta(description="Folder to run it in.")] = None
    creates: Annotated[str | None, Meta(description="Don't run it when this file is there.")] = None
    removes: Annotated[str | None, Meta(description="Don't run it when this file is not there.")] = None
    stdin: Annotated[str | None, Meta(description="What it reads from its standard input.")] = None
    executable: Annotated[str, Meta(description="The shell.")] = "/bin/sh"


class Shell:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local", "ssm"})
    Params: ClassVar[type[Params]] = ShellParams
    Result: ClassVar[type[msgspec.Struct]] = CommandResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: ShellParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: ShellParams) -> _commands.Guards:
        return _commands.look(ctx, params.chdir, params.creates, params.removes)

    def plan(self, params: ShellParams, observed: _commands.Guards) -> Change:
        return _commands.plan(observed, params.cmd, params.creates, params.removes)

    def apply(self, ctx: Context, params: ShellParams, change: Change) -> Any:
        return _commands.run(ctx, params.cmd, params.chdir, params.stdin, params.executable, params.creates)
