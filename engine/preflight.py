"""What is checked after loading and before anything is run: that we may act where the playbook wants us to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contract import ClientFactory, Identity, Target
from .errors import LoadError, Problem, StepError
from .model import Block, Node, Play, Task
from .places import SSM, connection_for, no_way
from .registry import Registry
from .scope import VariableScope
from .targets import Targets
from .template import Templates
from .values import Secret, UnknownValue


@dataclass(frozen=True, slots=True)
class Destination:
    """An account and Region that the run will act in."""

    target: Target
    identity: Identity | None


def tasks_of(nodes: Sequence[Node]) -> Iterator[Task]:
    """All tasks below some nodes, in the order they are written."""
    for node in nodes:
        if isinstance(node, Block):
            for section in (node.body, node.rescue, node.always):
                yield from tasks_of(section)
        else:
            yield node


def check_places(
    plays: Sequence[tuple[Play, Sequence[tuple[str, VariableScope]]]],
    registry: Registry,
    templates: Templates,
) -> None:
    """Refuse tasks that would act on a host that there is no way to. Raises LoadError with all of them."""
    problems: list[Problem] = []
    for play, hosts in plays:
        for task in tasks_of((*play.tasks, *play.handlers)):
            problems.extend(_unplaced(task, play, hosts, registry, templates))
    if problems:
        raise LoadError(problems)


def _unplaced(
    task: Task,
    play: Play,
    hosts: Sequence[tuple[str, VariableScope]],
    registry: Registry,
    templates: Templates,
) -> Iterator[Problem]:
    module = registry.get(task.module)
    for host, scope in hosts:
        try:
            connection = connection_for(task, play, host, scope, templates)
        except (StepError, UnknownValue):
            continue  # depends on something the run will bring; the step itself looks again
        refused = no_way(module, task.module, host, connection)
        if refused is not None:
            yield Problem(refused[0], task.position, refused[1])
            return


def destinations(
    plays: Sequence[tuple[Play, Sequence[tuple[str, VariableScope]]]],
    registry: Registry,
    templates: Templates,
    targets: Targets,
    clients: Callable[[], ClientFactory],
) -> list[Destination]:
    """Where the run's calls go, each asked once who we are. Raises CredentialsError before anything is run."""
    found: dict[Target, Destination] = {}
    for play, hosts in plays:
        tasks = list(tasks_of((*play.tasks, *play.handlers)))
        for host, scope in hosts:
            asking = [t for t in tasks if _asks_aws(t, play, host, scope, registry, templates)]
            for written in {id(t.aws): t.aws for t in asking}.values():
                target = _target(play.aws, written, scope, templates, targets)
                if target is not None and target not in found:
                    found[target] = Destination(target, clients().identify(target))
    return list(found.values())


def needs_aws(registry: Registry, task: Task) -> bool:
    """Whether the task's module asks AWS for anything."""
    permissions = getattr(registry.get(task.module), "permissions", None)
    return permissions is not None and bool(permissions.read or permissions.write)


def _asks_aws(
    task: Task, play: Play, host: str, scope: VariableScope, registry: Registry, templates: Templates
) -> bool:
    """As `needs_aws`; a command that travels to its host through Systems Manager asks AWS, too."""
    if needs_aws(registry, task):
        return True
    if SSM not in getattr(registry.get(task.module), "connections", ()):
        return False
    try:
        return connection_for(task, play, host, scope, templates) == SSM
    except (StepError, UnknownValue):
        return False


def _target(
    play_aws: Any, task_aws: Any, scope: VariableScope, templates: Templates, targets: Targets
) -> Target | None:
    try:
        layers: list[Mapping[str, Any] | None] = [
            Secret.reveal(templates.render(task_aws, scope)),
            Secret.reveal(templates.render(play_aws, scope)),
            Secret.reveal(scope.get("aws", None)),
        ]
        return targets.target(*layers)
    except (StepError, UnknownValue) as error:
        if isinstance(error, StepError) and "aws:" in error.message:
            raise LoadError([Problem(error.message, hint=error.hint)]) from error
        return None
