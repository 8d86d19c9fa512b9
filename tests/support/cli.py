"""Runs `runbook` as a person does: the installed command, in a folder of its own, with a sandbox of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PLAYBOOKS = ROOT / "playbooks"
INVENTORY = ROOT / "inventory"


@dataclass(frozen=True, repr=False)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of a run with `--output json`."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]

    def steps(self, status: str) -> list[str]:
        """Names of the tasks whose steps ended with this status."""
        return [
            event["task"]
            for event in self.events
            if event["event"] == "step_finished" and event["outcome"]["status"] == status
        ]

    def __repr__(self) -> str:
        """What a failed assertion shows: the steps that failed, else the end of the output."""
        failures = [
            f"{event['task']}: {event['outcome']['result']}"
            for event in self.events
            if event.get("event") == "step_finished" and event["outcome"]["status"] == "failed"
        ]
        told = "\n".join(failures) or self.stdout[-3000:]
        return f"exit {self.code}\n{told}\n{self.stderr[-2000:]}"

    __str__ = __repr__


@dataclass(frozen=True)
class Desk:
    """A folder in which `runbook` is used."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "RUNBOOK_"))}
        return {
            **kept,
            "RUNBOOK_SANDBOX": str(self.folder / "sandbox"),
            "HOME": str(self.folder),
            **self.environ,
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "runbook", *words]

    def run(self, *words: str, stdin: str | None = None, timeout: float = 240) -> Ended:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def playbook(self, name: str) -> Path:
        return PLAYBOOKS / name

    def inventory(self, name: str) -> Path:
        return INVENTORY / name

    def play(self, playbook: str, *words: str, inventory: str = "sandbox.yml") -> Ended:
        """Play one of the project's playbooks, telling its events as JSON."""
        source = str(self.inventory(inventory))
        return self.run("play", str(self.playbook(playbook)), "-i", source, "--output", "json", *words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that is still running; for kills."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def sandbox(self, *words: str) -> Ended:
        return self.run("sandbox", *words)

    def up(self, *words: str) -> dict[str, Any]:
        template = PLAYBOOKS / "files/prerequisites.template.yml"
        done = self.sandbox("up", "--json", "--template", str(template), *words)
        assert done.code == 0, done
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    def calls(self) -> list[dict[str, Any]]:
        """What was asked of the sandbox so far."""
        return [json.loads(line) for line in self.sandbox("calls").stdout.splitlines()]

    def aws(self, service: str) -> Any:
        """A boto3 client of the sandbox, to break its world or to look at it."""
        import boto3

        facts = self.up()
        return boto3.client(
            service,
            endpoint_url=facts["endpoint_url"],
            region_name=facts["region"],
            aws_access_key_id=facts["access_key_id"],
            aws_secret_access_key=facts["secret_access_key"],
        )


def recap(ended: Ended) -> Mapping[str, int]:
    """Counts of the one host of the lab."""
    finished = [event for event in ended.events if event["event"] == "run_finished"]
    assert finished, ended
    (tally,) = finished[-1]["hosts"].values()
    counts: Mapping[str, int] = tally
    return counts


__all__: Sequence[str] = ["INVENTORY", "PLAYBOOKS", "ROOT", "Desk", "Ended", "recap"]
