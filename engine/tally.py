"""Steps counted once, by host and by how they ended; everybody who shows numbers shows these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .model import Outcome, Status, Tally


class Tallies:
    """As Ansible counts: a changed step is also ok, an ignored failure too; a rescued one is not failed."""

    def __init__(self) -> None:
        self._hosts: dict[str, Tally] = {}

    def see(self, host: str) -> None:
        """A host of the run, even if it never has a step."""
        self._hosts.setdefault(host, Tally())

    def count(self, host: str, outcome: Outcome, *, rescued: bool = False) -> None:
        """One finished step. `rescued`: it failed and a rescue section took over."""
        now = self._hosts.get(host, Tally())
        if outcome.ignored:
            counted = replace(now, ok=now.ok + 1, ignored=now.ignored + 1)
        elif outcome.failed and rescued:
            counted = replace(now, rescued=now.rescued + 1)
        else:
            counted = _counted(now, outcome.status)
        self._hosts[host] = counted

    def hosts(self) -> Mapping[str, Tally]:
        """The numbers so far."""
        return dict(self._hosts)


def _counted(now: Tally, status: Status) -> Tally:
    match status:
        case Status.OK:
            return replace(now, ok=now.ok + 1)
        case Status.CHANGED:
            return replace(now, ok=now.ok + 1, changed=now.changed + 1)
        case Status.SKIPPED:
            return replace(now, skipped=now.skipped + 1)
        case Status.UNREACHABLE:
            return replace(now, unreachable=now.unreachable + 1)
        case Status.FAILED:
            return replace(now, failed=now.failed + 1)
