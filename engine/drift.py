"""What differs from what a playbook declares: pure, from a dry run's changes, each field by who writes it last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .journal import StepDone
from .model import Action, Change
from .preflight import asks_aws
from .promise import Call
from .writers import EXISTS, MISSING, Path, by_field, last_writers, net


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A field that is not as declared."""

    resource: str
    path: Path
    """`()`: whether it is there at all."""
    there: Any
    declared: Any
    call: Call
    """Who declares it."""

    @property
    def field(self) -> str:
        return ".".join(self.path)

    @property
    def missing(self) -> bool:
        """It should be there."""
        return self.path == EXISTS and not self.there


def drift_of(held: Iterable[tuple[Call, Change]], find: Callable[[str], Any]) -> Iterator[Drift]:
    """All that differs. Commands, and what only runs, declare nothing."""
    found: dict[tuple[str, str], list[tuple[Call, Change]]] = {}
    for call, change in held:
        for one in (change, *change.also):
            if by_field(one):
                found.setdefault(_place(call, one, find), []).append((call, one))
    for (_, resource), changes in found.items():
        last = last_writers(changes)
        passing = {name for call, _ in changes for name in getattr(find(call.module), "passing", ())}
        for path, (there, declared) in sorted(net(change for _, change in changes).items()):
            if path and path[0] in passing:
                continue
            call = last[path][0] if path in last else changes[-1][0]
            if call.secret:
                there = declared = "(hidden)"
            yield Drift(resource=resource, path=path, there=there, declared=declared, call=call)


def _place(call: Call, change: Change, find: Callable[[str], Any]) -> tuple[str, str]:
    """The world that a resource is in, and its name; a step that names none is one of its own."""
    aws = call.settings.get("aws") if asks_aws(find(call.module)) else None
    where = json.dumps(aws, sort_keys=True, default=str) if isinstance(aws, Mapping) else ""
    if change.resource is None:
        return f"{where} {call.step} {call.item}", f"{call.task} ({call.host})"
    return where, change.resource


def undecided(ended: Iterable[StepDone]) -> Iterator[StepDone]:
    """Steps that only the run can decide: nothing can be said of what they declare."""
    for record in ended:
        if any(change.action is Action.UNDECIDED for change in record.outcome.changes):
            yield record


def told(drift: Drift, shown: Callable[[Any], str]) -> str:
    """One line for people."""
    if drift.path == EXISTS:
        return "is not there" if drift.missing else "is there, and is to be absent"
    return (
        f"{drift.field}: {_value(drift.declared, shown)} is declared, {_value(drift.there, shown)} is there"
    )


def _value(value: Any, shown: Callable[[Any], str]) -> str:
    return "nothing" if value is MISSING else shown(value)
