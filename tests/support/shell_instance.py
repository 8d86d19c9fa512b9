"""An instance whose commands run in this machine's own shell: what Systems Manager would carry, without it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runbook.contract import Context, Intent
from runbook.modules._ssm import STDERR_KEPT, STDOUT_KEPT, Job, Ran

from tests.support.clusters import STAND_IN

IDENTITY = "i-00000000000000001"


@dataclass
class ShellInstance:
    """Runs a job's script with `/bin/sh`, and keeps as much of the output as Systems Manager does."""

    folder: Path
    """Holds `bin`, first in its PATH."""
    authorities: Path | None = None
    """The certificates that its programs trust."""
    scripts: list[str] = field(default_factory=list)
    """All that was sent."""

    def install(self, program: str, text: str) -> None:
        """Put an executable script into its PATH."""
        place = self.folder / "bin" / program
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)

    def install_valkey_cli(self, program: Sequence[str] = STAND_IN) -> None:
        """Put a valkey-cli into its PATH: the sandbox's stand-in, or another."""
        words = " ".join(f"'{word}'" for word in program)
        self.install("valkey-cli", f'#!/bin/sh\nexec {words} "$@"\n')

    def run(self, script: str) -> Ran:
        """Run a script to its end."""
        self.scripts.append(script)
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder)}
        if self.authorities is not None:
            environment["SSL_CERT_FILE"] = str(self.authorities)
        ended = subprocess.run(
            ["/bin/sh", "-c", script], capture_output=True, env=environment, timeout=60, check=False
        )
        return Ran(
            instance=IDENTITY,
            status="Success" if ended.returncode == 0 else "Failed",
            rc=ended.returncode,
            stdout=ended.stdout.decode("utf-8", "replace")[:STDOUT_KEPT],
            stderr=ended.stderr.decode("utf-8", "replace")[:STDERR_KEPT],
        )

    def run_on_instances(
        self, ctx: Context, key: str, job: Job, instances: Sequence[str], *, effect: bool = True
    ) -> tuple[Ran, ...]:
        """In the place of `_ssm.run_on_instances`."""
        assert list(instances) == [IDENTITY]
        ended: list[Ran] = []
        call: Callable[[Intent | None], None] = lambda _intent: ended.append(self.run(job.script))  # noqa: E731
        if effect:
            ctx.effect(key, call)
        else:
            call(None)
        return tuple(ended)
