"""Records to bytes and back, as lines of JSON (`journal_values` says how values travel)."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from .called import Called
from .ending import Left, Stop
from .errors import JournalError
from .journal import (
    EffectDone,
    EffectIntent,
    ItemDone,
    Record,
    RunEnded,
    RunHeader,
    StepDone,
)
from .journal_values import Mask, Open, Packer, SealUp, unpack, unsealed
from .model import AddHost, Change, CustomStats, Directive, FactsOf, Include, IncludeRole, Outcome
from .template_guard import reveal
from .values import Secret

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


class Encoder:
    """Makes records into lines of JSON; `mask` goes over every text that can come from outside of the engine, and
    `seal` seals the secrets in them."""

    def __init__(self, mask: Mask | None = None, seal: SealUp | None = None) -> None:
        self._data = Packer(mask, seal=seal)
        self._planned = Packer(mask, planned=True, seal=seal)
        self._bare = Packer(None, seal=seal)

    def encode(self, record: Record) -> bytes:
        """Raises JournalError for values that must not or can't be kept."""
        try:
            return _encoder.encode(self._packed(record))
        except RecursionError as error:
            raise JournalError(
                "Internal error: a result that holds itself can't be kept in the journal."
            ) from error

    def _packed(self, record: Record) -> Record:
        replace = msgspec.structs.replace
        data = self._data
        match record:
            case StepDone():
                return replace(record, task=data.text(record.task), outcome=self._outcome(record.outcome))
            case ItemDone():
                label = data.text(record.label)
                return replace(record, outcome=self._outcome(record.outcome), label=label)
            case EffectIntent():
                planned = tuple(map(self._planned_change, record.planned))
                before, task = data.pack(record.before), data.text(record.task)
                called = self._called(record.called)
                return replace(record, before=before, task=task, planned=planned, called=called)
            case EffectDone():
                error = record.error if record.error is None else data.text(record.error)
                return replace(record, result=data.pack(record.result), error=error)
            case RunHeader():
                return replace(record, argv=tuple(map(data.text, record.argv)))
            case RunEnded():
                return replace(
                    record, stops=tuple(map(self._stop, record.stops)), left=self._left(record.left)
                )
            case _:
                return record

    def _stop(self, stop: Stop) -> Stop:
        text = self._data.text
        told = {"message": text(stop.message), "hint": text(stop.hint), "task": text(stop.task)}
        return msgspec.structs.replace(stop, **told)

    def _left(self, left: Left | None) -> Left | None:
        if left is None:
            return None
        return msgspec.structs.replace(left, names=tuple(map(self._data.text, left.names)))

    def _outcome(self, outcome: Outcome) -> Outcome:
        pack = self._data.pack
        return Outcome(
            status=outcome.status,
            result=self._planned.pack(
                outcome.result
            ),  # a task may have been planned only: `check_mode: true`
            changes=tuple(map(self._change, outcome.changes)),
            facts=pack(outcome.facts),
            host_facts=pack(outcome.host_facts),
            notified=outcome.notified,
            directives=tuple(map(self._directive, outcome.directives)),
            ignored=outcome.ignored,
            hint=self._data.text(outcome.hint),
            arguments=self._planned.pack(outcome.arguments),
            seconds=outcome.seconds,
        )

    def _change(self, change: Change) -> Change:
        return Change(
            action=change.action,
            resource=change.resource and self._data.text(change.resource),
            before=self._planned.pack(change.before),
            after=self._planned.pack(change.after),
            result=None,  # what the outcome's own result was made from
            reason=self._data.text(change.reason),
            warnings=tuple(map(self._data.text, change.warnings)),
            compared=change.compared,
        )

    def _planned_change(self, change: Change) -> Change:
        return dataclasses.replace(self._change(change), result=self._planned.pack(change.result))

    def _called(self, called: Called | None) -> Called | None:
        if called is None:
            return None
        arguments = {name: self._argument(value) for name, value in called.arguments.items()}
        aws = {name: self._argument(value) for name, value in called.aws.items()}
        return msgspec.structs.replace(called, arguments=arguments, aws=aws)

    def _argument(self, value: Any) -> Any:
        """One that a secret is in is a secret as a whole: a mask in its place would name another thing."""
        try:
            masked = self._data.pack(value)
        except JournalError:
            return self._data.pack(Secret(None, "a value that can't be written down"))
        if self._bare.pack(value) == masked:
            return masked
        return self._data.pack(Secret(reveal(value), "argument"))

    def _directive(self, directive: Directive) -> Directive:
        if isinstance(directive, FactsOf):
            pack = self._data.pack
            return FactsOf(directive.host, pack(directive.facts), pack(directive.host_facts))
        if isinstance(directive, CustomStats):
            return msgspec.structs.replace(directive, data=self._data.pack(directive.data))
        if isinstance(directive, Include | IncludeRole | AddHost):
            return msgspec.structs.replace(directive, vars=self._data.pack(directive.vars))
        return directive


def decode(body: bytes, open_: Open | None = None) -> Record:
    """What `encode` was given; `open_` opens the secrets in it. Raises JournalError when it is not one of our
    records."""
    try:
        if open_ is not None and b'"$sealed"' in body:
            body = _encoder.encode(unsealed(msgspec.json.decode(body), open_))
        record = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise JournalError(f"A record of the journal can't be read: {error}.") from error
    return _unpacked(record) if b'"$' in body else record


def _unpacked(record: Record) -> Record:
    replace = msgspec.structs.replace
    match record:
        case StepDone() | ItemDone():
            return replace(record, outcome=_unpacked_outcome(record.outcome))
        case EffectIntent():
            return replace(
                record,
                before=unpack(record.before),
                planned=tuple(map(_unpacked_change, record.planned)),
                called=_unpacked_called(record.called),
            )
        case EffectDone():
            return replace(record, result=unpack(record.result))
        case _:
            return record


def _unpacked_called(called: Called | None) -> Called | None:
    if called is None:
        return None
    return msgspec.structs.replace(called, arguments=unpack(called.arguments), aws=unpack(called.aws))


def _unpacked_outcome(outcome: Outcome) -> Outcome:
    return dataclasses.replace(
        outcome,
        result=unpack(outcome.result),
        arguments=unpack(outcome.arguments),
        facts=unpack(outcome.facts),
        host_facts=unpack(outcome.host_facts),
        directives=tuple(map(_unpacked_directive, outcome.directives)),
        changes=tuple(map(_unpacked_change, outcome.changes)),
    )


def _unpacked_change(change: Change) -> Change:
    return dataclasses.replace(
        change, before=unpack(change.before), after=unpack(change.after), result=unpack(change.result)
    )


def _unpacked_directive(directive: Directive) -> Directive:
    if isinstance(directive, FactsOf):
        return FactsOf(directive.host, unpack(directive.facts), unpack(directive.host_facts))
    if isinstance(directive, CustomStats):
        return msgspec.structs.replace(directive, data=unpack(directive.data))
    if isinstance(directive, Include | IncludeRole | AddHost):
        return msgspec.structs.replace(directive, vars=unpack(directive.vars))
    return directive
