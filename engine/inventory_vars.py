"""A host's variables without a copy for each host: its own, in front of those that it shares with its group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .model import Value


class HostVars(Mapping[str, Value]):
    """Two layers: a host's own variables, then the merged ones of its groups."""

    __slots__ = ("_own", "_shared")

    def __init__(self, own: Mapping[str, Value], shared: Mapping[str, Value]) -> None:
        self._own = own
        self._shared = shared

    @property
    def own(self) -> Mapping[str, Value]:
        """The first layer."""
        return self._own

    def __getitem__(self, name: str) -> Value:
        return self._own[name] if name in self._own else self._shared[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._shared

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._shared if name not in self._own)

    def __len__(self) -> int:
        return len(self._own.keys() | self._shared.keys())

    def __repr__(self) -> str:
        return repr(dict(self))
