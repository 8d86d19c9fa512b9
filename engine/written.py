"""What the operator wrote into the variables that a step read, kept as digests: a resume sees whether it changed.

A value counts as it is written, not as it is rendered: `now()`, `pipe`, facts and results differ each time and are
no edit. A secret counts by a digest that tells nothing of it (`sealing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2.defaults import DEFAULT_NAMESPACE

from .errors import VaultError
from .identity import canonical, digest
from .lookups import GLOBALS
from .model import Value
from .scope import DATA, VariableScope
from .sealing import Seal
from .template_guard import MISSING, PLAIN
from .values import Secret, Vaulted
from .vault import Vault

ABSENT = ""
"""Stands for a variable that was not there."""

_OFFERED = frozenset(GLOBALS) | DEFAULT_NAMESPACE.keys() | {"omit"}
"""Names that mean something in an expression without being variables."""


class Written:
    """Digests of the variables that steps read. Each value is looked at once."""

    def __init__(self, seal: Seal, vault: Vault) -> None:
        self._seal = seal
        self._vault = vault
        self._known: dict[int, tuple[Value, str]] = {}

    def reads(self, scope: VariableScope) -> Mapping[str, str]:
        """The variables that were read in this scope and that the operator wrote, each with a digest."""
        found = {}
        for name in tuple(scope.reads):  # a task in the background may read on
            value = scope.source(name)
            if value is MISSING:
                if name not in _OFFERED:
                    found[name] = ABSENT
            elif value is not DATA:
                found[name] = self._digest(value)
        return found

    def changed(self, then: Mapping[str, str], scope: VariableScope) -> list[str]:
        """Names of which the value is another one now. A secret that was digested with another key is taken for the
        same: nothing can tell."""
        found = []
        for name, known in then.items():
            value = scope.source(name)
            now = ABSENT if value is MISSING or value is DATA else self._digest(value)
            if now != known and not self._other_key(known):
                found.append(name)
        return found

    def _other_key(self, known: str) -> bool:
        return " " in known and not self._seal.comparable(known)

    def _digest(self, value: Value) -> str:
        known = self._known.get(id(value))
        if known is None:
            made = (
                self._seal.digest(canonical(self._opened(value)))
                if _secret(value)
                else digest(canonical(value))
            )
            known = self._known[id(value)] = (value, made)  # the value too: its id is not given again
        return known[1]

    def _opened(self, value: Value) -> Any:
        """With its secrets in clear, what a vault holds included: encrypted anew it is the same value."""
        kind = type(value)
        if kind is Secret:
            return self._opened(Secret.reveal(value))
        if kind is Vaulted:
            try:
                return self._vault.open(value.source, value.position)
            except VaultError:
                return value.source  # nobody has its password: the step that reads it has failed already
        if isinstance(value, Mapping):
            return {key: self._opened(item) for key, item in value.items()}
        if kind is list or kind is tuple:
            return [self._opened(item) for item in value]
        return value


def _secret(value: Value) -> bool:
    kind = type(value)
    if kind in PLAIN:
        return False
    if kind is Secret or kind is Vaulted:
        return True
    if isinstance(value, Mapping):
        return any(map(_secret, value.values()))
    return (kind is list or kind is tuple) and any(map(_secret, value))
