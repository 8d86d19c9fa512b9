"""What a run of a playbook was, in words that both engines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One result that was told: of a task on a host, or of one item of its loop.

    `status` is `ok`, `changed`, `skipped`, `failed`, `unreachable` or `included`.
    """

    host: str
    play: str
    task: str
    handler: bool
    status: str
    item: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        kind = "handler" if self.handler else "task"
        item = "" if self.item is None else f" (item={self.item})"
        return f"{self.play} | {kind} {self.task}{item}: {self.status}"


@dataclass(frozen=True, slots=True)
class Played:
    """A run: what was told in its order, the recap of each host, the exit class, the files it left."""

    steps: tuple[Step, ...]
    recap: Mapping[str, Mapping[str, int]]
    ending: str
    files: Mapping[str, str] = field(default_factory=dict)
    errors: str = ""
    """What it said on stderr; for whoever reads a failure, not compared."""

    @property
    def hosts(self) -> list[str]:
        return sorted({step.host for step in self.steps})

    def of(self, host: str) -> list[Step]:
        return [step for step in self.steps if step.host == host]


ITEMS_FAILED = "One or more items failed"
"""What a loop says of itself when its items have told the failure."""

COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


def ending(code: int, steps: bool) -> str:
    """The exit class. Both engines say 0 done, 2 failed, 4 unreachable; any other end before a step is a refusal.

    ansible-core ends with 1, 2, 4 or 250 where it refuses, runbook with 1: what counts is that nothing was run.
    """
    if code == 0:
        return "done"
    if not steps:
        return "refused"
    return {2: "failed", 4: "unreachable"}.get(code, "stopped")
