"""`runbook` at a pseudo-terminal, with somebody who types answers."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence

from .cli import Desk


def typed(desk: Desk, answers: Sequence[str], *words: str, asked: str) -> tuple[int, str]:
    """Type each answer when what is `asked` ends the screen: the exit code, and what stood on the screen."""
    left = list(answers)
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        desk.command(*words), cwd=desk.folder, env={**desk.environment, "TERM": "dumb"},
        stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    screen = ""
    try:
        while part := os.read(keyboard, 65536):
            screen += part.decode()
            if left and screen.endswith(asked):
                os.write(keyboard, left.pop(0).encode() + b"\n")
    except OSError:  # the terminal's other end is closed
        pass
    finally:
        os.close(keyboard)
    return process.wait(60), screen
