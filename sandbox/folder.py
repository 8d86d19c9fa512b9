"""A sandbox's folder: where it is, who holds it, how its process is started and reached."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from .door import TOKEN_HEADER

LOCK = "daemon.lock"
_CONTACT = "sandbox.json"
_LOG = "sandbox.log"
_START_SECONDS = 60.0
_END_SECONDS = 30.0


class SandboxError(Exception):
    """The sandbox could not be started, reached or ended; the message says what to do."""


def default_folder() -> Path:
    """`.runbook/sandbox` in the current folder, or what RUNBOOK_SANDBOX names."""
    return Path(os.environ.get("RUNBOOK_SANDBOX") or Path(".runbook", "sandbox")).absolute()


def _make_private(folder: Path) -> None:
    """Make the folder, for its operator alone: what lies in it lets others in."""
    if not folder.parent.exists():
        folder.parent.mkdir(mode=0o700, parents=True)
        # As the state file has it, which usually lies there too.
        (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def write_contact(folder: Path, contact: dict[str, Any]) -> None:
    """Tell how the sandbox is reached, in one atomic step."""
    new = folder / f"{_CONTACT}.new"
    new.touch(mode=0o600)
    new.write_text(json.dumps(contact), encoding="utf-8")
    new.replace(folder / _CONTACT)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox of a folder, as other processes see it."""

    folder: Path

    def contact(self) -> dict[str, Any] | None:
        """How it is reached, None if it does not run."""
        try:
            data: dict[str, Any] = json.loads((self.folder / _CONTACT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return data if self._held() else None

    def _held(self) -> bool:
        """Whether a process holds the folder; the lock is free as soon as that process is gone."""
        if not (self.folder / LOCK).exists():
            return False
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def up(self, arguments: list[str]) -> tuple[dict[str, Any], bool]:
        """Start it, with arguments for `serve`, unless it runs. Returns how it is reached, and if it was started.

        Safe when two call at once. Raises SandboxError if it does not come up.
        """
        _make_private(self.folder)
        with FileLock(self.folder / "up.lock"):
            if contact := self.contact():
                return contact, False
            return self._start(arguments), True

    def _start(self, arguments: list[str]) -> dict[str, Any]:
        # What a killed one left would send us to its lock, which the new one is about to take.
        (self.folder / _CONTACT).unlink(missing_ok=True)
        log = self.folder / _LOG
        command = [sys.executable, "-m", "runbook.sandbox", "--folder", str(self.folder), "serve", *arguments]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if contact := self.contact():
                return contact
            if process.poll() is not None:
                raise SandboxError(f"the sandbox ended at once (code {process.returncode}).\n{_tail(log)}")
            time.sleep(0.03)
        process.terminate()
        raise SandboxError(f"the sandbox did not start within {_START_SECONDS:.0f} s.\n{_tail(log)}")

    def down(self) -> int | None:
        """End it and wait until it is gone. Returns its process id, None if it did not run."""
        contact = self.contact()
        if contact is None:
            return None
        self.ask("POST", "shutdown", contact=contact)
        until = time.monotonic() + _END_SECONDS
        while self._held():
            if time.monotonic() > until:
                pid = contact["pid"]
                raise SandboxError(f"the sandbox (process {pid}) does not end; end it with: kill -9 {pid}")
            time.sleep(0.03)
        return int(contact["pid"])

    def ask(
        self, method: str, name: str, body: object = None, *, contact: dict[str, Any] | None = None
    ) -> bytes:
        """Ask the control path. Raises SandboxError with the sandbox's own words if it refuses."""
        contact = contact or self.contact()
        if contact is None:
            raise SandboxError("no sandbox runs here; start one with: runbook sandbox up")
        host = urlsplit(contact["endpoint_url"]).netloc
        connection = http.client.HTTPConnection(host, timeout=_START_SECONDS)
        try:
            data = json.dumps(body) if body is not None else None
            headers = {TOKEN_HEADER: contact["secret_access_key"]}
            connection.request(method, f"/_sandbox/{name}", body=data, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            raise SandboxError(f"the sandbox at {host} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise SandboxError(_reason(content))
        return content


def _reason(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError):
        return content.decode(errors="replace")


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    return "\n".join([*lines, f"The whole log: {log}"])
