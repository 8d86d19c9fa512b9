"""Loops: the identity of their items, and what their outcomes come to together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

import msgspec

from .errors import Position, TemplateError
from .model import Include, IncludeRole, Loop, Outcome, Status, Value
from .outcomes import UnknownResult
from .plain import plain
from .scope import VariableScope
from .template import Templates
from .values import Expression, Secret, Unknown

ItemKey: TypeAlias = tuple[str, int]
"""A digest of an item's text, and how many equal items stand before it."""


def loop_items(loop: Loop, at: Position, templates: Templates, scope: VariableScope) -> list[Any] | Unknown:
    """What a loop goes over. Raises StepError when it can't be rendered, or is no list."""
    if loop.lookup is not None:
        return looked_up(loop.lookup, loop.items, templates, scope)
    items = Secret.reveal(templates.render(loop.items, scope))
    if isinstance(items, list | Unknown):
        return items
    if isinstance(items, tuple):
        return list(items)
    raise TemplateError(
        f"The `loop` value must resolve to a 'list', not '{type(items).__name__}'.",
        position=at,
        hint="Loop over a mapping with `| dict2items`." if isinstance(items, Mapping) else None,
    )


def looked_up(name: str, written: Value, templates: Templates, scope: VariableScope) -> list[Any] | Unknown:
    """The items of `with_NAME`: what the lookup of that name makes of its terms."""
    terms = templates.render(written, scope)
    if isinstance(Secret.reveal(terms), Unknown):
        return cast(Unknown, Secret.reveal(terms))
    if name == "items":
        return flat(Secret.reveal(terms))
    if name == "list":
        opened = Secret.reveal(terms)
        return opened if isinstance(opened, list) else [opened]
    call = _QUERY_ALL if isinstance(terms, list) else _QUERY_ONE
    found = templates.evaluate(call, scope.child({_NAME: name, _TERMS: terms}))
    return cast("list[Any] | Unknown", Secret.reveal(found))


_NAME, _TERMS = "runbook_lookup", "runbook_terms"
_QUERY_ALL = Expression(f"query({_NAME}, *{_TERMS})")
_QUERY_ONE = Expression(f"query({_NAME}, {_TERMS})")


def flat(items: Any) -> list[Any]:
    """`with_items`: an item that is a list stands for its own items; a single value is a list of one."""
    outer = items if isinstance(items, list | tuple) else [items]
    return [inner for item in outer for inner in (item if isinstance(item, list | tuple) else [item])]


def extended(items: Sequence[Any], number: int, *, all_items: bool) -> dict[str, Any]:
    """`ansible_loop` of one item: where it stands among them all."""
    length = len(items)
    told: dict[str, Any] = {
        "index": number + 1,
        "index0": number,
        "first": number == 0,
        "last": number + 1 == length,
        "length": length,
        "revindex": length - number,
        "revindex0": length - number - 1,
    }
    if all_items:
        told["allitems"] = list(items)
    if number + 1 < length:
        told["nextitem"] = items[number + 1]
    if number:
        told["previtem"] = items[number - 1]
    return told


def no_items() -> Outcome:
    """Of a loop over nothing."""
    result = {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}
    return Outcome(status=Status.SKIPPED, result=result)


def together(ended: Sequence[Outcome]) -> Outcome:
    """The outcome of a whole loop, of the outcomes of its items."""
    failed = any(o.status is Status.FAILED for o in ended)
    skipped = all(o.status is Status.SKIPPED for o in ended)
    lost = any(o.status is Status.UNREACHABLE for o in ended)
    status = (
        Status.UNREACHABLE
        if lost
        else Status.FAILED
        if failed
        else Status.CHANGED
        if any(o.status is Status.CHANGED for o in ended)
        else Status.SKIPPED
        if skipped
        else Status.OK
    )
    result: dict[str, Any] = {
        "results": [outcome.result for outcome in ended],
        "changed": _any_changed(ended),
        "skipped": skipped,
        "msg": _COMPLETED[status],
    }
    if failed:
        result["failed"] = True
    if lost:
        result["unreachable"] = True
    facts: dict[str, Any] = {}
    host_facts: dict[str, Any] = {}
    for outcome in ended:
        facts.update(outcome.facts)
        host_facts.update(outcome.host_facts)
    return Outcome(
        status=status,
        result=result,
        changes=tuple(change for o in ended for change in o.changes),
        facts={} if failed else facts,
        host_facts={} if failed else host_facts,
        notified=() if failed else tuple(dict.fromkeys(name for o in ended for name in o.notified)),
        may_notify=tuple(dict.fromkeys(name for o in ended for name in o.may_notify)),
        directives=() if failed else tuple(d for o in ended for d in o.directives),
        ignored=(failed or lost) and all(o.ignored for o in ended if o.status in _LOST),
    )


_LOST = frozenset({Status.FAILED, Status.UNREACHABLE})

_COMPLETED = {
    Status.UNREACHABLE: "All items completed",
    Status.OK: "All items completed",
    Status.CHANGED: "All items completed",
    Status.SKIPPED: "All items skipped",
    Status.FAILED: "One or more items failed",
}


def _any_changed(ended: Sequence[Outcome]) -> bool | Unknown:
    """Whether an item changed something; Unknown when only the run can tell."""
    told = [Secret.reveal(outcome.result.get("changed", False)) for outcome in ended]
    if any(isinstance(changed, bool) and changed for changed in told):
        return True
    return next((changed for changed in told if isinstance(changed, Unknown)), False)


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
    opened = Secret.reveal(value)
    return Unknown.describe(opened) if isinstance(opened, Unknown) else str(opened)


def shown(label: Any) -> str:
    """A loop item in a line of text."""
    if isinstance(label, str):
        return label
    return json.dumps(
        plain(label), default=lambda v: "(known after apply)" if isinstance(v, Unknown) else str(v)
    )


def in_loop(outcome: Outcome, names: Mapping[str, Any], key: ItemKey) -> Outcome:
    """The outcome of an item: its result tells the item, and an include that it asks for carries it along."""
    outcome = replace(outcome, result=with_item(outcome.result, names))
    if not outcome.directives:
        return outcome
    item = scope_of(key)
    directives = tuple(
        msgspec.structs.replace(d, vars=dict(names), item=item) if isinstance(d, Include | IncludeRole) else d
        for d in outcome.directives
    )
    result = outcome.result
    if isinstance(directives[0], Include | IncludeRole):
        result = {name: value for name, value in result.items() if name != "changed"}
    return replace(outcome, directives=directives, result=result)


def with_item(result: Mapping[str, Any], names: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result with the item's own variables. What only the run can tell of it stays that way."""
    if isinstance(result, UnknownResult):
        return UnknownResult(result.why, {**result, **names})
    return {**result, **names}


def scope_of(key: ItemKey) -> str:
    """An item in the identity of its effects and includes."""
    return f"{key[0]}.{key[1]}"
