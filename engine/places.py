"""Where a task acts: on the operator's machine, on an instance, or nowhere.

`hosts: web` plus `shell: reboot` must never reboot the laptop: what acts on a host acts here only when the playbook
says that the host is this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .contract import Computation, Module
from .model import NO_VARS, Play, Task
from .scope import VariableScope
from .template import Templates
from .values import OMIT, Secret

LOCAL = "local"
SSM = "ssm"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
WAYS = ("ansible_host", "ansible_connection", "ansible_user", "ansible_port")
"""Variables that say how to reach a host."""


@dataclass(frozen=True, slots=True)
class Spot:
    """The host that a step acts on, and how it gets there."""

    host: str
    connection: str
    """`local`, `ssm`, or empty: no connection is known, so nothing may act on that host."""
    vars: Mapping[str, Any] = field(default_factory=dict)
    """Of another host than the step's own: its variables that say how to reach it."""


def spot_for(task: Task, host: str, scope: VariableScope, templates: Templates) -> Spot:
    """Where a step acts. Raises StepError for a `delegate_to` that can't be rendered.

    As in Ansible, the host's own `ansible_connection` wins over the keyword `connection`, and where a task is
    delegated, the other host's variables lead there.
    """
    delegate = delegated(task, scope, templates)
    if delegate is None:
        return Spot(host, _connection(task, host, scope, scope, templates))
    theirs = _vars_of(delegate, scope)
    way = {"ansible_host": delegate} | {name: theirs[name] for name in WAYS if name in theirs}
    way["ansible_delegated_vars"] = {delegate: {**theirs, "inventory_hostname": host, **way}}
    return Spot(delegate, _connection(task, delegate, theirs, scope, templates), way)


def plays_here(play: Play, host: str, scope: VariableScope, templates: Templates) -> bool:
    """Whether a play reaches its host on the operator's machine."""
    written = scope.get("ansible_connection", None)
    if written is None:
        written = play.connection
    if written is None:
        return host in LOCAL_NAMES
    return str(Secret.reveal(templates.render(written, scope))).removeprefix("ansible.builtin.") == LOCAL


def _vars_of(host: str, scope: VariableScope) -> Mapping[str, Any]:
    """The variables of another host; of one that is not in the inventory nothing is known."""
    hostvars = scope.get("hostvars", None)
    return hostvars[host] if hostvars is not None and host in hostvars else NO_VARS


def delegated(task: Task, scope: VariableScope, templates: Templates) -> str | None:
    """The host that `delegate_to` names; None: the step's own."""
    if task.delegate_to is None:
        return None
    named = Secret.reveal(templates.render(task.delegate_to, scope))
    return None if named is None or named is OMIT or named == "" else str(named)


def _connection(
    task: Task, host: str, theirs: Mapping[str, Any], scope: VariableScope, templates: Templates
) -> str:
    written = task.vars.get("ansible_connection") or theirs.get("ansible_connection", None)
    if written is None and task.connection is not None:
        written = task.connection
    if written is not None:
        return str(Secret.reveal(templates.render(written, scope))).removeprefix("ansible.builtin.")
    return LOCAL if host in LOCAL_NAMES else ""


def no_way(module: Module | Computation, task: str, host: str, connection: str) -> tuple[str, str] | None:
    """Why a module must not act on a host, and what to do about it; None when it may.

    What acts on a host says so by `connections`: the ways there that it knows.
    """
    known: frozenset[str] | None = getattr(module, "connections", None)
    if known is None or connection in known:
        return None
    hint = "Say `delegate_to: localhost` or `connection: local` to run it on this machine"
    hint += ", or `connection: ssm` to run it on the instance." if SSM in known else "."
    if not connection:
        return f"'{task}' would act on host '{host}', and there is no connection to it", hint
    return f"'{task}' would act on host '{host}', and knows no connection '{connection}'", hint
