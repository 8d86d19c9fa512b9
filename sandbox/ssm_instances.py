"""Which instances Systems Manager knows, and whether their agents answer."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .clock import Clock
    from .ssm_assumptions import SsmAssumptions

_AGENT_VERSION = "3.3.2746.0"


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What EC2 knows of an instance. `state` is EC2's word (`running`); times are the sandbox's clock's."""

    instance_id: str
    name: str
    tags: Mapping[str, str]
    state: str
    has_profile: bool
    launched_at: datetime
    private_ip: str = ""


class Ping(StrEnum):
    """PingStatus, as AWS spells it."""

    ONLINE = "Online"
    LOST = "ConnectionLost"


class ManagedInstances:
    """The instances that are registered with Systems Manager: running, with a profile, and up for a while."""

    def __init__(
        self,
        instances: Callable[[], Sequence[InstanceFacts]],
        clock: Clock,
        region: str,
        assumptions: SsmAssumptions,
    ) -> None:
        self._instances = instances
        self._region = region
        self._clock = clock
        self._register = timedelta(seconds=assumptions.register_seconds)
        self._lock = threading.Lock()
        self._offline_until: dict[str, float] = {}

    def all(self) -> dict[str, InstanceFacts]:
        """All registered instances, by id. Stopped and terminated ones are absent, as in AWS."""
        now = self._clock.now()
        return {
            facts.instance_id: facts
            for facts in self._instances()
            if facts.state == "running" and facts.has_profile and facts.launched_at + self._register <= now
        }

    def hostname(self, facts: InstanceFacts) -> str:
        """The full host name that EC2 gives an instance."""
        host = f"ip-{facts.private_ip.replace('.', '-')}" if facts.private_ip else facts.instance_id
        return f"{host}.{self._region}.compute.internal"

    def states(self) -> dict[str, str]:
        """The EC2 state of every instance there is."""
        return {facts.instance_id: facts.state for facts in self._instances()}

    def ping(self, instance_id: str) -> Ping:
        """Whether the agent of a registered instance answers."""
        with self._lock:
            until = self._offline_until.get(instance_id, 0.0)
        return Ping.LOST if self._clock.monotonic() < until else Ping.ONLINE

    def cut_off(self, instance_id: str, seconds: float) -> None:
        """Let the agent be out of reach for so many seconds of AWS time."""
        with self._lock:
            self._offline_until[instance_id] = self._clock.monotonic() + seconds

    def chosen_by(self, targets: Sequence[Mapping[str, Any]]) -> list[str]:
        """The registered instances that all of `targets` name, oldest id order. Raises AwsError."""
        chosen = self.all()
        for target in targets:
            key, values = str(target.get("Key", "")), set(target.get("Values", ()))
            if key == "InstanceIds":
                chosen = {name: facts for name, facts in chosen.items() if name in values or "*" in values}
            elif key.startswith("tag:"):
                tag = key.removeprefix("tag:")
                chosen = {name: facts for name, facts in chosen.items() if facts.tags.get(tag) in values}
            elif key == "tag-key":
                chosen = {name: facts for name, facts in chosen.items() if values & set(facts.tags)}
            else:
                raise AwsError("InvalidParameters", f"the sandbox knows no target key {key!r}")
        return sorted(chosen)

    def describe(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What DescribeInstanceInformation lists for its filters. Raises AwsError."""
        filters = [(item["Key"], item["Values"]) for item in params.get("Filters", ())]
        filters += [
            (item["key"], item["valueSet"]) for item in params.get("InstanceInformationFilterList", ())
        ]
        rows = [self._row(facts) for _, facts in sorted(self.all().items())]
        tags = {facts.instance_id: facts.tags for facts in self._instances()}
        for key, values in filters:
            rows = [row for row in rows if _matches(row, tags[row["InstanceId"]], key, values)]
        return rows

    def _row(self, facts: InstanceFacts) -> dict[str, Any]:
        return {
            "InstanceId": facts.instance_id,
            "PingStatus": self.ping(facts.instance_id).value,
            "LastPingDateTime": self._clock.now(),
            "AgentVersion": _AGENT_VERSION,
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
            "ComputerName": self.hostname(facts),
            "SourceId": facts.instance_id,
            "SourceType": "AWS::EC2::Instance",
            **({"IPAddress": facts.private_ip} if facts.private_ip else {}),
        }


_FILTERED_MEMBERS = {
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "AgentVersion": "AgentVersion",
    "ResourceType": "ResourceType",
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
}
_EMPTY_HERE = {"ActivationIds", "IamRole", "AssociationStatus"}


def _matches(row: Mapping[str, Any], tags: Mapping[str, str], key: str, values: Sequence[str]) -> bool:
    if key in _FILTERED_MEMBERS:
        value = str(row[_FILTERED_MEMBERS[key]])
        return any(fnmatch.fnmatchcase(value, wanted) for wanted in values)
    if key == "tag-key":
        return any(value in tags for value in values)
    if key.startswith("tag:"):
        return tags.get(key.removeprefix("tag:")) in values
    if key in _EMPTY_HERE:
        return False
    raise AwsError("InvalidFilterKey", f"The specified key isn't valid: {key}")
