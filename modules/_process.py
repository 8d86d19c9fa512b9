"""Processes on the operator's machine: run, waited for, ended with all their children when the run is cancelled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Context, Intent
from runbook.errors import Failed, Stopped

LOOK = 0.2
"""Seconds between two looks whether the run was cancelled."""

PATIENCE = 2.0
"""Seconds before a command that runs is shown as waited for."""

GRACE = 5.0
"""Seconds that a cancelled command has to end by itself."""


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended."""

    cmd: Annotated[str | list[str], Meta(description="What was run.")]
    rc: Annotated[int, Meta(description="Exit code; negative: the signal that ended it.")] = 0
    stdout: Annotated[str, Meta(description="Standard output, without its last line ends.")] = ""
    stderr: Annotated[str, Meta(description="Standard error, without its last line ends.")] = ""
    stdout_lines: Annotated[list[str], Meta(description="The same, as lines.")] = msgspec.field(
        default_factory=list
    )
    stderr_lines: Annotated[list[str], Meta(description="The same, as lines.")] = msgspec.field(
        default_factory=list
    )
    delta: Annotated[float, Meta(description="Seconds that it ran.")] = 0.0
    msg: Annotated[str, Meta(description="Why it was not run.")] = ""


def ended(cmd: str | list[str], rc: int, stdout: str, stderr: str, seconds: float) -> CommandResult:
    """The result of a command that ran."""
    stdout, stderr = stdout.rstrip("\r\n"), stderr.rstrip("\r\n")
    return CommandResult(
        cmd=cmd,
        rc=rc,
        stdout=stdout,
        stderr=stderr,
        stdout_lines=stdout.splitlines(),
        stderr_lines=stderr.splitlines(),
        delta=seconds,
    )


def run_here(
    ctx: Context,
    command: str | Sequence[str],
    *,
    chdir: str | None,
    stdin: str | None,
    shell: str | None = None,
) -> CommandResult:
    """Run a command once, as an effect, in the playbook's folder or in `chdir`.

    `shell` is the program that reads `command` as text; without it, `command` is an argument list (on Windows also
    a text, which the program itself splits there). Raises Failed when it can't be started or ends with another code
    than 0, InDoubt when it was interrupted.
    """
    shown = command if isinstance(command, str) else list(command)
    argv = shown if shell is None else shell_call(shell, str(command))
    folder = ctx.base / Path(chdir).expanduser() if chdir else ctx.base

    def call(_intent: Intent) -> dict[str, Any]:
        return _run(ctx, argv, folder, stdin)

    answer = ctx.effect("run", call)
    result = ended(
        shown, int(answer["rc"]), str(answer["stdout"]), str(answer["stderr"]), float(answer["delta"])
    )
    if result.rc != 0:
        raise Failed(_how(result), result=msgspec.to_builtins(result))
    return result


def shell_call(shell: str, text: str) -> str | list[str]:
    """How a shell is told to run a text. Windows' own two shells have their own ways."""
    kind = PurePath(shell.replace("\\", "/")).name.lower().removesuffix(".exe")
    if kind == "cmd":
        return f'{shell} /d /s /c "{text}"'  # cmd takes the outer quotes off, and nothing else
    if kind in ("powershell", "pwsh"):
        return [shell, "-NoProfile", "-NonInteractive", "-Command", text]
    return [shell, "-c", text]


def _how(result: CommandResult) -> str:
    said = (result.stderr.strip() or result.stdout.strip()).splitlines()
    detail = f": {said[-1]}" if said else ""
    if result.rc < 0:
        with contextlib.suppress(ValueError):
            return f"The command was ended by {signal.Signals(-result.rc).name}{detail}"
    return f"The command ended with code {result.rc}{detail}"


def _run(ctx: Context, argv: str | Sequence[str], folder: Path, stdin: str | None) -> dict[str, Any]:
    if ctx.cancelled:
        raise Stopped("The run was interrupted before the command began.")
    if not folder.is_dir():
        raise Failed(f"Can't run the command in {folder}: there is no such folder")
    began = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 (running what the playbook says is the point)
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **ctx.environment},
            # Ctrl-C at the terminal is ours to judge, not the command's.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        name = argv.partition(" ")[0] if isinstance(argv, str) else argv[0]
        raise Failed(f"Can't run '{name}': {error.strerror or error}") from error
    except ValueError as error:
        raise Failed(f"The command can't be run: {error}") from error
    stdout, stderr = _wait(ctx, process, stdin, began)
    return {
        "rc": process.returncode,
        "stdout": stdout.decode("utf-8", "backslashreplace"),
        "stderr": stderr.decode("utf-8", "backslashreplace"),
        "delta": time.monotonic() - began,
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
