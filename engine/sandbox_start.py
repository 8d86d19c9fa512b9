"""Starts the rehearsal sandbox of this folder when a target asks for it; it is a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import msgspec

from .errors import UsageError

_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


SILENCE = 1.0
"""Seconds after which a person wonders what is going on."""


def _silent(_text: str) -> None:
    pass


class SandboxFacts(msgspec.Struct, frozen=True):
    """What a running sandbox says of itself."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    ca_file: str
    speed: float
    world: str = ""
    started: bool = False


def start_sandbox(tell: Callable[[str], None] = _silent) -> SandboxFacts:
    """The sandbox of this folder, running. Raises UsageError when it is not installed or does not start.

    `tell` is told when that takes long enough for a person to wonder.
    """
    command = [sys.executable, "-m", "runbook.sandbox", "up", "--json"]
    with subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=_environment(),
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=SILENCE)
        except subprocess.TimeoutExpired:
            tell("The sandbox is starting, a stand-in for AWS on this machine.")
            stdout, stderr = process.communicate()
    if process.returncode != 0:
        raise _refused(stderr.strip() or stdout.strip())
    return msgspec.json.decode(stdout.strip().splitlines()[-1], type=SandboxFacts)


def _refused(told: str) -> UsageError:
    missing = _MISSING.search(told)
    if missing:
        return UsageError(
            f"The sandbox is the target, and it is not installed: Python finds no '{missing[1]}'",
            hint='Install it: pip install "runbook[sandbox]". A real account instead: -i inventory/aws.yml',
        )
    return UsageError(f"The sandbox did not start: {told}")


def _environment() -> dict[str, str]:
    """The sandbox takes no notice of the operator's AWS settings: nothing of it may ever leave this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept.setdefault("PYTHONUNBUFFERED", "1")
    return kept
