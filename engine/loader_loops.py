"""`loop`, `with_NAME` and `loop_control` of a task, from YAML to the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import ContractError, nearest
from .keyword_values import Warn, is_variable, wrong
from .keywords import LOOP_CONTROL
from .lookups import LOOKUPS, is_lookup
from .model import Loop
from .values import Template
from .yamlfile import Entry, YamlFile, is_null

WITH = "with_"
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")
_OWN = frozenset({"items", "list"})
"""Lookups of loops that need none: `loops.looked_up` answers them itself."""


def is_with(key: str) -> bool:
    """Whether a key of a task is `with_NAME`."""
    return key.startswith(WITH)


def lookup_name(key: str) -> str:
    """The lookup that `with_NAME` means."""
    name = key.removeprefix(WITH)
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def read_loop(file: YamlFile, by_key: Mapping[str, Entry], items: Any, warn: Warn) -> Loop | None:
    """The loop of a task: `items` is what its `loop` holds. None: it has none, or a problem was noted."""
    control = _loop_control(file, by_key.get("loop_control"), warn)
    lookups = [entry for key, entry in by_key.items() if is_with(key)]
    plain = by_key.get("loop")
    if plain is not None and is_null(plain.node):
        plain = None
    written = [entry for entry in (plain, *lookups) if entry is not None]
    for second in written[1:]:
        file.problem(
            f"'{written[0].key}' and '{second.key}' in one task", second.position, "Keep one of them."
        )
    if plain is not None:
        if not isinstance(items, list | Template):
            wrong(file, plain, "a list, or a template that yields one", hint=_braces(items), tell=warn)
        return Loop(items=items, **control)
    return _with(file, lookups[0], control) if lookups else None


def _braces(items: Any) -> str | None:
    if isinstance(items, dict):
        return 'Loop over a mapping with: "{{ {...} | dict2items }}"'
    return f'A variable needs braces: loop: "{{{{ {items} }}}}"' if is_variable(str(items)) else None


def _with(file: YamlFile, entry: Entry, control: Mapping[str, Any]) -> Loop | None:
    name = lookup_name(entry.key)
    try:
        known_one = name in _OWN or is_lookup(name, file.path)
    except ContractError as error:
        file.problem(error.message, entry.position, error.hint)
        return None
    if not known_one:
        known = [WITH + each for each in (*LOOKUPS, *_OWN)]
        hint = nearest(entry.key, known) or "Use 'loop' with a template for its list."
        file.problem(f"'{entry.key}': there is no lookup '{name}'", entry.position, hint)
        return None
    if is_null(entry.node):
        file.problem(f"'{entry.key}' needs a value", entry.position)
        return None
    return Loop(items=file.value(entry.node), lookup=name, **control)


def _loop_control(file: YamlFile, entry: Entry | None, warn: Warn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    inner_entries = file.entries(entry.node, "'loop_control'") if entry and not is_null(entry.node) else ()
    for inner in inner_entries:
        read = LOOP_CONTROL.get(inner.key)
        if read is None:
            hint = nearest(inner.key, LOOP_CONTROL) or "Known: " + ", ".join(LOOP_CONTROL)
            file.problem(f"'{inner.key}' is no setting of 'loop_control'", inner.position, hint)
            continue
        value = read(file, inner, warn) if not is_null(inner.node) else None
        if value is not None:
            found[inner.key] = value
    return found
