"""A command that looks at a new file before it takes its place: `validate: visudo -cf %s`."""

from __future__ import annotations

import shlex
import subprocess

from runbook.errors import Failed


def check_command(command: str | None) -> None:
    """Raises Failed when the command does not name the file."""
    if command and "%s" not in command:
        raise Failed(f"validate must contain %s: {command}", hint="%s stands for the new file's path.")


def validated(command: str, path: str) -> None:
    """Raises Failed, with what the command said, when it ends with another code than 0."""
    argv = shlex.split(command.replace("%s", shlex.quote(path)))
    try:
        ended = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL)  # noqa: S603 (the operator's command)
    except (OSError, ValueError) as error:
        raise Failed(f"failed to validate: {argv[0]} can't be run: {error}") from error
    if ended.returncode:
        told = {
            name: text.decode("utf-8", "backslashreplace").rstrip("\r\n")
            for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr))
        }
        lines = {f"{name}_lines": text.splitlines() for name, text in told.items()}
        raise Failed(
            "failed to validate",
            hint=told["stderr"] or told["stdout"] or None,
            result={"exit_status": ended.returncode, **told, **lines},
        )
