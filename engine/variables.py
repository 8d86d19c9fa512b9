"""Which variables a step sees: Ansible's precedence as layers, highest first, never copied per task.

Order: loop variables (added by the step), extra vars, include vars, registered results and set_facts, task and
block vars, vars_files, play vars, inventory. What the engine itself knows (`inventory_hostname`, `groups`, ...)
can't be overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .model import Host, Value
from .scope import VariableScope
from .template import Templates


@dataclass(slots=True)
class HostState:
    """What a run has learned about one host; lives as long as the run."""

    host: Host
    facts: dict[str, Any] = field(default_factory=dict)
    """Registered results and facts that tasks set."""
    failed_task: Mapping[str, Any] | None = None
    failed_result: Mapping[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What all hosts of a play share."""

    templates: Templates
    extra_vars: Mapping[str, Value]
    play_vars: Sequence[Mapping[str, Value]]
    """vars_files, last first, then the play's own vars."""
    hosts: Mapping[str, HostState]
    groups: Mapping[str, Sequence[str]]
    play_hosts: list[str]
    """Hosts of this play that have not failed."""
    batch: Sequence[str]
    playbook_dir: Path
    inventory_dir: Path | None
    check: bool
    run: str
    tags: Sequence[str] = ()
    verbosity: int = 0

    def scope(
        self, state: HostState, task_vars: Mapping[str, Value], include_vars: Mapping[str, Value]
    ) -> VariableScope:
        """The variables of a step on a host."""
        return VariableScope(self.templates, self.layers(state, task_vars, include_vars))

    def layers(
        self, state: HostState, task_vars: Mapping[str, Value], include_vars: Mapping[str, Value]
    ) -> list[Mapping[str, Value]]:
        layers: list[Mapping[str, Value]] = [MagicVars(self, state), self.extra_vars]
        if include_vars:
            layers.append(include_vars)
        if state.facts:
            layers.append(state.facts)
        if task_vars:
            layers.append(task_vars)
        layers.extend(self.play_vars)
        layers.append(state.host.vars)
        return layers


class MagicVars(Mapping[str, Any]):
    """The variables that the engine knows, computed when read."""

    __slots__ = ("around", "state")

    def __init__(self, around: Surroundings, state: HostState) -> None:
        self.around = around
        self.state = state

    def __getitem__(self, name: str) -> Any:
        if name not in _MAGIC:
            raise KeyError(name)
        value = _MAGIC[name](self)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        if name not in _OPTIONAL:
            return name in _MAGIC
        return _MAGIC[name](self) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in _MAGIC if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class HostVars(Mapping[str, Any]):
    """`hostvars`: each host's variables, rendered when read."""

    __slots__ = ("_around",)

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def __getitem__(self, name: str) -> VariableScope:
        return self._around.scope(self._around.hosts[name], {}, {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._around.hosts)

    def __len__(self) -> int:
        return len(self._around.hosts)


_MAGIC: Mapping[str, Callable[[MagicVars], Any]] = {
    "inventory_hostname": lambda v: v.state.host.name,
    "inventory_hostname_short": lambda v: v.state.host.name.split(".")[0],
    "group_names": lambda v: sorted(g for g in v.state.host.groups if g != "all"),
    "groups": lambda v: v.around.groups,
    "hostvars": lambda v: HostVars(v.around),
    "play_hosts": lambda v: list(v.around.play_hosts),
    "ansible_play_hosts": lambda v: list(v.around.play_hosts),
    "ansible_play_hosts_all": lambda v: list(v.around.batch),
    "ansible_play_batch": lambda v: list(v.around.batch),
    "ansible_check_mode": lambda v: v.around.check,
    "ansible_run_tags": lambda v: list(v.around.tags) or ["all"],
    "playbook_dir": lambda v: str(v.around.playbook_dir),
    "inventory_dir": lambda v: str(v.around.inventory_dir) if v.around.inventory_dir else None,
    "ansible_verbosity": lambda v: v.around.verbosity,
    "runbook_run": lambda v: v.around.run,
    "ansible_failed_task": lambda v: v.state.failed_task,
    "ansible_failed_result": lambda v: v.state.failed_result,
}

_OPTIONAL = frozenset({"inventory_dir", "ansible_failed_task", "ansible_failed_result"})
