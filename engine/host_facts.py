"""What is known of a host beside what a playbook says: `ansible_facts` and the `ansible_NAME` variables.

A play that gathers facts costs nothing: its hosts on the operator's machine may read them from then on, and a fact
is found out when it is first read. What a module found out (`setup`, or any result with `ansible_facts`) is kept as
it was answered. Other hosts have no facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .contract import FactSource
from .model import Value

FACTS = "ansible_facts"

_STEERING = frozenset({"aws", "ansible_connection", "ansible_host", "ansible_port", "ansible_user"})
"""Variables that say where a task acts: no result of a module may."""


def facts_in(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts that a module's result brings."""
    found = result.get(FACTS)
    if not isinstance(found, Mapping):
        return {}
    return {name: value for name, value in found.items() if name not in _STEERING and name != FACTS}


class HostFacts(Mapping[str, Any]):
    """The layer of variables that a host's facts are; grows as the run learns about the host."""

    __slots__ = ("_environment", "_gathered", "_known", "_source")

    def __init__(self) -> None:
        self._source: FactSource = NoFacts()
        self._gathered: list[tuple[str, ...]] = []
        self._known: dict[str, Any] = {}
        self._environment: Sequence[Value] = ()

    def gather(
        self, source: FactSource, subset: tuple[str, ...] = (), environment: Sequence[Value] = ()
    ) -> None:
        """From here on the facts of this `gather_subset` lie ready. `environment`: the play's, as it is written;
        `ansible_env` shows it. Raises Failed for an unknown subset."""
        if subset:
            source.names(subset)  # a wrong word is told here, not where a fact is read
        self._source, self._environment = source, environment
        if subset not in self._gathered:
            self._gathered.append(subset)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Facts that a module found out: they count more than what lies ready."""
        self._known.update(facts)

    def forget(self) -> None:
        """`meta: clear_facts`."""
        self._known.clear()
        self._gathered.clear()

    def all(self) -> dict[str, Any]:
        """`ansible_facts`."""
        known = {_short(name): self[name] for name in self}
        if not self._gathered:
            return known
        return {**known, "gather_subset": list(self._gathered[-1]) or ["all"], "module_setup": True}

    def __getitem__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if not self._lies_ready(name):
            raise KeyError(name)
        found = self._source.get(name)
        return self._with_environment(found) if name == "ansible_env" else found

    def __contains__(self, name: object) -> bool:
        return name in self._known or self._lies_ready(name)

    def __iter__(self) -> Iterator[str]:
        ready = [name for subset in self._gathered for name in sorted(self._source.names(subset))]
        return iter(dict.fromkeys((*self._known, *ready)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True

    def _lies_ready(self, name: object) -> bool:
        # Every variable that stands nowhere else is asked for here: only what may be a fact wakes the source.
        if not self._gathered or not isinstance(name, str) or not name.startswith("ansible_"):
            return False
        return name not in _STEERING and any(name in self._source.names(subset) for subset in self._gathered)

    def _with_environment(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Texts of the playbook in it are rendered as all of them are: by who reads it."""
        written = [layer for layer in self._environment if isinstance(layer, Mapping)]
        return {**found, **{name: value for layer in written for name, value in layer.items()}}


def _short(name: str) -> str:
    """A fact's name within `ansible_facts`; `ansible_local` keeps its own, as in Ansible."""
    return name if name == "ansible_local" else name.removeprefix("ansible_")


class NoFacts:
    """A `FactSource` that knows nothing, for lists and checks that run nothing."""

    def names(self, subset: Sequence[str] = ()) -> frozenset[str]:  # noqa: ARG002 (the protocol's)
        return frozenset()

    def get(self, name: str) -> Any:
        raise KeyError(name)


def no_facts(_started: datetime, _fact_path: str | None) -> FactSource:
    return NoFacts()
