"""How the steps of a run ended, host by host, and the exit code that it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .events import Tally
from .model import Include, IncludeRole, Outcome, Status

WORST_FIRST = (1, 4, 2, 0)
"""Exit codes: wrong use, stopped or unreachable, a task failed, done."""

_COUNTED: Mapping[Status, str] = {
    Status.OK: "ok",
    Status.CHANGED: "changed",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.UNREACHABLE: "unreachable",
}


@dataclass(slots=True)
class Tallies:
    """Counts steps as Ansible does: a changed one is ok too, an ignored failure is ok and ignored."""

    hosts: dict[str, Tally] = field(default_factory=dict)
    changed: bool = False
    """Any step changed the world, or would in a dry run."""
    _codes: set[int] = field(default_factory=lambda: {0})
    _failed: dict[str, int] = field(default_factory=dict)
    """The exit code that each failed host stands for."""

    def count(self, host: str, outcome: Outcome, *, rescued: bool = False) -> None:
        """A step ended. `rescued`: a failure that a rescue section takes over does not count as failed."""
        if outcome.ignored:
            changed = outcome.result.get("changed") is True
            self.changed = self.changed or changed
            self._add(host, ok=1, ignored=1, changed=int(changed))
            return
        if rescued:
            self._add(host, rescued=1)
            return
        brought = sum(isinstance(directive, Include | IncludeRole) for directive in outcome.directives)
        self._add(host, **{_COUNTED[outcome.status]: max(1, brought)})  # each file of a loop counts
        if outcome.status is Status.CHANGED:
            self.changed = True
            self._add(host, ok=1)

    def end(self, host: str, *, failed: bool) -> None:
        """A host came to the end of a play."""
        if failed:
            known = self.hosts.get(host)
            self._failed[host] = 4 if known is not None and known.unreachable else 2

    def forgive(self, hosts: Iterable[str]) -> None:
        """These hosts are as if they had not failed."""
        for host in hosts:
            self._failed.pop(host, None)

    def stop(self, code: int) -> None:
        """The run ends early with this exit code, unless a worse one stands already."""
        self._codes.add(code)

    @property
    def exit_code(self) -> int:
        return next(code for code in WORST_FIRST if code in self._codes or code in self._failed.values())

    def _add(self, host: str, **counts: int) -> None:
        known = self.hosts.setdefault(host, Tally())
        values = {name: getattr(known, name) + counts.get(name, 0) for name in Tally.__slots__}
        self.hosts[host] = Tally(**values)
