"""Where calls go: the merged `aws:` settings of play, task and host as a `Target`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from .contract import Target
from .errors import Failed, nearest
from .sandbox_start import SandboxFacts, start_sandbox
from .template_guard import reveal

SANDBOX = "sandbox"
"""The `endpoint_url` that means: the rehearsal sandbox of this folder, started when it is not running."""

TEXTS = ("region", "profile", "role_arn", "external_id", "endpoint_url")
ACCOUNTS = "allowed_account_ids"


class Targets:
    """Makes Targets, one per distinct settings; starts the sandbox once, when one first asks for it."""

    def __init__(self, start: Callable[[], SandboxFacts] = start_sandbox) -> None:
        self._start = start
        self._made: dict[str, Target] = {}
        self._lock = threading.Lock()

    def target(self, *settings: Any, start: bool = True) -> Target:
        """Merge rendered settings, first wins, into a Target; None stands for no settings.

        `start=False` starts no sandbox: for who asks nothing of AWS, a sandbox that nobody needed
        stays a word, which no call can be sent to.

        Raises Failed for what can't be settings, UsageError when the sandbox does not start.
        """
        merged: dict[str, Any] = {}
        for layer in map(reveal, settings):
            if layer is not None and not isinstance(layer, Mapping):
                raise Failed(f"`aws:` needs a mapping, and this is {type(layer).__name__}")
            merged = {**(layer or {}), **merged}
        key = json.dumps(merged, sort_keys=True, default=str)
        with self._lock:
            if not start and key not in self._made and merged.get("endpoint_url") == SANDBOX:
                return Target(endpoint_url=SANDBOX)
            if key not in self._made:
                self._made[key] = self._make(merged)
            return self._made[key]

    def _make(self, merged: Mapping[str, Any]) -> Target:
        for name in merged:
            if name not in (*TEXTS, ACCOUNTS):
                raise Failed(f"Unknown key '{name}' in `aws:`", hint=nearest(str(name), (*TEXTS, ACCOUNTS)))
        texts: dict[str, Any] = {
            name: _text(name, merged[name]) for name in TEXTS if merged.get(name) not in (None, "")
        }
        accounts = merged.get(ACCOUNTS) or ()
        if not isinstance(accounts, list | tuple):
            accounts = (accounts,)
        target = Target(**texts, allowed_account_ids=tuple(_text(ACCOUNTS, a).zfill(12) for a in accounts))
        return self._in_sandbox(target) if target.endpoint_url == SANDBOX else target

    def _in_sandbox(self, target: Target) -> Target:
        facts = self._start()
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


def _text(name: str, value: Any) -> str:
    """All settings are text, though YAML reads an unquoted account as a number (and drops its leading zero)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Failed(f"`aws:` {name} needs text, and this is {type(value).__name__}")
    return str(getattr(value, "text", value))


def world_of(target: Target) -> str:
    """Which world its calls change: `aws`, or one of the sandbox's. What a run did in one is nothing in another."""
    return f"sandbox {target.world}".rstrip() if target.ca_file else "aws"


def where(target: Target) -> dict[str, Any]:
    """What of a target makes it another place. A sandbox's addresses and keys are new each time it starts."""
    told = {"region": target.region, "world": world_of(target)}
    if not target.ca_file:
        names = ("profile", "role_arn", "external_id", "endpoint_url", ACCOUNTS)
        told |= {name: getattr(target, name) for name in names if getattr(target, name)}
    return told


def describe(target: Target) -> str:
    """One phrase for the first line of a run."""
    if target.ca_file:
        return f"sandbox ({target.endpoint_url})"
    where = f"AWS {target.region or 'default Region'}"
    return f"{where}, profile {target.profile}" if target.profile else where
