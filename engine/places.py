"""Where a task acts: on the operator's machine, on an instance, or nowhere.

`hosts: web` plus `shell: reboot` must never reboot the laptop: what acts on a host acts here only when the playbook
says that the host is this machine.
"""

from __future__ import annotations

from .contract import Computation, Module
from .model import Play, Task
from .scope import VariableScope
from .template import Templates

LOCAL = "local"
SSM = "ssm"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def connection_for(task: Task, play: Play, host: str, scope: VariableScope, templates: Templates) -> str:
    """`local`, `ssm`, or empty: no connection is known, so nothing may act on that host."""
    delegate = templates.render(task.delegate_to, scope) if task.delegate_to is not None else None
    if delegate in LOCAL_NAMES:
        return LOCAL
    if delegate is not None and delegate != host:
        return ""  # the connection written here leads to `host`, not to another one
    for written in (task.connection, play.connection, scope.get("ansible_connection", None)):
        if written is not None:
            return str(templates.render(written, scope))
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
