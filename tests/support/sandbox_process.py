"""A sandbox's process for tests, and boto3 clients that reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
TEMPLATE = Path(__file__).parents[2] / "playbooks" / "files" / "prerequisites.template.yml"


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `runbook sandbox` for the sandbox of a folder."""
    return subprocess.run(
        [sys.executable, "-m", "runbook.sandbox", "--folder", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder.parent,
        # With a source to compile, instances come without the stand-in valkey-cli that most tests use.
        env={name: value for name, value in os.environ.items() if not name.startswith("RUNBOOK_SANDBOX")},
    )


@dataclass(frozen=True)
class Running:
    """A sandbox that runs."""

    folder: Path
    contact: dict[str, Any]

    def client(self, service: str, *, attempts: int = 1) -> Any:
        """A boto3 client of it, which by default never retries."""
        return boto3.client(
            service,
            endpoint_url=self.contact["endpoint_url"],
            region_name=self.contact["region"],
            aws_access_key_id=self.contact["access_key_id"],
            aws_secret_access_key=self.contact["secret_access_key"],
            config=Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}),
        )

    def do(self, *arguments: str) -> str:
        """Run one of its commands; its output."""
        done = command(self.folder, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fault(self, kind: str, **order: object) -> dict[str, Any]:
        """Order a fault."""
        options = [part for name, value in order.items() for part in (f"--{name}", str(value))]
        answer: dict[str, Any] = json.loads(self.do("fault", "add", "--kind", kind, *options))
        return answer

    def calls(self) -> list[dict[str, Any]]:
        """What was asked of it."""
        return [json.loads(line) for line in self.do("calls").splitlines()]


@contextmanager
def running_sandbox(folder: Path, *arguments: str) -> Iterator[Running]:
    """Start a sandbox in `folder`, and end it at the end."""
    done = command(folder, "up", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    try:
        yield Running(folder, json.loads(done.stdout))
    finally:
        command(folder, "down")


def until(see: Callable[[], T], ready: Callable[[T], bool], seconds: float = 30.0) -> T:
    """Look until it is as it should be; fails with the last look."""
    end = time.monotonic() + seconds
    while not ready(last := see()):
        assert time.monotonic() < end, last
        time.sleep(0.05)
    return last
