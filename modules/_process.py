"""Processes on the operator's machine: run, waited for, ended with all their children when the run is cancelled."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from runbook.contract import Context, Intent
from runbook.errors import Failed, Stopped

S = TypeVar("S", bound=msgspec.Struct)

LOOK = 0.2
"""Seconds between two looks whether the run was cancelled."""

PATIENCE = 2.0
"""Seconds before a command that runs is shown as waited for."""

RUN = "run"
"""The name of the effect that a command is."""

NON_ZERO = "non-zero return code"

GRACE = 5.0
"""Seconds that a cancelled command has to end by itself."""


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended; its fields are Ansible's."""

    stdout: Annotated[str, Meta(description="Standard output, without its last line ends.")] = ""
    stderr: Annotated[str, Meta(description="Standard error, without its last line ends.")] = ""
    rc: Annotated[int | None, Meta(description="Exit code; negative: the signal that ended it.")] = 0
    cmd: Annotated[Any, Meta(description="What was run: its words, or the text that a shell read.")]
    start: Annotated[str | None, Meta(description="When it began, by this machine's clock.")] = None
    end: Annotated[str | None, Meta(description="When it ended.")] = None
    delta: Annotated[str | None, Meta(description="How long it ran, as H:MM:SS.ffffff.")] = None
    msg: Annotated[str, Meta(description="Why it was not run.")] = ""
    stdout_lines: Annotated[list[str], Meta(description="Output as lines.")] = msgspec.field(
        default_factory=list
    )
    stderr_lines: Annotated[list[str], Meta(description="Errors as lines.")] = msgspec.field(
        default_factory=list
    )
    skipped: Annotated[
        bool | msgspec.UnsetType, Meta(description="It was only asked for with `check_mode: true`.")
    ] = msgspec.UNSET
    failed: bool | msgspec.UnsetType = msgspec.UNSET


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """What a process left behind."""

    rc: int
    stdout: str
    stderr: str
    start: str = ""
    end: str = ""
    """Both by this machine's clock, as ISO 8601 without a zone."""


def ended(cmd: str | list[str], raw: Raw, *, strip: bool = True) -> CommandResult:
    """The result of a command that ran. `strip`: without empty lines at the end of what it said."""
    stdout = raw.stdout.rstrip("\r\n") if strip else raw.stdout
    stderr = raw.stderr.rstrip("\r\n") if strip else raw.stderr
    timed = bool(raw.start and raw.end)
    return CommandResult(
        cmd=cmd,
        rc=raw.rc,
        stdout=stdout,
        stderr=stderr,
        start=_moment(raw.start) if timed else None,
        end=_moment(raw.end) if timed else None,
        delta=str(datetime.fromisoformat(raw.end) - datetime.fromisoformat(raw.start)) if timed else None,
        stdout_lines=stdout.splitlines(),
        stderr_lines=stderr.splitlines(),
    )


def _moment(iso: str) -> str:
    return str(datetime.fromisoformat(iso))


def run_here(
    ctx: Context,
    argv: str | Sequence[str],
    *,
    shown: str | list[str],
    chdir: str | None = None,
    stdin: str | None = None,
    strip: bool = True,
) -> CommandResult:
    """Run a program once, as an effect, in the playbook's folder or in `chdir`; the result calls it `shown`.

    Raises Failed when it can't be started or ends with another code than 0, InDoubt when it was interrupted.
    """
    result = ended(shown, run_raw(ctx, argv, shown=shown, chdir=chdir, stdin=stdin), strip=strip)
    if result.rc != 0:
        told = {**msgspec.to_builtins(result), "changed": True}
        raise Failed(NON_ZERO, hint=how(result.rc, result.stdout, result.stderr), result=told)
    return result


def run_raw(
    ctx: Context,
    argv: str | Sequence[str],
    *,
    shown: str | list[str],
    chdir: str | None = None,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Raw:
    """As `run_here`, whatever its exit code says. `environment`: instead of the task's own."""
    added = ctx.environment if environment is None else environment
    folder = ctx.base / Path(chdir).expanduser() if chdir else ctx.base

    def call(_intent: Intent) -> dict[str, Any]:
        if ctx.cancelled:
            raise Stopped("The run was interrupted before the command began.")
        if not folder.is_dir():
            raise _no_folder(folder, shown)
        return _run(ctx, argv, folder, stdin, added, shown)

    return msgspec.convert(ctx.effect(RUN, call), Raw)


def shell_call(shell: str, text: str) -> str | list[str]:
    """How a shell is told to run a text. Windows' own two shells have their own ways."""
    kind = PurePath(shell.replace("\\", "/")).name.lower().removesuffix(".exe")
    if kind == "cmd":
        return f'{shell} /d /s /c "{text}"'  # cmd takes the outer quotes off, and nothing else
    if kind in ("powershell", "pwsh"):
        return [shell, "-NoProfile", "-NonInteractive", "-Command", text]
    return [shell, "-c", text]


def told(ran: Raw, kind: type[S]) -> S:
    """The result of a text that ran, as `raw` and `script` have it. Raises Failed for an exit code other than 0."""
    result = kind(
        rc=ran.rc,
        stdout=ran.stdout,
        stderr=ran.stderr,
        stdout_lines=ran.stdout.splitlines(),
        stderr_lines=ran.stderr.splitlines(),
    )
    if ran.rc != 0:
        hint = how(ran.rc, ran.stdout, ran.stderr)
        raise Failed(NON_ZERO, hint=hint, result={**msgspec.to_builtins(result), "changed": True})
    return result


def how(rc: int | None, stdout: str, stderr: str) -> str:
    """How a command ended that failed, for a person."""
    said = (stderr.strip() or stdout.strip()).splitlines()
    detail = f": {said[-1]}" if said else ""
    if rc is not None and rc < 0:
        with contextlib.suppress(ValueError):
            return f"The command was ended by {signal.Signals(-rc).name}{detail}"
    return f"The command ended with code {rc}{detail}"


def _no_folder(folder: Path, shown: str | list[str]) -> Failed:
    told = msgspec.to_builtins(CommandResult(cmd=shown, rc=None))
    hint = f"There is no folder {folder}."
    return Failed("Unable to change directory before execution.", hint=hint, result=told)


def _not_started(error: OSError | ValueError, argv: str | Sequence[str], shown: str | list[str]) -> Failed:
    program = (argv.partition(" ")[0] if isinstance(argv, str) else argv[0]) or "''"
    code = getattr(error, "errno", None) or 257
    text = shown if isinstance(shown, str) else shlex.join(shown)
    reason = getattr(error, "strerror", None) or error
    return Failed(
        "Error executing command.", hint=f"Can't run '{program}': {reason}", result=nothing_ran(text, code)
    )


def nothing_ran(cmd: str, rc: int) -> dict[str, Any]:
    """What Ansible's result holds of a program that can't be started."""
    return {"rc": rc, "cmd": cmd, "stdout": "", "stderr": "", "stdout_lines": [], "stderr_lines": []}


def _run(
    ctx: Context,
    argv: str | Sequence[str],
    folder: Path,
    stdin: str | None,
    environment: Mapping[str, str],
    shown: str | list[str],
) -> dict[str, Any]:
    began, clock = datetime.now(), time.monotonic()  # noqa: DTZ005 (Ansible's results tell local time)
    try:
        process = subprocess.Popen(  # noqa: S603 (running what the playbook says is the point)
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **environment},
            # Ctrl-C at the terminal is ours to judge, not the command's.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except (OSError, ValueError) as error:
        raise _not_started(error, argv, shown) from error
    stdout, stderr = _wait(ctx, process, stdin, clock)
    return {
        "rc": process.returncode,
        "stdout": stdout.decode("utf-8", "backslashreplace"),
        "stderr": stderr.decode("utf-8", "backslashreplace"),
        "start": began.isoformat(),
        "end": (began + timedelta(seconds=time.monotonic() - clock)).isoformat(),
    }


def _wait(
    ctx: Context, process: subprocess.Popen[bytes], stdin: str | None, began: float
) -> tuple[bytes, bytes]:
    given = None if stdin is None else stdin.encode()
    shown = began + PATIENCE
    while True:
        try:
            return process.communicate(given, timeout=LOOK)
        except subprocess.TimeoutExpired:
            given = None
        if ctx.cancelled:
            _end(process)
            raise ctx.cut_short()
        if time.monotonic() >= shown:
            shown += 1.0
            ctx.progress("running")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it began: politely, then by force."""
    _signal(process, force=False)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process, force=True)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _signal(process: subprocess.Popen[bytes], *, force: bool) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
    elif force:
        tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(tree, check=False, capture_output=True)  # noqa: S603 (Windows' own, by its name)
    else:
        process.terminate()
