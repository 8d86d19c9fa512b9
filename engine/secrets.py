"""The second net under `Secret`: known secret texts are masked wherever they turn up.

The first net is the box itself (`values.Secret`), which the template room keeps around everything that is made
from a secret. Text that left the box (a command's output, an error of a service) is caught here.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from .template_guard import reveal
from .values import DERIVED, MASK, Secret, Unknown

T = TypeVar("T")

SHORTEST = 4
"""Characters. Shorter texts turn up everywhere by chance: only their boxes are masked."""

SHORTEST_LINE = 8
"""Characters of a line of a longer secret (a private key) that is masked on its own."""


class Masker:
    """Masks the secrets that it was told of. Threads may share it.

    Tell it sources (a vault's values, a parameter marked secret) and texts that were made from them. A mapping that
    is only tainted as a whole would make its harmless parts unreadable everywhere.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: Any) -> None:
        """Mask this value from now on; of a mapping or list, each value in it."""
        plain = reveal(value)
        if type(plain) is str and plain in self._texts:
            return
        with self._lock:
            new = set(_texts(plain)) - self._texts
            if not new:
                return
            self._texts |= new
            self._forms |= {form for text in new for form in _forms(text)}
            self._pattern = None

    def add_boxes(self, value: Any) -> None:
        """Mask the secrets that stand in it, if there are any; not those that were only made from a secret."""
        for box in boxes(value):
            if box.origin != DERIVED:
                self.add(box)

    def add_made(self, box: Secret, source: str) -> None:
        """Mask a text that an expression made from a secret, unless the operator wrote it in clear there
        (`'large' if token else 'small'`)."""
        text = Secret.reveal(box)
        if isinstance(text, str) and text.strip() not in source:
            self.add(text)

    def mask(self, text: str) -> str:
        """The text with every known secret in it masked."""
        if not self._forms:
            return text
        pattern = self._pattern or self._compiled()
        return pattern.sub(MASK, text)

    def _compiled(self) -> re.Pattern[str]:
        """Compiled when it is asked for: secrets come in bunches."""
        with self._lock:
            # The longest first, or the raw form would leave the rest of a quoted one.
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            made = self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            return made

    def mask_data(self, data: T) -> T:
        """The same data with boxes and known texts masked, keys included; the same object when nothing was.

        Unknown stays as it is. Structs and dataclasses keep their type.
        """
        masked: T = self._masked(data)
        return masked

    def _masked(self, data: Any) -> Any:
        kind = type(data)
        if kind is str:
            return self.mask(data)
        if kind is Secret:
            return MASK
        if kind in _SAFE:
            return data
        if isinstance(data, str):
            return self.mask(str(data))
        if isinstance(data, bytes):
            text = data.decode("utf-8", "surrogateescape")
            masked = self.mask(text)
            return data if masked == text else masked.encode("utf-8", "surrogateescape")
        if isinstance(data, Mapping):
            made = {self._masked(key): self._masked(value) for key, value in data.items()}
            same = all(key in data and data[key] is value for key, value in made.items())
            return data if same and len(made) == len(data) else made
        if isinstance(data, list | tuple | set | frozenset):
            return self._items(data)
        return self._struct(data)

    def _items(self, data: Any) -> Any:
        items = list(data)
        masked = [self._masked(item) for item in items]
        if all(new is old for new, old in zip(masked, items, strict=True)):
            return data
        return tuple(masked) if isinstance(data, tuple) else masked

    def _struct(self, data: Any) -> Any:
        if isinstance(data, msgspec.Struct):
            names: Iterable[str] = data.__struct_fields__
        elif dataclasses.is_dataclass(data) and not isinstance(data, type):
            names = [field.name for field in dataclasses.fields(data)]
        else:
            return data
        old = {name: getattr(data, name) for name in names}
        new = {name: self._masked(value) for name, value in old.items()}
        changed = {name: value for name, value in new.items() if value is not old[name]}
        if not changed:
            return data
        if isinstance(data, msgspec.Struct):
            return msgspec.structs.replace(data, **changed)
        return dataclasses.replace(data, **changed)


_SAFE = frozenset({int, float, bool, type(None), Unknown})
_ATOMS = frozenset({str, int, float, bool, type(None), bytes})


def secret_paths(value: Any) -> frozenset[tuple[str | int, ...]]:
    """Where in nested data the secrets stand: keys and list positions from the outside in."""
    return frozenset(_paths(value))


def _paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, Secret):
        yield ()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ((key, *path) for path in _paths(item))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from ((number, *path) for path in _paths(item))


def boxes(value: Any) -> Iterator[Secret]:
    """The secrets that stand in plain containers."""
    kind = type(value)
    if kind is Secret:
        yield value
    elif kind is dict:
        for item in value.values():
            if type(item) not in _ATOMS:
                yield from boxes(item)
    elif kind is list or kind is tuple:
        for item in value:
            if type(item) not in _ATOMS:
                yield from boxes(item)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in it that is long enough to be masked wherever it stands."""
    if isinstance(value, bool | Unknown):
        return
    if isinstance(value, bytes):
        yield from _masked_texts(value.decode("utf-8", "replace"))
    elif isinstance(value, str | int | float):
        yield from _masked_texts(str(value))
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (text for item in value for text in _texts(item))


def _masked_texts(text: str) -> Iterator[str]:
    stripped = text.strip()
    if len(stripped) >= SHORTEST:
        yield text
        yield stripped
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= SHORTEST_LINE)


def _forms(text: str) -> Iterator[str]:
    """The forms in which a text travels: as it is, in JSON, in a URL, in a shell line, in HTML, in base64."""
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    plain = text.encode("utf-8", "surrogatepass")
    yield quote(plain)
    yield quote(plain, safe="")
    yield quote_plus(plain)
    yield shlex.quote(text)
    yield text.replace("'", "'\"'\"'")  # inside of a longer quoted word
    yield html.escape(text)
    for start in range(3):
        yield from _base64(plain, start)


def _base64(plain: bytes, start: int) -> Iterator[str]:
    """What is always there when base64 carries the text after `start` (modulo 3) other bytes."""
    padded = b"\0" * start + plain
    whole = base64.b64encode(padded).decode().rstrip("=")
    first = (start * 8 + 5) // 6
    last = len(padded) * 8 // 6
    inner = whole[first:last]
    if len(inner) >= SHORTEST:
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
