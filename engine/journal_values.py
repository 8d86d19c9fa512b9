"""Values to JSON types and back: what a person can read, and any plain value survives.

What JSON lacks travels as an object with one key that starts with `$`: `{"$bytes": "aGk="}`. An object whose own
keys could be taken for that travels as `{"$dict": [[key, value], ...]}`. Tuples come back as lists, structs and
dataclasses as dicts. A Secret is never written in clear: sealed where there is a key, else only where it came from.
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
from .template_guard import reveal
from .values import Expression, Secret, SourceFloat, SourceInt, Template, Unknown, contains_unknown

Mask = Callable[[str], str]
SealUp = Callable[[bytes, str], str]
"""Of plain bytes and what they are about: the text that `Open` opens."""
Open = Callable[[str, str], bytes | None]
"""Of a sealed text and what it is about: the plain bytes; None: that takes another key."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()
_LARGEST_INT = 2**63

WITHHELD = "a secret that the state file does not keep"
LOCKED = "a secret that the state file keeps sealed with another key"


class Packer:
    """Turns values into JSON types. `planned`: Unknown may stand in it, as in what a change would lead to. `seal`
    seals secrets; None: only their origin is told."""

    def __init__(self, mask: Mask | None, *, planned: bool = False, seal: SealUp | None = None) -> None:
        self._mask = mask
        self._planned = planned
        self._seal = seal
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
                return self._secret(value)
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

    def _secret(self, value: Secret) -> dict[str, Any]:
        inner = reveal(value)
        if self._seal is None or contains_unknown(inner):
            return {"$secret": value.origin}
        plain = _encoder.encode(Packer(None).pack(inner))
        return {"$sealed": [value.origin, self._seal(plain, value.origin)]}

    def _unknown(self, value: Unknown) -> dict[str, str]:
        if not self._planned:
            raise _refused(f"a value that is not known yet ({Unknown.describe(value)})")
        return {"$unknown": self.text(Unknown.describe(value))}


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


def unpack(value: Any) -> Any:
    """The value that a `Packer` packed. Raises JournalError for a kind of value that this version does not know."""
    if type(value) is list:
        return [unpack(item) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((name, content),) = value.items()
        if name[:1] == "$":
            return _untag(name, content)
    return {name: unpack(item) for name, item in value.items()}


def _untag(name: str, content: Any) -> Any:
    unpack = _UNPACKERS.get(name)
    if unpack is None:
        raise JournalError(f"The journal holds a value of a kind '{name}' that this version does not know.")
    return unpack(content)


def _hashable(value: Any) -> Any:
    if type(value) is list:
        return tuple(map(_hashable, value))
    return unpack(value)


def _unpack_int(content: list[str]) -> int:
    return SourceInt(int(content[0]), content[1]) if len(content) == 2 else int(content[0])


def _unpack_float(content: list[str]) -> float:
    return SourceFloat(float(content[0]), content[1]) if len(content) == 2 else float(content[0])


def _withheld(origin: str) -> Secret:
    """A secret that was not written: to use it raises, so that nothing goes on with a mask in its place."""
    return Secret(Unknown(f"{WITHHELD} ({origin or 'no name'})"), origin)


def _unopened(content: list[str]) -> Secret:
    origin, _ = content
    return Secret(Unknown(f"{LOCKED} ({origin or 'no name'})"), origin)


def _opened(content: list[Any]) -> Secret:
    origin, inner = content
    return Secret(unpack(inner), origin)


def unsealed(packed: Any, open_: Open) -> Any:
    """Packed data with what is sealed in it opened, as far as that can be."""
    if type(packed) is list:
        return [unsealed(item, open_) for item in packed]
    if type(packed) is not dict:
        return packed
    sealed = packed.get("$sealed") if len(packed) == 1 else None
    if sealed is None:
        return {name: unsealed(item, open_) for name, item in packed.items()}
    origin, text = sealed
    plain = open_(text, origin)
    return packed if plain is None else {"$opened": [origin, _decoder.decode(plain)]}


_UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "$dict": lambda pairs: {_hashable(key): unpack(item) for key, item in pairs},
    "$bytes": base64.b64decode,
    "$text": lambda content: base64.b64decode(content).decode("utf-8", "surrogatepass"),
    "$time": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$set": lambda items: set(map(_hashable, items)),
    "$int": _unpack_int,
    "$float": _unpack_float,
    "$secret": _withheld,
    "$sealed": _unopened,
    "$opened": _opened,
    "$unknown": Unknown,
}
