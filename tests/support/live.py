"""A module against a running sandbox: real clients, real waiting by its clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from runbook.contract import Absent, Finding, Intent, Landed, Module, Ready, Target, Waiting
from runbook.errors import Failed, Stopped
from runbook.model import Action, Change
from runbook.modules._aws import Clients

from tests.support.context import LOOK_PAUSE, MOST_LOOKS, RecordingContext
from tests.support.module_cases import make_params

T = TypeVar("T")


@dataclass(kw_only=True)
class LiveContext(RecordingContext):
    """Waits in earnest, by the target's clock."""

    def poll(
        self,
        what: str,
        read: Callable[[], Waiting | Ready[T]],
        *,
        timeout: float,
        interval: float = 5.0,
        longest: float = 60.0,
    ) -> T:
        end = time.monotonic() + timeout / self.target.speed
        while True:
            answer = read()
            if isinstance(answer, Ready):
                return answer.value
            self.progress(answer.phase, answer.percent)
            if time.monotonic() > end:
                raise Failed(f"{what}: still {answer.phase} after {timeout:g} seconds")
            time.sleep(interval / self.target.speed)
            interval = min(interval * 1.5, longest)

    def _settle(self, intent: Intent, find: Callable[[Intent], Finding[T]] | None) -> Landed[T] | None:
        for _ in range(MOST_LOOKS):
            finding = find(intent) if find is not None else None
            if isinstance(finding, Landed):
                return finding
            if isinstance(finding, Absent):
                return None
            time.sleep(LOOK_PAUSE.total_seconds() / self.target.speed)
        raise Stopped(f"It is in doubt whether '{intent.key}' happened.")


def live_context(facts: Mapping[str, Any], clients: Clients) -> LiveContext:
    """A context whose target is the sandbox that `runbook sandbox up --json` told of."""
    target = Target(
        region=facts["region"],
        endpoint_url=facts["endpoint_url"],
        access_key_id=facts["access_key_id"],
        secret_access_key=facts["secret_access_key"],
        ca_file=facts["ca_file"],
        speed=facts["speed"],
    )
    return LiveContext(
        run=uuid.uuid4().hex[:8],  # tokens of effects must differ from those of other tests
        target=target,
        clients=lambda service, retries: clients.client(target, service, retries=retries),
    )


def play(module: Module, ctx: LiveContext, given: Mapping[str, Any]) -> tuple[Change, Any]:
    """Observe, plan and apply."""
    params = make_params(module, given)
    change = module.plan(params, module.observe(ctx, params))
    if change.action is Action.NONE:
        return change, change.result
    return change, module.apply(ctx, params, change)
