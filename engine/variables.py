"""Which variables a step sees: Ansible's precedence as layers, highest first, never copied per task.

Order: what the engine itself knows (`inventory_hostname`, `groups`, ...: it can't be overridden), loop variables
(added by the step), extra vars, params of includes, params of roles, registered results and set_facts,
include_vars, task and block vars, vars of the task's role, vars of the play's roles, vars_files, answers to
vars_prompt, play vars, gathered facts, inventory, role defaults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .contract import FactSource
from .host_facts import HostFacts, NoFacts
from .model import NO_VARS, Host, Role, Task, Value
from .options import Options
from .role_vars import NO_ROLE, RoleLayers, all_dependencies, exported, including, within
from .scope import VariableScope
from .search_path import SearchPath
from .template import Templates
from .vars_files import VarsFiles

ANSIBLE_VERSION: Mapping[str, Any] = {
    "full": "2.19.0",
    "string": "2.19.0",
    "major": 2,
    "minor": 19,
    "revision": 0,
}
"""The ansible-core whose language this is."""


@dataclass(slots=True)
class HostState:
    """What a run has learned about one host; lives as long as the run."""

    host: Host
    facts: dict[str, Any] = field(default_factory=dict)
    """Registered results and facts that tasks set."""
    included: dict[str, Value] = field(default_factory=dict)
    """Variables that `include_vars` read."""
    gathered: HostFacts = field(default_factory=HostFacts)
    """Facts of the host itself, those that `set_fact` was told to keep there included."""
    weakest: Mapping[str, Any] = field(init=False)
    """What holds when nothing else says so."""

    def __post_init__(self) -> None:
        self.weakest = {"ansible_host": self.host.name}


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What all hosts of a play share."""

    templates: Templates
    extra_vars: Mapping[str, Value]
    play_vars: Sequence[Mapping[str, Value]]
    """The play's own variables; a former one wins."""
    hosts: Mapping[str, HostState]
    groups: Mapping[str, Sequence[str]]
    all_hosts: Sequence[str] = ()
    """Hosts of this play, whatever became of them."""
    play_hosts: list[str]
    """Hosts of this play that have not failed."""
    batch: list[str]
    """Hosts of this batch that have not failed."""
    playbook_dir: Path
    inventory_sources: Sequence[str]
    """What `-i` named; files by their absolute path."""
    check: bool
    run: str
    vars_files: VarsFiles | None = None
    begun: bool = True
    """False before the first play: variables of which a file's name is made may be missing."""
    roles: Sequence[Role] = ()
    """Roles of the play, and those that an include made public, in their order."""
    facts: FactSource = field(default_factory=NoFacts)
    """Of the operator's machine."""
    aws: Value = None
    """The play's `aws:` settings."""
    name: str = ""
    """The play's."""
    options: Options = field(default_factory=Options)
    tags: Sequence[str] = ()
    verbosity: int = 0
    _within: dict[Role, RoleLayers] = field(default_factory=dict)
    _exported: RoleLayers | None = None

    def scope(
        self, state: HostState, task: Task | None = None, params: Mapping[str, Value] = NO_VARS
    ) -> VariableScope:
        """The variables of a step on a host. `params`: those of the includes that led to it."""
        written = [self.extra_vars, *self.play_vars]
        if task is not None and task.vars:
            written.append(task.vars)
        layers = self.layers(state, task, params)
        data = (layers[0], state.facts, state.gathered, state.weakest, params)
        return VariableScope(self.templates, layers, written, data)

    def publish(self, role: Role) -> None:
        """From now on the whole play sees the role's defaults and variables."""
        self.roles = (*self.roles, role)
        self._exported = None

    def layers(
        self, state: HostState, task: Task | None = None, params: Mapping[str, Value] = NO_VARS
    ) -> list[Mapping[str, Value]]:
        """All variables of a step, as layers of which the first that has a name wins."""
        role = self._of(task.role) if task is not None and task.role is not None else NO_ROLE
        play = self._of_play()
        layers: list[Mapping[str, Value]] = [MagicVars(self, state, task), self.extra_vars]
        if task is not None and task.params:
            layers.append(task.params)
        if params:
            layers.append(params)
        layers += role.params
        layers += (known for known in (state.facts, state.included) if known)
        if task is not None and task.vars:
            layers.append(task.vars)
        layers += role.vars
        layers += play.vars
        weaker = [*self.play_vars]
        weaker += (state.gathered, state.host.vars)
        weaker += role.defaults
        weaker += play.defaults
        if self.vars_files is not None:
            layers += self._files(self.vars_files, state, weaker)
        layers += weaker
        layers.append(state.weakest)
        if task is not None and task.connection is not None:
            layers.append({"ansible_connection": task.connection})
        return layers

    def host_layers(self, state: HostState) -> list[Mapping[str, Value]]:
        """What other hosts see of a host: nothing of a play, a role or a task."""
        known = (state.facts, state.included, state.gathered, state.host.vars)
        return [HostMagic(self, state), self.extra_vars, *known]

    def _files(
        self, files: VarsFiles, state: HostState, weaker: Sequence[Mapping[str, Value]]
    ) -> Sequence[Mapping[str, Value]]:
        def scope(before: Sequence[Mapping[str, Value]]) -> VariableScope:
            return VariableScope(self.templates, [MagicVars(self, state), self.extra_vars, *before, *weaker])

        return files.layers(scope) if self.begun else files.known(scope)

    def _of(self, role: Role) -> RoleLayers:
        known = self._within.get(role)
        if known is None:
            known = self._within[role] = within(role)
        return known

    def _of_play(self) -> RoleLayers:
        if self._exported is None:
            self._exported = exported(self.roles) if self.roles else NO_ROLE
        return self._exported


class MagicVars(Mapping[str, Any]):
    """The variables that the engine knows, computed when read."""

    __slots__ = ("around", "state", "task")

    def __init__(self, around: Surroundings, state: HostState, task: Task | None = None) -> None:
        self.around = around
        self.state = state
        self.task = task

    @property
    def role(self) -> Role | None:
        return self.task.role if self.task is not None else None

    def __getitem__(self, name: str) -> Any:
        if name not in _MAGIC:
            raise KeyError(name)
        value = _MAGIC[name](self)
        if value is None and name in _OPTIONAL:
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


class HostMagic(MagicVars):
    """Those of them that belong to a host, whatever is played on it."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in _OF_HOST:
            raise KeyError(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        return name in _OF_HOST and super().__contains__(name)


class HostVars(Mapping[str, Any]):
    """`hostvars`: each host's variables, rendered when read."""

    __slots__ = ("_around",)

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def __getitem__(self, name: str) -> VariableScope:
        return VariableScope(self._around.templates, self._around.host_layers(self._around.hosts[name]))

    def __iter__(self) -> Iterator[str]:
        return (name for name, state in self._around.hosts.items() if not state.host.implicit)

    def __contains__(self, name: object) -> bool:
        return name in self._around.hosts

    def __len__(self) -> int:
        return sum(1 for _ in self)


_MAGIC: Mapping[str, Callable[[MagicVars], Any]] = {
    "inventory_hostname": lambda v: v.state.host.name,
    "inventory_hostname_short": lambda v: v.state.host.name.split(".")[0],
    "group_names": lambda v: sorted(g for g in v.state.host.groups if g != "all"),
    "groups": lambda v: v.around.groups,
    "hostvars": lambda v: HostVars(v.around),
    "play_hosts": lambda v: list(v.around.batch),
    "ansible_play_hosts": lambda v: list(v.around.play_hosts),
    "ansible_play_hosts_all": lambda v: list(v.around.all_hosts),
    "ansible_play_batch": lambda v: list(v.around.batch),
    "ansible_check_mode": lambda v: v.around.check,
    "ansible_run_tags": lambda v: list(v.around.tags) or ["all"],
    "playbook_dir": lambda v: str(v.around.playbook_dir),
    "ansible_inventory_sources": lambda v: list(v.around.inventory_sources),
    "ansible_limit": lambda v: v.around.options.limit or None,
    "ansible_verbosity": lambda v: v.around.verbosity,
    "ansible_play_name": lambda v: v.around.name,
    "ansible_diff_mode": lambda v: v.around.options.diff,
    "ansible_forks": lambda v: v.around.options.forks,
    "ansible_skip_tags": lambda v: sorted(v.around.options.tags.skip),
    "ansible_version": lambda _v: dict(ANSIBLE_VERSION),
    "ansible_playbook_python": lambda _v: sys.executable,
    "ansible_config_file": lambda _v: None,
    "environment": lambda v: list(v.task.environment) if v.task is not None else None,
    "runbook_run": lambda v: v.around.run,
    "runbook_aws": lambda v: [v.task.aws if v.task is not None else None, v.around.aws],
    "ansible_facts": lambda v: v.state.gathered.all(),
    "ansible_search_path": lambda v: list(SearchPath.of(v.task, v.around.playbook_dir).folders),
    "role_name": lambda v: v.role and v.role.name,
    "ansible_role_name": lambda v: v.role and v.role.name,
    "role_path": lambda v: v.role and v.role.path,
    "ansible_parent_role_names": lambda v: v.role and ([one.name for one in including(v.role)] or None),
    "ansible_parent_role_paths": lambda v: v.role and ([one.path for one in including(v.role)] or None),
    "ansible_play_role_names": lambda v: _play_roles(v.around),
    "role_names": lambda v: _play_roles(v.around),
    "ansible_dependent_role_names": lambda v: _dependencies(v.around),
    "ansible_role_names": lambda v: list(dict.fromkeys((*_play_roles(v.around), *_dependencies(v.around)))),
}

MAGIC = frozenset(_MAGIC)
"""Names of the variables that the engine knows."""

_OPTIONAL = frozenset(
    {
        "ansible_limit", "environment", "role_name", "ansible_role_name",
        "role_path", "ansible_parent_role_names", "ansible_parent_role_paths",
    }
)  # fmt: skip

_OF_HOST = frozenset(
    {
        "inventory_hostname", "inventory_hostname_short", "group_names", "groups", "ansible_check_mode",
        "ansible_run_tags", "ansible_skip_tags", "ansible_diff_mode", "ansible_forks", "ansible_limit",
        "ansible_version", "ansible_playbook_python", "ansible_config_file", "playbook_dir", "runbook_run",
        "ansible_inventory_sources", "ansible_verbosity", "ansible_facts",
    }
)  # fmt: skip


def _play_roles(around: Surroundings) -> list[str]:
    return [role.name for role in around.roles]


def _dependencies(around: Surroundings) -> list[str]:
    return list(dict.fromkeys(one.name for role in around.roles for one in all_dependencies(role)))
