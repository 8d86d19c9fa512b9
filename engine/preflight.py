"""What is checked after loading and before anything is run: that we may act where the playbook wants us to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .contract import ClientFactory, Identity, Target
from .errors import Failed, LoadError, Problem, StepError
from .model import Block, Node, Play, Task
from .places import SSM, no_way, spot_for
from .registry import Registry
from .scope import VariableScope
from .targets import Targets
from .template import Templates
from .values import UnknownValue

Scoped: TypeAlias = tuple[Play, Sequence[tuple[str, VariableScope]]]
"""A play with its hosts and what each knows before the first task."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An account and Region that the run will act in."""

    target: Target
    identity: Identity | None


def calls_of(play: Play) -> Iterator[Task]:
    """All tasks and handlers of a play whose modules are known before the run."""
    return (task for task in tasks_of((*play.tasks, *play.handlers)) if task.module_template is None)


def tasks_of(nodes: Sequence[Node]) -> Iterator[Task]:
    """All tasks below some nodes, in the order they are written."""
    for node in nodes:
        if isinstance(node, Block):
            for section in (node.body, node.rescue, node.always):
                yield from tasks_of(section)
        else:
            yield node


def check_places(plays: Sequence[Scoped], registry: Registry, templates: Templates) -> None:
    """Refuse tasks that would act on a host that there is no way to. Raises LoadError with all of them."""
    problems: list[Problem] = []
    for play, hosts in plays:
        known: dict[Hashable, tuple[str, str] | None] = {}  # a play may have thousands of hosts and of tasks
        for task in calls_of(play):
            module = registry.get(task.module)
            if not hasattr(module, "connections") or task.ignore_unreachable:
                continue
            key = (task.module, task.delegate_to, task.connection)
            if key not in known:
                known[key] = _no_way(task, hosts, registry, templates)
            refused = known[key]
            if refused is not None:
                problems.append(Problem(refused[0], task.position, refused[1]))
    if problems:
        raise LoadError(problems)


def _no_way(
    task: Task,
    hosts: Sequence[tuple[str, VariableScope]],
    registry: Registry,
    templates: Templates,
) -> tuple[str, str] | None:
    """The first host that the task must not act on, and what to do about it."""
    module = registry.get(task.module)
    for host, scope in hosts:
        connection = _connection(task, host, scope, templates)
        refused = None if connection is None else no_way(module, task.module, host, connection)
        if refused is not None:
            return refused
    return None


def _connection(task: Task, host: str, scope: VariableScope, templates: Templates) -> str | None:
    """None: it depends on something that the run will bring; the step itself looks again."""
    try:
        return spot_for(task, host, scope, templates).connection
    except (StepError, UnknownValue):
        return None


def destinations(
    plays: Sequence[Scoped],
    registry: Registry,
    templates: Templates,
    targets: Targets,
    clients: Callable[[], ClientFactory],
) -> list[Destination]:
    """Where the run's calls go, each asked once who we are. Raises CredentialsError before anything is run."""
    found: dict[Target, Destination] = {}
    for play, hosts in plays:
        tasks = list(calls_of(play))
        always = {id(task.aws): task.aws for task in tasks if needs_aws(registry, task)}
        travelling = [task for task in tasks if _may_travel(registry, task)]
        for host, scope in hosts:
            asked = dict(always)
            for (
                task
            ) in travelling:  # a command that travels to its host through Systems Manager asks AWS, too
                if id(task.aws) not in asked and _connection(task, host, scope, templates) == SSM:
                    asked[id(task.aws)] = task.aws
            for written in asked.values():
                target = _target(play, written, scope, templates, targets)
                if target is not None and target not in found:
                    found[target] = Destination(target, clients().identify(target))
    return list(found.values())


def needs_aws(registry: Registry, task: Task) -> bool:
    """Whether the task's module asks AWS for anything."""
    return asks_aws(registry.get(task.module))


def asks_aws(module: Any) -> bool:
    """Whether a module asks AWS for anything: it names the IAM actions for that."""
    permissions = getattr(module, "permissions", None)
    return permissions is not None and bool(permissions.read or permissions.write)


def _may_travel(registry: Registry, task: Task) -> bool:
    return SSM in getattr(registry.get(task.module), "connections", ())


def _target(
    play: Play, task_aws: Any, scope: VariableScope, templates: Templates, targets: Targets
) -> Target | None:
    """None: the settings depend on something that the run will bring."""
    try:
        layers = [
            templates.render(task_aws, scope),
            templates.render(play.aws, scope),
            scope.get("aws", None),
        ]
    except (StepError, UnknownValue):
        return None
    try:
        return targets.target(*layers)
    except Failed as error:
        raise LoadError([Problem(error.message, play.position, error.hint)]) from error
