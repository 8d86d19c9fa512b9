"""Loops: the identity of their items, and what their outcomes come to together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import msgspec

from .model import Include, Outcome, Status
from .plain import plain
from .values import Secret, Unknown

ItemKey: TypeAlias = tuple[str, int]
"""A digest of an item's text, and how many equal items stand before it."""


def flat(items: Any) -> list[Any]:
    """`with_items`: an item that is a list stands for its own items; a single value is a list of one."""
    outer = items if isinstance(items, list | tuple) else [items]
    return [inner for item in outer for inner in (item if isinstance(item, list | tuple) else [item])]


def together(outcomes: Sequence[tuple[Any, Outcome]], loop_var: str) -> Outcome:
    """The outcome of a whole loop."""
    ended = [outcome for _, outcome in outcomes]
    results = [{**outcome.result, loop_var: item, "ansible_loop_var": loop_var} for item, outcome in outcomes]
    failed = any(o.status is Status.FAILED for o in ended)
    changed = any(o.status is Status.CHANGED for o in ended)
    skipped = all(o.status is Status.SKIPPED for o in ended)
    result: dict[str, Any] = {"results": results, "changed": changed, "failed": failed}
    if skipped:
        result["skipped"] = True
    result["msg"] = "One or more items failed" if failed else "All items completed"
    if not ended:
        result |= {"skipped": True, "skip_reason": "No items in the list"}
    facts: dict[str, Any] = {}
    for outcome in ended:
        facts.update(outcome.facts)
    status = (
        Status.FAILED if failed else Status.CHANGED if changed else Status.SKIPPED if skipped else Status.OK
    )
    return Outcome(
        status=status,
        result=result,
        changes=tuple(change for o in ended for change in o.changes),
        facts=facts,
        notified=tuple(dict.fromkeys(name for o in ended for name in o.notified)),
        directives=tuple(d for o in ended for d in o.directives),
        ignored=failed and all(o.ignored for o in ended if o.status is Status.FAILED),
    )


def item_keys(items: Sequence[Any]) -> list[ItemKey]:
    """The identity of each item within its loop: a digest of its text, and how many equal ones stand before."""
    seen: dict[str, int] = {}
    keys: list[ItemKey] = []
    for item in items:
        text = json.dumps(plain(item), sort_keys=True, default=_opaque)
        mark = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        keys.append((mark, seen.get(mark, 0)))
        seen[mark] = keys[-1][1] + 1
    return keys


def _opaque(value: object) -> str:
    return Unknown.describe(value) if isinstance(value, Unknown) else str(Secret.reveal(value))


def shown(label: Any) -> str:
    """A loop item in a line of text."""
    if isinstance(label, str):
        return label
    return json.dumps(
        plain(label), default=lambda v: "(known after apply)" if isinstance(v, Unknown) else str(v)
    )


def in_loop(outcome: Outcome, names: Mapping[str, Any], key: ItemKey) -> Outcome:
    """The outcome of an item; an include that it asks for carries the item's variables."""
    if not outcome.directives:
        return outcome
    item = scope_of(key)
    directives = tuple(
        msgspec.structs.replace(d, vars=dict(names), item=item) if isinstance(d, Include) else d
        for d in outcome.directives
    )
    return replace(outcome, directives=directives)


def scope_of(key: ItemKey) -> str:
    """An item in the identity of its effects and includes."""
    return f"{key[0]}.{key[1]}"
