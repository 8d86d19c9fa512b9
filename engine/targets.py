"""Where calls go: the merged `aws:` settings of play, task and host as a `Target`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from .contract import Target
from .errors import Failed, UsageError, nearest

SANDBOX = "sandbox"
"""The `endpoint_url` that means: the rehearsal sandbox of this folder, started when it is not running."""

OPERATOR_FIELDS = ("region", "profile", "role_arn", "external_id", "endpoint_url", "allowed_account_ids")


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


class Targets:
    """Makes Targets, one per distinct settings; starts the sandbox once, when one first asks for it."""

    def __init__(self) -> None:
        self._made: dict[str, Target] = {}
        self._lock = threading.Lock()

    def target(self, *settings: Mapping[str, Any] | None) -> Target:
        """Merge settings, first wins, into a Target. Raises Failed for a key that is none of ours."""
        merged: dict[str, Any] = {}
        for layer in settings:
            merged = {**(layer or {}), **merged}
        key = json.dumps(merged, sort_keys=True, default=str)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(merged)
            return self._made[key]

    def _make(self, merged: Mapping[str, Any]) -> Target:
        for name in merged:
            if name not in OPERATOR_FIELDS:
                raise Failed(f"Unknown key '{name}' in `aws:`", hint=nearest(name, OPERATOR_FIELDS))
        accounts = merged.get("allowed_account_ids") or ()
        fields = {name: merged[name] for name in OPERATOR_FIELDS[:5] if merged.get(name)}
        if isinstance(accounts, str | int):
            accounts = (accounts,)
        target = Target(**fields, allowed_account_ids=tuple(map(_account, accounts)))
        return _in_sandbox(target) if target.endpoint_url == SANDBOX else target


def _account(written: Any) -> str:
    """Account ids are text of 12 digits, though YAML reads an unquoted one as a number."""
    return str(getattr(written, "text", written)).zfill(12)


def _in_sandbox(target: Target) -> Target:
    facts = start_sandbox()
    return Target(
        region=target.region or facts.region,
        endpoint_url=facts.endpoint_url,
        access_key_id=facts.access_key_id,
        secret_access_key=facts.secret_access_key,
        ca_file=facts.ca_file,
        speed=facts.speed,
        world=facts.world,
        allowed_account_ids=target.allowed_account_ids,
    )


def start_sandbox() -> SandboxFacts:
    """The sandbox of this folder, running. Raises UsageError when it is not installed or does not start."""
    command = [sys.executable, "-m", "runbook.sandbox", "up", "--json"]
    done = subprocess.run(  # noqa: S603 (our own interpreter and module)
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=_environment()
    )
    if done.returncode != 0:
        raise UsageError(
            f"The sandbox did not start: {done.stderr.strip() or done.stdout.strip()}",
            hint='It comes with an extra: pip install "runbook[sandbox]". A real account: -i inventory/aws.yml',
        )
    return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=SandboxFacts)


def _environment() -> dict[str, str]:
    """The sandbox takes no notice of the operator's AWS settings: nothing of it may ever leave this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept.setdefault("PYTHONUNBUFFERED", "1")
    return kept


def world_of(target: Target) -> str:
    """Which world its calls change: `aws`, or one of the sandbox's. What a run did in one is nothing in another."""
    return f"sandbox {target.world}".rstrip() if target.ca_file else "aws"


def describe(target: Target) -> str:
    """One phrase for the first line of a run."""
    if target.ca_file:
        return f"sandbox ({target.endpoint_url})"
    where = f"AWS {target.region or 'default Region'}"
    return f"{where}, profile {target.profile}" if target.profile else where
