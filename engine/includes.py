"""What includes bring into a running play: read once for all hosts, however many come by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .handlers import Handlers
from .loader_call import Catalog
from .loader_included import Brought, Place, load_role, load_tasks
from .loader_names import rendered
from .model import Include, IncludeRole, Node, Value
from .scope import VariableScope
from .template import Templates
from .values import Template
from .variables import Surroundings
from .walk import Slot


@dataclass(slots=True, kw_only=True)
class Includes:
    """The files and roles that tasks of one play include."""

    catalog: Catalog
    templates: Templates
    roles_path: Sequence[str]
    playbook: str
    """The file of the play."""
    around: Surroundings
    handlers: Handlers
    _brought: dict[tuple[object, ...], Brought] = field(default_factory=dict)
    _joined: set[tuple[object, ...]] = field(default_factory=set)

    def nodes(self, slot: Slot, include: Include | IncludeRole, scope: VariableScope) -> tuple[Node, ...]:
        """The nodes to go on with; handlers and roles that come with them have joined the play.

        Raises LoadError.
        """
        key = (slot.task.identity, slot.frame.handler, _key(include))
        brought = self._brought.get(key)
        if brought is None:
            brought = self._brought[key] = self._read(slot, include, scope)
        place = (slot.frame.chain, include.item, key)
        if place not in self._joined:
            self._joined.add(place)
            params = {**slot.frame.vars, **slot.task.params, **include.vars}
            self.handlers.add(brought.handlers, params)
            for role in brought.roles:
                self.around.publish(role)
        return brought.nodes

    def _read(self, slot: Slot, include: Include | IncludeRole, scope: VariableScope) -> Brought:
        def known(
            value: Template, above: Sequence[Mapping[str, Value]], below: Sequence[Mapping[str, Value]]
        ) -> Any:
            own: dict[str, Value] = {}
            for layer in reversed([*above, *below]):
                own.update(layer)
            return rendered(value, self.templates, scope.child(own))

        place = Place(
            self.playbook, self.catalog, self.roles_path, known, slot.frame.handler, self.templates.vault
        )
        if isinstance(include, Include):
            return load_tasks(include.file, slot.task, place)
        return load_role(include, slot.task, place)


def _key(include: Include | IncludeRole) -> tuple[object, ...]:
    if isinstance(include, Include):
        return (include.file,)
    return (
        include.name, include.tasks_from, include.handlers_from, include.vars_from, include.defaults_from,
        include.public, include.allow_duplicates, include.validate,
    )  # fmt: skip
