"""Whether what tasks of a play notify is there: told before the run, as far as it can be known then."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from .errors import nearest
from .loader_reuse import INCLUDES
from .loader_session import Session
from .model import Block, Node
from .values import Template
from .yamlfile import Entry


def check_notified(
    session: Session, handlers: Sequence[Node], section: Entry | None, tasks: Sequence[Node]
) -> None:
    """Warn of plain names that no handler has: the task fails when it changes something."""
    names = _handler_names(handlers)
    if names is None or _includes(tasks) or any(file.torn for file in session.files):
        return
    names |= _written_names(section.node if section else None)
    for file, entry in session.notified:
        nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
        for node in nodes:
            name = file.value(node)
            if isinstance(name, str) and name not in names:
                hint = nearest(name, names) or "Handlers stand under 'handlers:' of the play."
                file.warn(f"This play has no handler '{name}'", node, hint)


def _includes(nodes: Sequence[Node]) -> bool:
    """Whether something is included in the run, which may bring handlers."""
    return any(
        _includes((*node.body, *node.rescue, *node.always))
        if isinstance(node, Block)
        else node.module in INCLUDES
        for node in nodes
    )


def _handler_names(handlers: Sequence[Node]) -> set[str] | None:
    """Names that can be notified; None when some are known only in the run."""
    names: set[str] = set()
    for node in handlers:
        if isinstance(node, Block):
            inner = _handler_names((*node.body, *node.rescue, *node.always))
            if inner is None:
                return None
            names |= inner
        elif isinstance(node.name, Template) or node.module in INCLUDES:
            return None
        else:
            names.update(node.listen)
            if node.name is not None:
                names |= {node.name, *([f"{node.role.name} : {node.name}"] if node.role else [])}
    return names


def _written_names(node: yaml.Node | None) -> set[str]:
    """Names of handlers as they are written, those that could not be read included."""
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    pairs = [pair for item in items if isinstance(item, yaml.MappingNode) for pair in item.value]
    return {
        value.value
        for key, value in pairs
        if key.value in ("name", "listen") and isinstance(value.value, str)
    }
