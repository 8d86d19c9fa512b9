"""Who wrote which field of which resource: pure folds over recorded changes.

Undo goes by the first writer of a field, which knows what was there before the run; drift and verification by the
last one: a field that a later step wrote says nothing of the earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from .model import Action, Change
from .plain import plain
from .values import MASK, Secret, Unknown

K = TypeVar("K")

Path: TypeAlias = tuple[str, ...]
"""A field by the names that lead to it; `()` is the resource itself: whether it is there."""

EXISTS: Path = ()


class Missing:
    """Stands for a field that is not there."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


# ---------------------------------------------------------------- one change


def settled(change: Change) -> Change:
    """The change as plain data, as modules' `undo` gets it: what was not known when it was planned is None."""
    return replace(change, before=_settled(plain(change.before)), after=_settled(plain(change.after)))


def _settled(value: Any) -> Any:
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        return {key: _settled(item) for key, item in value.items()}
    return list(map(_settled, value)) if isinstance(value, list) else value


def leaves(state: Any) -> dict[Path, Any]:
    """The fields of a state, those of mappings in it one by one."""
    found: dict[Path, Any] = {}
    _collect(plain(state), (), found)
    return found


def _collect(value: Any, path: Path, found: dict[Path, Any]) -> None:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            _collect(item, (*path, str(key)), found)
    elif path:
        found[path] = value


def touched(change: Change) -> frozenset[Path]:
    """The fields that it writes. Making or removing a resource writes all of them, and that it is there."""
    old, new = leaves(change.before), leaves(change.after)
    if change.before is None or change.after is None:
        return frozenset({EXISTS, *old, *new})
    return frozenset(
        path for path in {**old, **new} if not _equal(old.get(path, MISSING), new.get(path, MISSING))
    )


def _equal(one: Any, other: Any) -> bool:
    """Whether a field is as it was; of secrets nobody knows."""
    if isinstance(one, Unknown | Missing) or isinstance(other, Unknown | Missing):
        return type(one) is type(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Secret) or isinstance(other, Secret):
        return False
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def alike(recorded: Any, now: Any) -> bool:
    """Whether a value is still the one that was recorded. What was not known, or not to be written down, may be
    anything; so may what was not told of an item of a list."""
    if isinstance(recorded, Unknown | Secret):
        return True
    if isinstance(recorded, str | bytes) and _is_masked(recorded):
        return True
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return all(alike(value, now.get(key, MISSING)) for key, value in recorded.items())
    if isinstance(recorded, list) and isinstance(now, list):
        return len(recorded) == len(now) and all(map(_alike_item, recorded, now))
    return bool(recorded == now) or (_is_nothing(recorded) and _is_nothing(now))


def _is_nothing(value: Any) -> bool:
    """Services tell what is empty as they like: as an empty text, an empty list, or not at all."""
    return value is None or (isinstance(value, str | bytes | list | dict) and not value)


def _alike_item(recorded: Any, now: Any) -> bool:
    if isinstance(recorded, Mapping):
        recorded = {key: value for key, value in recorded.items() if not _is_untold(value)}
    return alike(recorded, now)


def _is_untold(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _is_masked(text: str | bytes) -> bool:
    return MASK in text if isinstance(text, str) else MASK.encode() in text


def narrowed(change: Change, paths: frozenset[Path]) -> Change:
    """The change as if it had written these fields only."""
    return replace(change, after=_mixed(plain(change.before), plain(change.after), paths, ()))


def _mixed(old: Any, new: Any, paths: frozenset[Path], path: Path) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and (old or new):
        made = {}
        for key in {**old, **new}:
            value = _mixed(old.get(key, MISSING), new.get(key, MISSING), paths, (*path, str(key)))
            if value is not MISSING:
                made[key] = value
        return made
    return new if any(one[: len(path)] == path for one in paths) else old


# ---------------------------------------------------------------- many


def take_back(changes: Sequence[tuple[K, Change]], passing: Collection[str] = ()) -> list[tuple[K, Change]]:
    """What takes all changes of one resource back, the first to be taken back first: each field once, by the change
    that wrote it first. What was made is removed, whatever happened to it afterwards.

    passing: fields that follow from others, or change by themselves.
    """
    (key, first), (_, last) = changes[0], changes[-1]
    if first.before is None:
        return [] if last.after is None else [(key, replace(first, also=()))]
    if any(change.after is None for _, change in changes[:-1]):
        return list(reversed(changes))  # it went and came again
    known: set[Path] = set()
    found = []
    for key, change in changes:
        new = frozenset(one for one in touched(change) - known if not one or one[0] not in passing)
        known |= new
        if new:
            found.append((key, narrowed(change, new) if change.after is not None else change))
    return found[::-1]


def last_writers(changes: Iterable[tuple[K, Change]]) -> dict[Path, tuple[K, Any]]:
    """Of each field of one resource: who wrote it last, and what."""
    found: dict[Path, tuple[K, Any]] = {}
    for key, change in changes:
        written = touched(change)
        if EXISTS in written:
            found = {}
        values = leaves(change.after)
        for path in sorted(written, key=str):
            there = change.after is not None
            found[path] = key, there if path == EXISTS else values.get(path, MISSING)
    return found


def net(changes: Iterable[Change]) -> dict[Path, tuple[Any, Any]]:
    """What many changes of one resource come to: fields that are not as they were, with what was and what is."""
    changes = list(changes)
    before, after = changes[0].before, changes[-1].after
    if before is None or after is None:
        return {} if before is after else {EXISTS: (before is not None, after is not None)}
    old = leaves(before)
    for change in changes[1:]:
        old = {**leaves(change.before), **old}
    new = {path: value for path, (_, value) in last_writers(enumerate(changes)).items()}
    told = {path: (old.get(path, MISSING), value) for path, value in new.items()}
    return {path: pair for path, pair in told.items() if not alike(pair[1], pair[0])}


def by_field(change: Change) -> bool:
    """Whether a change is told field by field, and not only that something ran."""
    return change.action in (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
