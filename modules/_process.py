"""Processes on the operator's machine: run, waited for, ended when the run is cancelled."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Context, Intent
from runbook.errors import Failed, Stopped

LOOK = 0.2
"""Seconds between two looks whether the run was cancelled."""


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended."""

    cmd: Annotated[str | list[str], Meta(description="What was run.")]
    rc: Annotated[int, Meta(description="Exit code.")] = 0
    stdout: Annotated[str, Meta(description="Standard output, without its last line end.")] = ""
    stderr: Annotated[str, Meta(description="Standard error, without its last line end.")] = ""
    stdout_lines: Annotated[list[str], Meta(description="The same, as lines.")] = msgspec.field(
        default_factory=list
    )
    stderr_lines: Annotated[list[str], Meta(description="The same, as lines.")] = msgspec.field(
        default_factory=list
    )
    delta: Annotated[float, Meta(description="Seconds that it ran.")] = 0.0
    msg: Annotated[str, Meta(description="Why it was not run.")] = ""


def run_here(
    ctx: Context,
    command: str | Sequence[str],
    *,
    chdir: str | None,
    stdin: str | None,
    shell: str | None = None,
) -> CommandResult:
    """Run a command once, as an effect. Raises Failed when it can't be started or ends with another code than 0.

    `shell` is the program that reads `command` as text; without it, `command` is an argument list.
    """
    argv = [shell, "-c", str(command)] if shell is not None else list(command)
    shown: str | list[str] = str(command) if shell is not None else list(command)

    def call(_intent: Intent) -> dict[str, Any]:
        return _run(ctx, argv, chdir, stdin)

    ended = ctx.effect("run", call)
    stdout, stderr = str(ended["stdout"]), str(ended["stderr"])
    result = CommandResult(
        cmd=shown,
        rc=int(ended["rc"]),
        stdout=stdout,
        stderr=stderr,
        stdout_lines=stdout.splitlines(),
        stderr_lines=stderr.splitlines(),
        delta=float(ended["delta"]),
    )
    if result.rc != 0:
        told = stderr.strip().splitlines()
        detail = f": {told[-1]}" if told else ""
        raise Failed(f"The command ended with code {result.rc}{detail}", result=msgspec.to_builtins(result))
    return result


def _run(ctx: Context, argv: Sequence[str], chdir: str | None, stdin: str | None) -> dict[str, Any]:
    began = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 (running what the playbook says is the point)
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=chdir,
            env={**os.environ, **ctx.environment},
        )
    except OSError as error:
        raise Failed(f"Can't run {argv[0]!r}: {error.strerror or error}") from error
    stdout, stderr = _wait(ctx, process, stdin)
    return {
        "rc": process.returncode,
        "stdout": _text(stdout),
        "stderr": _text(stderr),
        "delta": time.monotonic() - began,
    }


def _wait(ctx: Context, process: subprocess.Popen[bytes], stdin: str | None) -> tuple[bytes, bytes]:
    given = None if stdin is None else stdin.encode()
    while True:
        try:
            return process.communicate(given, timeout=LOOK)
        except subprocess.TimeoutExpired:
            given = None
            if ctx.cancelled:
                process.terminate()
                raise Stopped("The run was interrupted, and the command with it.") from None


def _text(output: bytes) -> str:
    return output.decode("utf-8", "backslashreplace").rstrip("\r\n")
