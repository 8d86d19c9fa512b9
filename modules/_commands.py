"""What `command` and `shell` share: their guards, their plan, and the two places where they run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from runbook.contract import Action, Change, Context
from runbook.errors import Failed

from ._process import CommandResult, run_here

SSM = "ssm"


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards see. None: not looked, as on an instance, where the script itself looks."""

    creates_there: bool | None = None
    removes_there: bool | None = None


def look(ctx: Context, chdir: str | None, creates: str | None, removes: str | None) -> Guards:
    if ctx.connection == SSM:
        return Guards()
    base = Path(chdir) if chdir else Path()
    return Guards(
        creates_there=_there(base, creates) if creates else None,
        removes_there=_there(base, removes) if removes else None,
    )


def _there(base: Path, pattern: str) -> bool:
    """Both guards take a glob, as Ansible's do."""
    path = Path(pattern).expanduser()
    if path.is_absolute():
        return path.exists() or any(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return any(base.glob(pattern))


def plan(guards: Guards, command: str | Sequence[str], creates: str | None, removes: str | None) -> Change:
    shown = command if isinstance(command, str) else shlex.join(command)
    if guards.creates_there:
        return _held_back(command, f"{creates} is there")
    if guards.removes_there is False:
        return _held_back(command, f"{removes} is not there")
    return Change(action=Action.RUN, after={"command": shown}, reason=f"runs {shown.splitlines()[0]}")


def _held_back(command: str | Sequence[str], why: str) -> Change:
    shown: str | list[str] = command if isinstance(command, str) else list(command)
    return Change(action=Action.NONE, reason=why, result=CommandResult(cmd=shown, msg=f"Not run: {why}"))


def run(
    ctx: Context,
    command: str | Sequence[str],
    chdir: str | None,
    stdin: str | None,
    shell: str | None = None,
    creates: str | None = None,
) -> Any:
    """Run it where the task acts. Raises Failed for an exit code other than 0."""
    if ctx.connection != SSM:
        return run_here(ctx, command, chdir=chdir, stdin=stdin, shell=shell)
    if stdin is not None:
        raise Failed("`stdin` can't be carried to an instance", hint="Put the text into the script.")
    return _run_there(ctx, command, chdir, shell or "/bin/sh", creates)


def _run_there(
    ctx: Context, command: str | Sequence[str], chdir: str | None, shell: str, creates: str | None
) -> CommandResult:
    """The same code as `ssm_command`; the instance is the one that `ansible_host`, or the host's name, names."""
    from ._instances import one, wait_online
    from ._ssm import Job, run_on_instances
    from ._ssm_script import Script, compose, guard_answer, refuse_secrets

    refuse_secrets(ctx, ("cmd", "argv", "chdir", "creates", "environment"))
    instance = one(ctx, str(ctx.variables.get("ansible_host", ctx.host)))
    wait_online(ctx, [instance], 900)
    text = command if isinstance(command, str) else shlex.join(command)
    script = Script(
        text=text, shell=shell, strict=False, chdir=chdir, environment=dict(ctx.environment), creates=creates
    )
    (ran,) = run_on_instances(ctx, "run", Job(script=compose(script)), [instance.id])
    stdout = ran.stdout.rstrip("\r\n")
    result = CommandResult(
        cmd=text,
        rc=ran.rc,
        stdout=stdout,
        stderr=ran.stderr.rstrip("\r\n"),
        stdout_lines=stdout.splitlines(),
        stderr_lines=ran.stderr.splitlines(),
        delta=ran.seconds,
        msg=guard_answer(ran.stdout) or "",
    )
    if ran.failure:
        raise Failed(f"The command on {instance} failed: {ran.failure}", result=msgspec.to_builtins(result))
    return result
