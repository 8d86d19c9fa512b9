"""Arguments held against a specification in Ansible's language: types, choices, and what goes together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._argument_types import TYPES

Spec = Mapping[str, Any]


def errors_of(spec: Spec, given: Mapping[str, Any]) -> list[str]:
    """All that is wrong with the arguments, in Ansible's words and order."""
    unknown: list[str] = []
    found = list(_level(spec, {}, dict(given), (), unknown))
    return [*found, *unknown]


def _level(
    spec: Spec, rules: Mapping[str, Any], values: dict[str, Any], path: tuple[str, ...], unknown: list[str]
) -> Iterator[str]:
    """One mapping of arguments. `rules`: what stands beside `options` in the option that they belong to."""
    place = f" found in {' -> '.join(path)}" if path else ""
    _unsupported(spec, values, path, unknown)
    _take_aliases(spec, values)
    for name, option in spec.items():
        if name not in values and option.get("default") is not None:
            values[name] = option["default"]
    exclusive = [group for group in _groups(rules, "mutually_exclusive") if _count(group, values) > 1]
    if exclusive:
        yield f"parameters are mutually exclusive: {', '.join('|'.join(group) for group in exclusive)}{place}"
    missing = sorted(name for name, option in spec.items() if option.get("required") and name not in values)
    if missing:
        yield f"missing required arguments: {', '.join(missing)}{place}"
    for name, option in spec.items():
        yield from _typed(name, option, values, path)
    for name, option in spec.items():
        yield from (f"{error}{place}" for error in _chosen(name, option, values))
    yield from (f"{error}{place}" for error in _together(rules, values))
    for name, option in spec.items():
        yield from _inner(name, option, values, path, unknown)


# ---------------------------------------------------------------- names


def _unsupported(spec: Spec, values: Mapping[str, Any], path: tuple[str, ...], unknown: list[str]) -> None:
    aliases = sorted(alias for option in spec.values() for alias in option.get("aliases") or ())
    strange = sorted(".".join((*path, name)) for name in values if name not in spec and name not in aliases)
    if strange:
        also = f" ({', '.join(aliases)})" if aliases else ""
        known = ", ".join(sorted(spec))
        unknown.append(f"{', '.join(strange)}. Supported parameters include: {known}{also}.")


def _take_aliases(spec: Spec, values: dict[str, Any]) -> None:
    for name, option in spec.items():
        for alias in option.get("aliases") or ():
            if alias in values:
                values[name] = values[alias]


# ---------------------------------------------------------------- one argument


def _typed(name: str, option: Spec, values: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    value = values.get(name)
    if name not in values or (value is None and not option.get("required") and option.get("default") is None):
        return
    place = f" found in '{' -> '.join(path)}'." if path else ""
    wanted = option.get("type") or "str"
    try:
        values[name] = _converted(value, wanted)
    except (TypeError, ValueError) as error:
        kind = _kind(value)
        yield f"argument '{name}' is of type {kind}{place} and we were unable to convert to {wanted}: {error}"
        return
    element = option.get("elements")
    if element and wanted == "list":
        made = []
        for one in values[name]:
            try:
                made.append(_converted(one, element))
            except (TypeError, ValueError) as error:
                yield (
                    f"Elements value for option '{name}'{place} is of type {_kind(one)}"
                    f" and we were unable to convert to {element}: {error}"
                )
                made.append(one)
        values[name] = made


def _converted(value: Any, wanted: str) -> Any:
    if wanted not in TYPES:
        raise TypeError("there is no such type")
    return TYPES[wanted](value)


def _kind(value: Any) -> str:
    return "NoneType" if value is None else type(value).__name__


def _chosen(name: str, option: Spec, values: Mapping[str, Any]) -> Iterator[str]:
    choices = option.get("choices")
    if choices is None or name not in values or (values[name] is None and option.get("default") is None):
        return
    value, listed = values[name], ", ".join(map(str, choices))
    if isinstance(value, list):
        strange = [str(one) for one in value if one not in choices]
        if strange:
            yield f"value of {name} must be one or more of: {listed}. Got no match for: {', '.join(strange)}"
    elif value not in choices:
        yield f"value of {name} must be one of: {listed}, got: {value}"


# ---------------------------------------------------------------- several arguments


def _groups(rules: Mapping[str, Any], name: str) -> list[Sequence[str]]:
    found = rules.get(name) or []
    return [found] if found and isinstance(found[0], str) else list(found)


def _count(names: Sequence[str], values: Mapping[str, Any]) -> int:
    return sum(name in values for name in names)


def _together(rules: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    for group in _groups(rules, "required_together"):
        if 0 < _count(group, values) < len(group):
            yield f"parameters are required together: {', '.join(group)}"
            break
    for group in _groups(rules, "required_one_of"):
        if not _count(group, values):
            yield f"one of the following is required: {', '.join(group)}"
            break
    for rule in rules.get("required_if") or ():
        name, value, needed, *any_of = rule
        left = [one for one in needed if one not in values]
        enough = bool(any_of and any_of[0])
        if name in values and values[name] == value and (len(left) == len(needed) if enough else left):
            which = "any" if enough else "all"
            yield f"{name} is {value} but {which} of the following are missing: {', '.join(left)}"
            break
    for name, needs in (rules.get("required_by") or {}).items():
        wanted = [needs] if isinstance(needs, str) else list(needs)
        left = [one for one in wanted if values.get(one) is None]
        if values.get(name) is not None and left:
            yield f"missing parameter(s) required by '{name}': {', '.join(left)}"
            break


# ---------------------------------------------------------------- arguments in arguments


def _inner(
    name: str, option: Spec, values: dict[str, Any], path: tuple[str, ...], unknown: list[str]
) -> Iterator[str]:
    spec = option.get("options")
    listed = option.get("type") == "list" and option.get("elements") == "dict"
    if spec is None or not (option.get("type") == "dict" or listed):
        return
    if values.get(name) is None:
        if not option.get("apply_defaults"):
            return
        values[name] = {}
    value = values[name]
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            yield from _level(spec, option, dict(one), (*path, name), unknown)
        elif not listed:
            yield f"value of '{name}' must be of type dict or list of dicts"
