"""`runbook inventory --graph`: the tree of groups and hosts, as `ansible-inventory` draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import UsageError, nearest
from .inventory_text import ALL
from .inventory_view import View
from .values import MASK, Vaulted


def as_graph(view: View, group: str | None = None, *, variables: bool = False) -> str:
    """`@group:` with its children, then its hosts below; `variables` adds those of hosts and groups.

    Raises UsageError when there is no such group.
    """
    top = ALL if group is None else group
    tree = view.inventory.tree
    if top not in tree:
        raise UsageError(
            f"The inventory has no group '{top}'", hint=nearest(top, tree) or f"Groups: {', '.join(tree)}."
        )
    return "\n".join(_group(view, top, 0, variables))


def _group(view: View, name: str, depth: int, variables: bool) -> Iterator[str]:
    yield _line(f"@{name}:", depth)
    group = view.inventory.tree[name]
    for child in group.children:
        yield from _group(view, child, depth + 1, variables)
    for host in group.hosts:
        yield _line(host, depth + 1)
        if variables:
            yield from _vars(view.of_host(host), depth + 2)
    if variables:
        yield from _vars(view.of_group(name), depth + 1)


def _vars(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name in sorted(values):
        yield _line(f"{{{name} = {_hidden(values[name])}}}", depth)


def _hidden(value: Any) -> Any:
    """Encrypted text is of no use in a tree."""
    if isinstance(value, Vaulted):
        return MASK
    if isinstance(value, Mapping):
        return {name: _hidden(item) for name, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value


def _line(text: str, depth: int) -> str:
    return f"{'  |' * depth}--{text}" if depth else text
