"""Faults on request: trouble that a rehearsal or a test orders by service, call and count."""

from __future__ import annotations

import enum
import itertools
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultKind(enum.StrEnum):
    """What goes wrong."""

    THROTTLE = "throttle"
    LOSE_RESPONSE = "lose-response"
    LOSE_REQUEST = "lose-request"
    REFUSE = "refuse"
    REVERT = "revert"
    EXPIRE_CREDENTIALS = "expire-credentials"
    KILL_NODE = "kill-node"
    AGENT_OFFLINE = "agent-offline"
    DELAY = "delay"


#: Kinds that the router brings about for any call of any service.
AT_THE_DOOR = frozenset(
    {
        FaultKind.THROTTLE,
        FaultKind.LOSE_RESPONSE,
        FaultKind.LOSE_REQUEST,
        FaultKind.REFUSE,
        FaultKind.EXPIRE_CREDENTIALS,
        FaultKind.DELAY,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One order. Empty `service` or `call` means any; `count` is how often it still strikes, 0 for always.

    `resource` names what is struck (`lab-cluster/lab-cluster-0001-001` for kill-node, an instance id for
    agent-offline; empty means the first there is); `code` and `message` are the refusal's; `seconds` of real
    time is how long a delay lasts.
    """

    kind: FaultKind
    service: str = ""
    call: str = ""
    resource: str = ""
    count: int = 1
    code: str = ""
    message: str = ""
    seconds: float = 1.0
    number: int = 0

    def matches(self, service: str, call: str, resource: str) -> bool:
        """Whether it strikes this call."""
        return (
            self.service in {"", service}
            and self.call in {"", call}
            and (not self.resource or self.resource in resource.split(","))
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain data, for the list and the log."""
        return {**asdict(self), "kind": self.kind.value}


def parse_fault(data: Mapping[str, Any]) -> Fault:
    """Read a fault from plain data. Raises ValueError that names what is wrong."""
    known = {"kind", "service", "call", "resource", "count", "code", "message", "seconds"}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    try:
        kind = FaultKind(data.get("kind", ""))
    except ValueError:
        kinds = ", ".join(kind.value for kind in FaultKind)
        raise ValueError(f"no fault is called {data.get('kind')!r}; there are {kinds}") from None
    if kind is FaultKind.REFUSE and not data.get("code"):
        raise ValueError("refuse needs a code, such as InsufficientClusterCapacityFault")
    count, seconds = data.get("count", 1), data.get("seconds", 1.0)
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"count must be 0 (always) or more, not {count!r}")
    if not isinstance(seconds, int | float) or seconds < 0:
        raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
    service, call, resource, code, message = (
        str(data.get(name) or "") for name in ("service", "call", "resource", "code", "message")
    )
    return Fault(kind, service, call, resource, count, code, message, float(seconds))


class Faults:
    """The orders in force, in the order in which they came. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put an order in force; returns it with its number."""
        with self._lock:
            numbered = replace(fault, number=next(self._numbers))
            self._orders.append(numbered)
            return numbered

    def clear(self) -> None:
        """Take back all orders."""
        with self._lock:
            self._orders.clear()

    def in_force(self) -> tuple[Fault, ...]:
        """All orders, oldest first."""
        with self._lock:
            return tuple(self._orders)

    def take(self, kinds: frozenset[FaultKind], service: str, call: str, resource: str = "") -> Fault | None:
        """The oldest order of these kinds that strikes this call; one stroke of it is used up."""
        with self._lock:
            for index, fault in enumerate(self._orders):
                if fault.kind not in kinds or not fault.matches(service, call, resource):
                    continue
                if fault.count == 1:
                    del self._orders[index]
                elif fault.count > 1:
                    self._orders[index] = replace(fault, count=fault.count - 1)
                return fault
        return None
