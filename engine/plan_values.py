"""Values as a plan keeps them: what is not known is marked, a secret is known again by a keyed hash only."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .journal_values import Packer
from .plain import plain
from .template_guard import reveal
from .values import Secret, Unknown, contains_unknown

UNKNOWN, KEYED = "$unknown", "$keyed"
"""The one key of an object that stands for a value that is not known, and for a secret."""

PAIRS = "$dict"
"""That of a mapping with keys that are no plain texts."""

ABSENT = object()
"""No value is there; an empty one (null) counts as none."""

_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Keyer:
    """Makes keyed hashes of secrets."""

    key: bytes

    def __call__(self, packed: Any) -> str:
        """The hash of a value that `opened` made."""
        return hmac.new(self.key, _encoder.encode(packed), "sha256").hexdigest()


def opened(value: Any) -> Any:
    """A value as JSON types, its secrets in clear: for comparing, never to be kept."""
    return _open.pack(_plain(value))


def sealed(value: Any, is_secret: Callable[[str], bool], keyer: Callable[[Any], str]) -> Any:
    """A value as JSON types, with hashes in the place of boxes, and of texts and numbers that are secret."""
    return _Sealer(is_secret, keyer).pack(_plain(value))


def hidden(value: Any, keyer: Callable[[Any], str]) -> Any:
    """A value of which only a hash may be kept; where a part is not known, one of each part."""
    data = _plain(value)
    if not contains_unknown(data):
        return None if data is None else {KEYED: keyer(opened(data))}
    return _Sealer(lambda _text: True, keyer).pack(data)


class _Opener(Packer):
    def _rare(self, value: Any) -> Any:
        return self.pack(_plain(reveal(value))) if isinstance(value, Secret) else super()._rare(value)


_open = _Opener(None, planned=True)


class _Sealer(Packer):
    def __init__(self, is_secret: Callable[[str], bool], keyer: Callable[[Any], str]) -> None:
        super().__init__(None, planned=True)
        self._is_secret = is_secret
        self._keyer = keyer
        self._by_type[int] = self._by_type[float] = self._number

    def _hashed(self, value: Any) -> dict[str, str]:
        return {KEYED: self._keyer(opened(value))}

    def _str(self, value: str) -> Any:
        return self._hashed(value) if self._is_secret(value) else super()._str(value)

    def _unknown(self, value: Unknown) -> dict[str, str]:
        why = Unknown.describe(value)
        return {UNKNOWN: "a value of a secret name" if self._is_secret(why) else why}

    def _number(self, value: Any) -> Any:
        return self._hashed(value) if self._is_secret(str(value)) else opened(value)

    def _rare(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return self._hashed(value)
        if isinstance(value, bytes) and self._is_secret(value.decode("utf-8", "surrogateescape")):
            return self._hashed(value)
        return super()._rare(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, Secret) else plain(value)


# ---------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not as it was planned."""

    path: str
    planned: Any
    """As the plan keeps it."""
    now: Any
    """With secrets in clear: to be masked before it is shown."""


def differences(planned: Any, now: Any, keyer: Callable[[Any], str], path: str = "") -> Iterator[Difference]:
    """Where `now` (of `opened`) is not as planned. Where the plan holds something not known, any value passes."""
    mark = _mark(planned)
    if mark == UNKNOWN:
        return
    if mark == KEYED:
        if now is ABSENT or not hmac.compare_digest(str(planned[KEYED]), keyer(now)):
            yield Difference(path, planned, now)
    elif mark == PAIRS and isinstance(now, dict):
        yield from _pairs(planned[PAIRS], now, keyer, path)
    elif isinstance(planned, dict) and isinstance(now, dict) and not mark and not _mark(now):
        for name in [*planned, *(name for name in now if name not in planned)]:
            below = f"{path}.{name}" if path else str(name)
            yield from differences(planned.get(name, ABSENT), now.get(name, ABSENT), keyer, below)
    elif isinstance(planned, list) and isinstance(now, list) and len(planned) == len(now):
        for number, (one, other) in enumerate(zip(planned, now, strict=True)):
            yield from differences(one, other, keyer, f"{path}[{number}]")
    elif not _same(planned, now):
        yield Difference(path, planned, now)


def _pairs(
    planned: Sequence[Any], now: Mapping[str, Any], keyer: Callable[[Any], str], path: str
) -> Iterator[Difference]:
    """Of a mapping with keys that are no plain texts, or secret."""
    left = list(now[PAIRS] if _mark(now) == PAIRS else now.items())
    for key, value in planned:
        found = next((pair for pair in left if not any(differences(key, pair[0], keyer))), None)
        if found is None:
            yield Difference(path, planned=value, now=ABSENT)
            continue
        left.remove(found)
        yield from differences(value, found[1], keyer, path)
    yield from (Difference(path, ABSENT, value) for _, value in left)


def _mark(value: Any) -> str:
    """The one key of an object that stands for something else."""
    if isinstance(value, dict) and len(value) == 1:
        (name,) = value
        if isinstance(name, str) and name.startswith("$"):
            return name
    return ""


def _same(planned: Any, now: Any) -> bool:
    one, other = (None if value is ABSENT else value for value in (planned, now))
    # 1, 1.0 and true are equal in Python only
    return type(one) is type(other) and bool(one == other)
