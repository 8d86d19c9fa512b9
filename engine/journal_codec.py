"""Records to bytes and back: JSON that a person can read, and any plain value survives.

What JSON lacks travels as an object with one key that starts with `$`: `{"$bytes": "aGk="}`. An object whose own
keys could be taken for that travels as `{"$dict": [[key, value], ...]}`. Tuples come back as lists, structs and
dataclasses as dicts. A Secret is never written, only where it came from.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .errors import JournalError
from .journal import (
    EffectDone,
    EffectIntent,
    ItemDone,
    Left,
    Record,
    RunEnded,
    RunHeader,
    StepDone,
    Stop,
)
from .model import AddHost, Change, CustomStats, Directive, FactsOf, Include, IncludeRole, Outcome
from .values import Expression, Secret, SourceFloat, SourceInt, Template, Unknown

Mask = Callable[[str], str]

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()
_LARGEST_INT = 2**63


class Encoder:
    """Makes records into lines of JSON; `mask` goes over every text that can come from outside of the engine."""

    def __init__(self, mask: Mask | None = None) -> None:
        self._data = Packer(mask)
        self._planned = Packer(mask, planned=True)

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
                return replace(record, outcome=self._outcome(record.outcome))
            case EffectIntent():
                planned = tuple(map(self._planned_change, record.planned))
                before, task = data.pack(record.before), data.text(record.task)
                return replace(record, before=before, task=task, planned=planned)
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
            seconds=outcome.seconds,
        )

    def _change(self, change: Change) -> Change:
        return Change(
            action=change.action,
            resource=change.resource,
            before=self._planned.pack(change.before),
            after=self._planned.pack(change.after),
            result=None,  # what the outcome's own result was made from
            reason=self._data.text(change.reason),
            warnings=tuple(map(self._data.text, change.warnings)),
            compared=change.compared,
        )

    def _planned_change(self, change: Change) -> Change:
        return dataclasses.replace(self._change(change), result=self._planned.pack(change.result))

    def _directive(self, directive: Directive) -> Directive:
        if isinstance(directive, FactsOf):
            pack = self._data.pack
            return FactsOf(directive.host, pack(directive.facts), pack(directive.host_facts))
        if isinstance(directive, CustomStats):
            return msgspec.structs.replace(directive, data=self._data.pack(directive.data))
        if isinstance(directive, Include | IncludeRole | AddHost):
            return msgspec.structs.replace(directive, vars=self._data.pack(directive.vars))
        return directive


def decode(body: bytes) -> Record:
    """What `encode` was given. Raises JournalError when it is not one of our records."""
    try:
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
                record, before=_unpack(record.before), planned=tuple(map(_unpacked_change, record.planned))
            )
        case EffectDone():
            return replace(record, result=_unpack(record.result))
        case _:
            return record


def _unpacked_outcome(outcome: Outcome) -> Outcome:
    return dataclasses.replace(
        outcome,
        result=_unpack(outcome.result),
        facts=_unpack(outcome.facts),
        host_facts=_unpack(outcome.host_facts),
        directives=tuple(map(_unpacked_directive, outcome.directives)),
        changes=tuple(map(_unpacked_change, outcome.changes)),
    )


def _unpacked_change(change: Change) -> Change:
    return dataclasses.replace(
        change, before=_unpack(change.before), after=_unpack(change.after), result=_unpack(change.result)
    )


def _unpacked_directive(directive: Directive) -> Directive:
    if isinstance(directive, FactsOf):
        return FactsOf(directive.host, _unpack(directive.facts), _unpack(directive.host_facts))
    if isinstance(directive, CustomStats):
        return msgspec.structs.replace(directive, data=_unpack(directive.data))
    if isinstance(directive, Include | IncludeRole | AddHost):
        return msgspec.structs.replace(directive, vars=_unpack(directive.vars))
    return directive


# ---------------------------------------------------------------- values to JSON types


class Packer:
    """Turns values into JSON types. `planned`: Unknown may stand in it, as in what a change would lead to."""

    def __init__(self, mask: Mask | None, *, planned: bool = False) -> None:
        self._mask = mask
        self._planned = planned
        self._by_type: dict[type, Callable[[Any], Any]] = {
            str: self._str,
            dict: self._mapping,
            list: self._sequence,
            tuple: self._sequence,
            int: _pack_int,
            float: _pack_float,
        }

    def pack(self, value: Any) -> Any:
        if value is None or value is True or value is False:
            return value
        pack = self._by_type.get(type(value))
        return pack(value) if pack else self._rare(value)

    def text(self, value: str) -> str:
        """A field that is text by its type: half characters can't travel and are spelled out."""
        masked = self._mask(value) if self._mask else value
        return masked.encode("utf-8", "backslashreplace").decode()

    def _str(self, value: str) -> Any:
        if self._mask:
            value = self._mask(value)
        if value.isascii() or _is_whole(value):
            return value
        return {"$text": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}

    def _bytes(self, value: bytes) -> bytes:
        if self._mask is None:
            return value
        text = value.decode("utf-8", "surrogateescape")
        masked = self._mask(text)
        return value if masked == text else masked.encode("utf-8", "surrogateescape")

    def _sequence(self, value: Any) -> list[Any]:
        return [self.pack(item) for item in value]

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        packed: dict[str, Any] = {}
        for key, item in value.items():
            name = self._str(key) if type(key) is str else None
            if type(name) is not str or name[:1] == "$":
                return {"$dict": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
            packed[name] = self.pack(item)
        return packed

    def _rare(self, value: Any) -> Any:  # noqa: C901 (one flat list of types)
        match value:
            case Secret():
                return {"$secret": value.origin}
            case Unknown():
                return self._unknown(value)
            case bytes() | bytearray() | memoryview():
                return {"$bytes": base64.b64encode(self._bytes(bytes(value))).decode()}
            case dt.datetime():
                return {"$time": value.isoformat()}
            case dt.date():
                return {"$date": value.isoformat()}
            case set() | frozenset():
                return {"$set": sorted(self._sequence(value), key=_encoder.encode)}
            case enum.Enum():
                return self.pack(value.value)
            case SourceInt():
                return {"$int": [str(int(value)), value.text]}
            case SourceFloat():
                return {"$float": [repr(float(value)), value.text]}
            case str():
                return self._str(str.__str__(value))
            case int():
                return _pack_int(int(value))
            case float():
                return _pack_float(float(value))
            case msgspec.Struct():
                fields = msgspec.structs.asdict(value)
                return self._mapping({k: v for k, v in fields.items() if v is not msgspec.UNSET})
            case Template() | Expression():
                raise _refused(f"operator text that was not rendered ({value.source})")
            case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
                told = (f.name for f in dataclasses.fields(value) if not f.metadata.get("untold"))
                return {name: self.pack(getattr(value, name)) for name in told}
            case Mapping():
                return self._mapping(value)
            case list() | tuple():
                return self._sequence(value)
            case _:
                raise _refused(f"a value of type {type(value).__name__}")

    def _unknown(self, value: Unknown) -> dict[str, str]:
        if not self._planned:
            raise _refused(f"a value that is not known yet ({Unknown.describe(value)})")
        return {"$unknown": Unknown.describe(value)}


def _refused(what: str) -> JournalError:
    return JournalError(
        f"Internal error: {what} can't be kept in the journal.",
        hint="A module's results must be plain data: JSON types, bytes, datetime.",
    )


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pack_int(value: int) -> Any:
    return value if -_LARGEST_INT <= value < _LARGEST_INT else {"$int": [str(value)]}


def _pack_float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": [repr(value)]}


# ---------------------------------------------------------------- and back


def unpack(packed: Any) -> Any:
    """The value that a `Packer` packed. Raises JournalError for a kind of value that this version does not know."""
    return _unpack(packed)


def _unpack(value: Any) -> Any:
    if type(value) is list:
        return [_unpack(item) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((name, content),) = value.items()
        if name[:1] == "$":
            return _untag(name, content)
    return {name: _unpack(item) for name, item in value.items()}


def _untag(name: str, content: Any) -> Any:
    unpack = _UNPACKERS.get(name)
    if unpack is None:
        raise JournalError(f"The journal holds a value of a kind '{name}' that this version does not know.")
    return unpack(content)


def _hashable(value: Any) -> Any:
    if type(value) is list:
        return tuple(map(_hashable, value))
    return _unpack(value)


def _unpack_int(content: list[str]) -> int:
    return SourceInt(int(content[0]), content[1]) if len(content) == 2 else int(content[0])


def _unpack_float(content: list[str]) -> float:
    return SourceFloat(float(content[0]), content[1]) if len(content) == 2 else float(content[0])


def _withheld(origin: str) -> Secret:
    """A secret that was not written: to use it raises, so that nothing goes on with a mask in its place."""
    return Secret(Unknown(f"a secret that the state file does not keep ({origin or 'no name'})"), origin)


_UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "$dict": lambda pairs: {_hashable(key): _unpack(item) for key, item in pairs},
    "$bytes": base64.b64decode,
    "$text": lambda content: base64.b64decode(content).decode("utf-8", "surrogatepass"),
    "$time": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$set": lambda items: set(map(_hashable, items)),
    "$int": _unpack_int,
    "$float": _unpack_float,
    "$secret": _withheld,
    "$unknown": Unknown,
}
