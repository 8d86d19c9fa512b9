"""Filters on lists and mappings. Items that can't be hashed are compared; order is kept."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .template_guard import Missing, type_name
from .values import NeedsPlain, Secret, Unknown, UnknownValue

_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


class _Seen:
    """Values met so far; hashed where they can be."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._hashed: set[Any] = set()
        self._others: list[Any] = []
        for item in items:
            self.add(item)

    def add(self, item: Any) -> bool:
        """Whether it is new."""
        if item in self:
            return False
        try:
            self._hashed.add(item)
        except TypeError:
            self._others.append(item)
        return True

    def __contains__(self, item: Any) -> bool:
        try:
            return item in self._hashed
        except TypeError:
            return item in self._others


def unique(items: Iterable[Any], case_sensitive: bool = False, attribute: str | None = None) -> list[Any]:
    seen = _Seen()

    def key(item: Any) -> Any:
        value = item[attribute] if attribute else item
        return value if case_sensitive or not isinstance(value, str) else value.lower()

    return [item for item in items if seen.add(key(item))]


def union(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    return _as_a_set(unique([*left, *right], case_sensitive=True))


def intersect(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    seen = _Seen(right)
    return _as_a_set([item for item in unique(left, case_sensitive=True) if item in seen])


def difference(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    seen = _Seen(right)
    return _as_a_set([item for item in unique(left, case_sensitive=True) if item not in seen])


def symmetric_difference(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    left, right = list(left), list(right)
    return _as_a_set([*difference(left, right), *difference(right, left)])


def _as_a_set(items: list[Any]) -> list[Any]:
    """Whole numbers in the order that Ansible gives them, which is a set's; all else in the order it was in."""
    return list(set(items)) if all(type(item) is int for item in items) else items


def flatten(items: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    flat: list[Any] = []
    for item in items:
        if levels != 0:
            _must_show(item, (list, tuple))
        if isinstance(item, list | tuple) and levels != 0:
            flat.extend(flatten(item, None if levels is None else levels - 1, skip_nulls))
        elif not (skip_nulls and _is_null(item)):
            flat.append(item)
    return flat


def _is_null(item: Any) -> bool:
    """Ansible takes these words for nothing, too."""
    return item is None or (type(item) is str and item in ("None", "null"))


def _must_show(item: Any, kinds: tuple[type, ...]) -> None:
    """These filters move items about, but what they do depends on whether one is of a kind: then it must show."""
    if isinstance(item, Unknown):
        raise UnknownValue(item)
    if isinstance(item, Secret) and isinstance(Secret.reveal(item), kinds):
        raise NeedsPlain


def combine(*mappings: Any, recursive: bool = False, list_merge: str = "replace") -> Any:
    """Later ones win; `recursive` merges mappings inside, `list_merge` says what becomes of two lists."""
    if list_merge not in _MERGES:
        raise ValueError(f"'list_merge' argument can only be equal to one of {', '.join(map(repr, _MERGES))}")
    given = flatten(mappings, levels=1)
    if len(given) == 1:
        return given[0]  # whatever it is: there is nothing to combine it with
    made: dict[Any, Any] = {}
    for mapping in given:
        _must_show(mapping, (Mapping,))
        if not isinstance(mapping, Mapping):
            raise ValueError(  # noqa: TRY004 (the operator's mistake)
                "failed to combine variables, expected dicts but got a "
                + " and a ".join(f"'{type_name(one)}'" for one in (*given[:1], mapping)[-2:])
            )
        made = _merged(made, mapping, recursive, list_merge)
    return made


def _merged(
    base: Mapping[Any, Any], over: Mapping[Any, Any], recursive: bool, list_merge: str
) -> dict[Any, Any]:
    made = dict(base)
    for key, new in over.items():
        old = made.get(key)
        if key in made and (recursive or list_merge != "replace"):
            _must_show(old, (Mapping, list))
            _must_show(new, (Mapping, list))
        if recursive and isinstance(old, Mapping) and isinstance(new, Mapping):
            made[key] = _merged(old, new, recursive, list_merge)
        elif key in made and isinstance(old, list) and isinstance(new, list):
            made[key] = _merged_lists(old, new, list_merge)
        else:
            made[key] = new
    return made


def _merged_lists(old: list[Any], new: list[Any], how: str) -> list[Any]:
    match how:
        case "keep":
            return old
        case "append":
            return old + new
        case "prepend":
            return new + old
        case "append_rp":
            return [item for item in old if item not in new] + new
        case "prepend_rp":
            return new + [item for item in old if item not in new]
    return new


def dict2items(mapping: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(mapping, Mapping):
        raise ValueError(f"dict2items requires a dictionary, got {type(mapping)} instead")  # noqa: TRY004
    return [{key_name: key, value_name: value} for key, value in mapping.items()]


def items2dict(items: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
        raise ValueError(f"items2dict requires a list, got {type(items)} instead")  # noqa: TRY004
    made: dict[Any, Any] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise ValueError(f"items2dict requires a list of dictionaries, got {items!r} instead")  # noqa: TRY004
        if not {key_name, value_name} <= item.keys():
            raise ValueError(
                "items2dict requires each dictionary in the list to contain the keys "
                f"'{key_name}' and '{value_name}', got {items!r} instead"
            )
        made[item[key_name]] = item[value_name]
    return made


def extract(key: Any, container: Any, morekeys: Any = None) -> Any:
    """What is in there; a missing value, which `default` accepts, when it is not."""
    value = container
    for step in (key, *(morekeys if isinstance(morekeys, list) else () if morekeys is None else (morekeys,))):
        try:
            value = value[step]
        except (TypeError, LookupError):
            return Missing(obj=value, name=step)
    return value


def subelements(items: Any, path: Any, skip_missing: bool = False) -> list[list[Any]]:
    if not isinstance(path, str | list | tuple):
        raise ValueError("subelements must be a list or a string")  # noqa: TRY004 (the operator's mistake)
    steps = path.split(".") if isinstance(path, str) else list(path)
    listed = list(items.values()) if isinstance(items, Mapping) else items
    if not isinstance(listed, list | tuple):
        raise ValueError("obj must be a list of dicts or a nested dict")  # noqa: TRY004 (the operator's mistake)
    return [[item, sub] for item in listed for sub in _within(item, steps, skip_missing)]


def _within(item: Any, steps: list[Any], skip_missing: bool) -> Any:
    """The list at the end of a path into one item. Raises ValueError."""
    found: Any = item
    for step in steps:
        if not isinstance(found, Mapping):
            raise ValueError(f"the key {step} should point to a dictionary, got '{found}'")  # noqa: TRY004
        if step not in found:
            if skip_missing:
                return []
            raise ValueError(f"could not find '{step}' key in iterated item {found!r}")
        found = found[step]
    if not isinstance(found, list | tuple):
        raise ValueError(f"the key '{steps[-1]}' should point to a list, got {found!r}")  # noqa: TRY004
    return found


def rekey_on_member(items: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    if duplicates not in ("error", "overwrite"):
        raise ValueError(
            f"duplicates parameter to rekey_on_member has unknown value '{duplicates}'; "
            "it is error or overwrite"
        )
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise ValueError("Type is not a valid list, set, or dict")  # noqa: TRY004 (the operator's mistake)
    made: dict[Any, Any] = {}
    for item in items.values() if isinstance(items, Mapping) else items:
        if not isinstance(item, Mapping):
            raise ValueError("List item is not a valid dict")  # noqa: TRY004 (the operator's mistake)
        if key not in item:
            raise ValueError(f"Key '{key}' was not found.")
        if item[key] in made and duplicates == "error":
            raise ValueError(f"Key {item[key]} is not unique, cannot convert to dict.")
        made[item[key]] = item
    return made


def shuffle(items: Any, seed: Any = None) -> Any:
    if not isinstance(items, Iterable):
        return items
    made = list(items)
    random.Random(seed).shuffle(made)  # noqa: S311 (an order, not a secret)
    return made


def zipped(*lists: Iterable[Any], strict: bool = False) -> list[tuple[Any, ...]]:
    return list(zip(*lists, strict=strict))


def product(*lists: Iterable[Any], repeat: int = 1) -> list[tuple[Any, ...]]:
    return list(itertools.product(*lists, repeat=repeat))


def combinations(items: Iterable[Any], set_size: int) -> list[tuple[Any, ...]]:
    return list(itertools.combinations(items, set_size))


def permutations(items: Iterable[Any], list_size: int | None = None) -> list[tuple[Any, ...]]:
    return list(itertools.permutations(items, list_size))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "combinations": combinations,
    "combine": combine,
    "dict2items": dict2items,
    "difference": difference,
    "extract": extract,
    "flatten": flatten,
    "intersect": intersect,
    "items2dict": items2dict,
    "permutations": permutations,
    "product": product,
    "rekey_on_member": rekey_on_member,
    "shuffle": shuffle,
    "subelements": subelements,
    "symmetric_difference": symmetric_difference,
    "union": union,
    "unique": unique,
    "zip": zipped,
    "zip_longest": lambda *lists, fillvalue=None: list(itertools.zip_longest(*lists, fillvalue=fillvalue)),
}
