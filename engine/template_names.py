"""Filters and tests by all the names that Ansible has for them, and those that plugins bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

BUILTIN, LEGACY = "ansible.builtin.", "ansible.legacy."


class Table(dict[str, Any]):
    """Functions by their short names; it answers to `ansible.builtin.NAME` and `ansible.legacy.NAME`, too.

    jinja: names of Jinja2's own, which are not in `ansible.legacy`. more: asked for a short name that is not here;
    None: there is none either.
    """

    def __init__(
        self,
        own: Mapping[str, Any],
        jinja: frozenset[str] = frozenset(),
        more: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__(own)
        self._jinja = jinja
        self._more = more

    def get(self, name: Any, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __missing__(self, name: str) -> Any:
        short = name.removeprefix(BUILTIN)
        if name.startswith(LEGACY):
            short = name.removeprefix(LEGACY)
            if short in self._jinja:
                raise KeyError(name)
        if short != name and dict.__contains__(self, short):
            return dict.__getitem__(self, short)
        made = self._more(short) if self._more is not None and not name.startswith(BUILTIN) else None
        if made is None:
            raise KeyError(name)
        self[short] = made
        return made

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def names(self) -> Iterator[str]:
        return iter(self)
