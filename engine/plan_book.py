"""What a dry run finds out, kept until its end: each call that would change something, and what stays undecided."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from .contract import RenderedFile
from .errors import UsageError
from .journal import ItemDone, NoJournal, Record, StepDone
from .journal_values import Packer
from .loops import scope_of, shown
from .model import Action, Change, Outcome, Status
from .params import secret_fields
from .plain import plain
from .plan_values import Keyer, hidden, sealed
from .promise import Call, PlannedCall, PlannedChange, PlannedStep
from .secrets import Masker
from .state_key import HINT
from .values import Secret, contains_unknown


class Manner(Protocol):
    """How values of a call are kept."""

    def keep(self, value: Any, call: Call, name: str = "") -> Any:
        """`name`: of the argument that it is; empty: it is a part of the change."""
        ...

    def text(self, text: str) -> str: ...


class PlanBook(NoJournal):
    """The journal of a dry run, and its `Promise`. Thread-safe."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, tuple[Call, Change]]] = {}
        self._items: dict[str, dict[str, Outcome]] = {}
        self._ended: dict[str, StepDone] = {}
        self._lock = threading.Lock()

    # -------------------------------------------------------------- what it is told

    def hold(self, call: Call, change: Change) -> None:
        with self._lock:
            self._calls.setdefault(call.step, {})[call.item] = call, change

    def ended(self, step: str, items: frozenset[str], *, skipped: str) -> None:
        pass

    def append(self, record: Record) -> None:
        with self._lock:
            if isinstance(record, StepDone):
                self._ended.setdefault(record.step, record)
            elif isinstance(record, ItemDone):
                self._items.setdefault(record.step, {})[scope_of((record.item, record.same))] = record.outcome

    # -------------------------------------------------------------- what it tells

    def outcome(self, step: str) -> Outcome | None:
        """How a step ended; None: it did not."""
        with self._lock:
            record = self._ended.get(step)
            return record.outcome if record is not None else None

    def steps(self, manner: Manner) -> tuple[PlannedStep, ...]:
        """Steps that would change something or are not decided, in the order in which they ended."""
        found = []
        for step, record in self._ended.items():
            calls = tuple(self._of(step, record, manner))
            if calls:
                found.append(
                    PlannedStep(
                        step=step,
                        host=record.host,
                        task=manner.text(record.task),
                        module=record.module,
                        file=record.file,
                        line=record.line,
                        definition=record.definition,
                        calls=calls,
                    )
                )
        return tuple(found)

    def _of(self, step: str, record: StepDone, manner: Manner) -> Iterator[PlannedCall]:
        calls, items = self._calls.get(step, {}), self._items.get(step, {})
        for item, outcome in items.items() or [("", record.outcome)]:
            value = _item(outcome) if items else None
            told = calls.get(item)
            if told is not None and _counts(told[1]):
                call, change = told
                kept = {
                    name: manner.keep(v, call, name) for name, v in call.arguments.items() if v is not None
                }
                yield PlannedCall(
                    change=planned_change(change, call, manner),
                    item=item,
                    label=manner.text(shown(value)) if items else "",
                    open=contains_unknown(value),
                    changed=change.action is not Action.RUN or outcome.status is not Status.OK,
                    lasting=manner.text(call.lasting(change)),
                    arguments=kept,
                    settings={name: manner.keep(v, call, name) for name, v in call.settings.items()},
                )
            elif told is None and (undecided := _undecided(outcome)) is not None:
                yield PlannedCall(
                    change=PlannedChange(
                        action=undecided.action,
                        resource=manner.text(undecided.resource) if undecided.resource else None,
                        reason=manner.text(undecided.reason),
                    ),
                    item=item,
                    label=manner.text(shown(value)) if items else "",
                    open=contains_unknown(value),
                )


def planned_change(change: Change, call: Call, manner: Manner) -> PlannedChange:
    """A change as the manner keeps it."""
    return PlannedChange(
        action=change.action,
        resource=manner.keep(change.resource, call),
        reason="" if call.secret else manner.text(change.reason),
        before=manner.keep(change.before, call),
        after=manner.keep(change.after, call),
        warnings=tuple(map(manner.text, change.warnings)),
        also=tuple(planned_change(one, call, manner) for one in change.also),
    )


def _counts(change: Change) -> bool:
    return change.action.changes or any(map(_counts, change.also))


def _undecided(outcome: Outcome) -> Change | None:
    return next((change for change in outcome.changes if change.action is Action.UNDECIDED), None)


def _item(outcome: Outcome) -> Any:
    result = outcome.result
    return (
        dict.get(result, str(dict.get(result, "ansible_loop_var", "item")))
        if isinstance(result, dict)
        else None
    )


# ---------------------------------------------------------------- manners


class Keyed:
    """For the plan file: secrets by keyed hash. Raises UsageError for a secret when there is no key."""

    def __init__(self, masker: Masker, keyer: Callable[[], Keyer | None]) -> None:
        self._masker = masker
        self._keyer = keyer

    def keep(self, value: Any, call: Call, name: str = "") -> Any:
        if value is None:
            return value
        secret = secret_texts(call)

        def is_secret(text: str) -> bool:
            return text in secret or self._masker.mask(text) != text

        def hashed(packed: Any) -> str:
            made = self._keyer()
            if made is None:
                raise _no_key(call, name)
            return made(packed)

        return (
            hidden(value, hashed)
            if call.secret or name in secret_names(call)
            else sealed(value, is_secret, hashed)
        )

    def text(self, text: str) -> str:
        return self._masker.mask(text)


class Shown:
    """For who reads it: secrets are masked."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._packer = Packer(masker.mask, planned=True)

    def keep(self, value: Any, call: Call, name: str = "") -> Any:
        if value is None:
            return value
        if call.secret or name in secret_names(call):
            return self._packer.pack(Secret(None, "no_log" if call.secret else "argument"))
        secret = secret_texts(call)
        return self._packer.pack(_boxed(plain(value), secret) if secret else value)

    def text(self, text: str) -> str:
        return self._masker.mask(text)


def _no_key(call: Call, name: str) -> UsageError:
    what = (
        "it has `no_log`"
        if call.secret
        else f"its argument '{name}' is secret"
        if name
        else "it holds a secret"
    )
    return UsageError(
        f"The plan can't be saved: '{call.task}' on {call.host} must not be written down, for {what}, and there is "
        "no key to know it again by",
        hint=HINT,
    )


def secret_names(call: Call) -> frozenset[str]:
    """Names of the arguments that are secret: marked so by the module, or made from a secret."""
    rendered = {n for n, v in call.arguments.items() if isinstance(v, RenderedFile) and v.secret}
    return call.tainted | rendered | {path[0] for path in secret_fields(type(call.params))}


def secret_texts(call: Call) -> frozenset[str]:
    """The texts and numbers in secret arguments: also those that are too short to be masked everywhere."""
    found = [call.arguments.get(name) for name in secret_names(call)]
    return frozenset(_texts([v.text if isinstance(v, RenderedFile) else plain(v) for v in found]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        yield str(value)


def _boxed(value: Any, secret: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _boxed(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_boxed(item, secret) for item in value]
    if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value) in secret:
        return Secret(value, "argument")
    return value
