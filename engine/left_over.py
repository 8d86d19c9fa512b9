"""What a run that ended early had not begun: from the playbook as it is written, and how far each host came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .ending import Left
from .model import Block, Node, Play, Task
from .scheduler import Lane
from .tags import Tags
from .task_names import shown_name
from .walk import Order

NAMED = 3
"""How many tasks, and how many hosts, are named."""

META = "meta"

Written: TypeAlias = Sequence[tuple[Order, Task]]


def written(nodes: Sequence[Node], order: Order = (0,)) -> Iterator[tuple[Order, Task]]:
    """The tasks of a play where `walk` meets them when nothing goes wrong."""
    for index, node in enumerate(nodes):
        at = (*order, index)
        if isinstance(node, Task):
            yield at, node
        else:
            yield from _in_block(node, at)


def _in_block(block: Block, at: Order) -> Iterator[tuple[Order, Task]]:
    yield from written(block.body, (*at, 0))
    yield from written(block.always, (*at, 2))


@dataclass(slots=True)
class LeftOver:
    """Learns how far the hosts came, play by play."""

    tags: Tags
    _written: dict[str, Written] = field(default_factory=dict)
    _left: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    """Of a play and a host that began it: which of the play's tasks it had not begun, by their places."""
    _over: set[str] = field(default_factory=set)
    """Plays that came to their end."""

    def note(self, play: Play, lanes: Mapping[str, Lane], *, over: bool) -> None:
        """A batch of the play ended, well or not. `over`: and the play with it, whoever is left."""
        for host, lane in lanes.items():
            self._left[play.identity, host] = self._behind(play, lane)
        if over:
            self._over.add(play.identity)

    def _behind(self, play: Play, lane: Lane) -> frozenset[int]:
        if lane.slot is None and not lane.failed:
            return frozenset()
        waits = lane.slot is not None and not lane.running  # for its turn with the task that it came to
        return frozenset(
            number
            for number, (order, _) in enumerate(self._tasks(play))
            if order > lane.reached or (waits and order == lane.reached)
        )

    def _tasks(self, play: Play) -> Written:
        if play.identity not in self._written:
            self._written[play.identity] = [
                (order, task)
                for order, task in written(play.tasks)
                if not task.implicit and task.module != META and self.tags.select(task)
            ]
        return self._written[play.identity]

    def tell(self, plays: Iterable[tuple[Play, Sequence[str]]]) -> Left | None:
        """All plays of the playbook with their hosts. None: nothing is left."""
        names: list[str] = []
        hosts: dict[str, None] = {}
        for play, every in plays:
            tasks = self._tasks(play)
            places: set[int] = set()
            for host in every if tasks else ():
                left = self._left.get((play.identity, host))
                if left is None:
                    left = frozenset() if play.identity in self._over else frozenset(range(len(tasks)))
                if left:
                    places |= left
                    hosts[host] = None
            names += [shown_name(tasks[place][1]) for place in sorted(places)]
        if not names:
            return None
        return Left(
            tasks=len(names), names=tuple(names[:NAMED]), hosts=tuple(hosts)[:NAMED], of_hosts=len(hosts)
        )
