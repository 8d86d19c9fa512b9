"""What `set_stats` keeps for the end of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .model import CustomStats
from .values import Secret

RUN = "_run"
"""Where Ansible keeps stats that are no host's."""


@dataclass(slots=True)
class StatsBoard:
    """Custom stats by host; those of the run under `RUN`."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, stats: CustomStats) -> None:
        """A value adds to the one of the same name, if both are of one kind; otherwise the kept one stays."""
        known = self.kept.setdefault(stats.host or RUN, {})
        for name, value in stats.data.items():
            known[name] = added(known[name], value) if stats.aggregate and name in known else value


def added(before: Any, value: Any) -> Any:
    """Numbers added, texts and lists joined, mappings merged."""
    if isinstance(before, Secret) or isinstance(value, Secret):
        return Secret(added(Secret.reveal(before), Secret.reveal(value)))
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        return {**before, **value}
    if type(before) is not type(value) or before is None:
        return before
    return before + value
