"""The call log: what was asked of the sandbox, one JSON line a call."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .clock import Clock

# Members that name what a call is about, the most telling first. EC2's forms number their lists.
_NAMES = (
    "ClusterName", "SnapshotName", "SubnetGroupName", "ACLName", "UserName", "ParameterGroupName",
    "ResourceArn", "SourceName", "CommandId", "InstanceId", "InstanceIds", "InstanceId.1",
    "SecurityGroupRuleId.1", "GroupId", "GroupId.1", "GroupName", "SubnetId", "SubnetId.1", "VpcId", "VpcId.1",
    "StackName", "ChangeSetName", "RoleName", "RoleArn", "InstanceProfileName", "Name", "DocumentName",
)  # fmt: skip


def resource_of(params: Mapping[str, Any]) -> str:
    """The name of what a call is about, as far as its parameters tell; several names are joined by commas."""
    for name in _NAMES:
        value = params.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value:
            return ",".join(str(item) for item in value)
    return ""


class CallLog:
    """Appends each call to a file of JSON lines: AWS time, service, action, resource, outcome.

    The outcome is `ok` or the error code that the service answered. A call that a fault touched names the
    fault in a further member: the outcome of a call whose response was lost tells what the service did.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._count = 0
        self.last_call = time.monotonic()

    @property
    def count(self) -> int:
        """How many calls were logged since the start."""
        return self._count

    def add(self, service: str, action: str, resource: str, outcome: str, fault: str | None = None) -> None:
        """Log one call; it also counts as a sign of life for the idle end."""
        entry = {
            "time": self._clock.now().isoformat(timespec="milliseconds"),
            "service": service,
            "action": action,
            "resource": resource,
            "outcome": outcome,
        }
        if fault:
            entry["fault"] = fault
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with self._lock:
            self.last_call = time.monotonic()
            if self._file.closed:
                return
            self._count += 1
            self._file.write(line)

    def read(self) -> str:
        """All lines so far."""
        return self._path.read_text(encoding="utf-8")

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._file.truncate(0)
            self._count = 0

    def close(self) -> None:
        """Close the file; later calls are no longer logged."""
        with self._lock:
            self._file.close()
