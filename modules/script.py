"""Run a script that lies beside the playbook, on this machine.

- script: setup.sh --verbose "{{ name }}"
  delegate_to: localhost
- script: report.py
  args:
    executable: python3
    creates: /tmp/report.txt

The script is looked for in `files/` and beside the playbook. What stands behind its name is for the shell: quotes
group words, `$NAME` is the environment's. It needs no permission to be executed; its first line says what runs it,
or `executable` does.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import FREE_FORM, Action, Change, Context, Params, Permissions, aliases
from runbook.errors import Failed
from runbook.values import Unknown

from . import _commands, _process
from ._unknowns import first_unknown


class ScriptParams(Params, frozen=True, kw_only=True):
    cmd: Annotated[
        str | None,
        FREE_FORM,
        aliases("_raw_params"),
        Meta(description="The script's name, with what it is given."),
    ] = None
    chdir: Annotated[str | None, Meta(description="Folder to run it in; an absolute path.")] = None
    creates: Annotated[str | None, Meta(description="Not run when this is there; a path or a glob.")] = None
    removes: Annotated[str | None, Meta(description="Not run when this is not there; a path or a glob.")] = (
        None
    )
    executable: Annotated[str | None, Meta(description="The program that runs it, such as python3.")] = None
    decrypt: Annotated[bool, Meta(description="Open a script that vault encrypted.")] = True


class ScriptResult(msgspec.Struct, frozen=True, kw_only=True):
    rc: Annotated[int | msgspec.UnsetType, Meta(description="Exit code.")] = msgspec.UNSET
    stdout: Annotated[str | msgspec.UnsetType, Meta(description="What it said.")] = msgspec.UNSET
    stderr: Annotated[str | msgspec.UnsetType, Meta(description="Its errors.")] = msgspec.UNSET
    stdout_lines: Annotated[list[str] | msgspec.UnsetType, Meta(description="As lines.")] = msgspec.UNSET
    stderr_lines: Annotated[list[str] | msgspec.UnsetType, Meta(description="As lines.")] = msgspec.UNSET
    msg: Annotated[str | msgspec.UnsetType, Meta(description="Why it was not run.")] = msgspec.UNSET
    skipped: Annotated[bool | msgspec.UnsetType, Meta(description="It was not run.")] = msgspec.UNSET


class Seen(msgspec.Struct, frozen=True):
    """The script, what it is given, and what the guards say."""

    path: str = ""
    rest: str = ""
    held: _commands.Held = _commands.Held()


class Script:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = ScriptParams
    Result: ClassVar[type[msgspec.Struct]] = ScriptResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: ScriptParams) -> str | None:
        """None: what a script changes is not known."""
        return None

    def observe(self, ctx: Context, params: ScriptParams) -> Seen:
        """Find the script and ask the guards. Raises Failed for a script that is nowhere."""
        if first_unknown(params.cmd) is not None:
            return Seen()
        if not params.cmd or not params.cmd.strip():
            raise Failed("one of the following is required: _raw_params, cmd")
        if params.chdir and not Path(params.chdir).is_absolute():
            raise Failed(f"chdir {params.chdir} must be an absolute path for a Unix-aware remote node")
        held = _commands.guards(ctx, _process.RUN, ctx.base, params.creates, params.removes)
        name, rest = _split(params.cmd.strip())
        return Seen(path="" if held.path else ctx.files.find(name), rest=rest, held=held)

    def plan(self, params: ScriptParams, observed: Seen) -> Change:
        if observed.held.path:
            which = "creates" if observed.held.exists else "removes"
            why = f"{observed.held.told}, matching {which} option"
            return Change(action=Action.NONE, reason=why, result=ScriptResult(msg=why, skipped=True))
        unknown = first_unknown(params.cmd)
        told = f"runs {params.cmd}" if unknown is None else f"runs what {Unknown.describe(unknown)} will tell"
        checked = ScriptResult(msg="Check mode is not supported for this task.", skipped=True)
        if params.creates or params.removes:
            checked = ScriptResult()
        after = _commands.Run(params.cmd)
        return Change(action=Action.RUN, before=observed, after=after, reason=told, checked=checked)

    def apply(self, ctx: Context, params: ScriptParams, change: Change) -> ScriptResult:
        seen: Seen = change.before
        content = Path(seen.path).read_bytes()
        if params.decrypt:
            content = ctx.files.opened(content, seen.path)
        with _copied(Path(seen.path).name, content) as copy:
            words = [params.executable or "", shlex.quote(str(copy)), seen.rest]
            text = " ".join(word for word in words if word)
            if params.chdir:
                text = f"cd {shlex.quote(params.chdir)} && {text}"
            argv = _process.shell_call(_commands.default_shell(ctx), text)
            ran = _process.run_raw(ctx, argv, shown=str(params.cmd))
        return _process.told(ran, ScriptResult)


def _split(text: str) -> tuple[str, str]:
    """The script's name and what stands behind it, as it is written. Raises Failed for an open quote."""
    source = io.StringIO(text)
    words = shlex.shlex(source, posix=True)
    words.whitespace_split, words.commenters = True, ""
    try:
        name = words.get_token()
    except ValueError as error:
        raise Failed(f"The script's name can't be read: {error}") from error
    return str(name), source.read().strip()


@contextlib.contextmanager
def _copied(name: str, content: bytes) -> Iterator[Path]:
    """A copy that may be executed, in a folder that only we can read."""
    folder = Path(tempfile.mkdtemp(prefix="runbook-script-"))
    try:
        copy = folder / name
        copy.write_bytes(content)
        copy.chmod(0o700)
        yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)
