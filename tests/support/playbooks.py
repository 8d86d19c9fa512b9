"""Playbooks as they are loaded: what a test asks of them."""

from __future__ import annotations

from collections.abc import Callable

from runbook.model import Block, Play, Playbook, Task

Load = Callable[..., Playbook]
"""Writes files (the first text is the playbook) and loads them: the fixture `load`."""


def tasks(play: Play) -> list[Task]:
    """All tasks of a play in the order in which they stand."""

    def flat(nodes: tuple[Task | Block, ...]) -> list[Task]:
        found: list[Task] = []
        for node in nodes:
            found += flat((*node.body, *node.rescue, *node.always)) if isinstance(node, Block) else [node]
        return found

    return flat(play.tasks)
