"""Clients for lookups that ask AWS: for the target of the step that an expression is evaluated for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .contract import ClientFactory, Target
from .targets import Targets
from .template_guard import MISSING, Missing
from .template_jinja import ScopeContext
from .values import Secret

SETTINGS = "runbook_aws"
"""The variable that holds the `aws:` settings of task and play."""


@dataclass(frozen=True, slots=True)
class LookupClients:
    """`template_jinja.Doors.client`. Threads may share it."""

    targets: Targets
    clients: Callable[[], ClientFactory]
    _identified: set[Target] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, context: ScopeContext, service: str, region: str | None) -> Any:
        """Raises Failed for settings that can't be, CredentialsError when we may not act there."""
        target = self.targets.target(*_settings(context))
        factory = self.clients()
        with self._lock:
            if target not in self._identified:
                factory.identify(target)  # an account that is not allowed is not asked for secrets either
                self._identified.add(target)
        return factory.client(replace(target, region=region) if region else target, service)


def _settings(context: ScopeContext) -> list[Any]:
    known = context.find(SETTINGS)
    layers = list(known) if isinstance(known, list | tuple) else []
    layers.append(context.find("aws"))
    opened = [Secret.reveal(layer) for layer in layers]
    return [None if layer is MISSING or type(layer) is Missing else layer for layer in opened]
