"""MemoryDB on a clock that tests move by hand, with nodes that are only written down.

The nodes' own tests, and those of the whole sandbox, run real ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.validate import ParamValidator
from runbook.sandbox.assumptions import Assumptions
from runbook.sandbox.clock import Clock
from runbook.sandbox.dataplane import ClusterHandle, NodeHandle, ShardHandle
from runbook.sandbox.faults import Faults
from runbook.sandbox.memorydb import MemoryDb
from runbook.sandbox.memorydb_state import SubnetFacts
from runbook.sandbox.service import AwsError
from runbook.sandbox.wire import service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runbook.sandbox.access import User


class WrittenNodes:
    """A data plane on paper: notes what was asked, and knows how many shards and replicas there are."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.sizes: dict[str, list[int]] = {}
        self.ports: dict[str, int] = {}
        self.broken: str | None = None

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.broken == what[0]:
            raise RuntimeError(f"{what[0]} broke")

    def create_cluster(
        self, name: str, *, port: int, shards: int, replicas: int, tls: bool = True
    ) -> ClusterHandle:
        self._note("create", name)
        self.sizes[name] = [shards, replicas]
        self.ports[name] = port
        return self.describe(name)

    def set_replicas(self, name: str, replicas: int) -> None:
        self._note("replicas", name, replicas)
        self.sizes[name][1] = replicas

    def set_shards(self, name: str, shards: int, on_progress: Callable[[float], None]) -> None:
        self._note("shards", name, shards)
        on_progress(50.0)
        self.sizes[name][0] = shards

    def failover(self, name: str, shard: str) -> None:
        self._note("failover", name, shard)

    def delete_cluster(self, name: str) -> None:
        self._note("delete", name)

    def authorize(self, name: str, users: Sequence[User] | None) -> None:
        self._note("authorize", name, users)

    def dump(self, name: str, snapshot: str) -> None:
        self._note("dump", name, snapshot)

    def load(self, name: str, snapshot: str) -> None:
        self._note("load", name, snapshot)

    def forget(self, snapshot: str) -> None:
        self._note("forget", snapshot)

    def describe(self, name: str) -> ClusterHandle:
        shards, replicas = self.sizes[name]
        step = 16384 // shards
        made = []
        for number in range(1, shards + 1):
            last = 16383 if number == shards else number * step - 1
            nodes = tuple(
                NodeHandle(f"{name}-{number:04}-{node:03}", "127.1.2.3", 6379, "primary")
                for node in range(1, replicas + 2)
            )
            made.append(ShardHandle(f"{number:04}", f"{(number - 1) * step}-{last}", nodes))
        return ClusterHandle(name, "127.1.2.1", self.ports[name], tls=True, shards=tuple(made))


class TwoZones:
    """A VPC with a subnet in each of two zones, one in a further VPC, and two security groups."""

    subnets = {  # noqa: RUF012 - a table
        "subnet-a": SubnetFacts("subnet-a", "vpc-1", "eu-west-2a", "euw2-az2"),
        "subnet-b": SubnetFacts("subnet-b", "vpc-1", "eu-west-2b", "euw2-az3"),
        "subnet-far": SubnetFacts("subnet-far", "vpc-2", "eu-west-2a", "euw2-az2"),
    }
    groups = {"sg-1": "vpc-1", "sg-2": "vpc-1", "sg-far": "vpc-2"}  # noqa: RUF012

    def subnet(self, subnet_id: str) -> SubnetFacts | None:
        return self.subnets.get(subnet_id)

    def security_group_vpc(self, group_id: str) -> str | None:
        return self.groups.get(group_id)

    def default_subnets(self) -> list[SubnetFacts]:
        return [self.subnets["subnet-a"]]


@dataclass
class MemoryDbAccount:
    """MemoryDB for one test. `call` checks request and response against botocore's model."""

    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        self._seconds = 0.0
        self.clock = Clock(1.0, real_monotonic=lambda: self._seconds)
        self.nodes = WrittenNodes()
        self.faults = Faults()
        self.service = MemoryDb(
            region="eu-west-2",
            account="123456789012",
            clock=self.clock,
            network=TwoZones(),
            nodes=self.nodes,
            faults=self.faults,
            assumptions=self.assumptions,
        )

    def pass_time(self, seconds: float) -> None:
        """Let AWS time pass, and the work in the background end."""
        self._seconds += seconds
        end = time.monotonic() + 5
        while any(
            cluster.change and cluster.change.work and not cluster.change.work.done()
            for cluster in self.service._state.clusters.values()
        ):
            assert time.monotonic() < end, "the background work hangs"
            time.sleep(0.001)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation as the router does."""
        model = service_model("memorydb").operation_model(operation)
        assert model.input_shape is not None
        assert model.output_shape is not None
        asked = ParamValidator().validate(params, model.input_shape)
        assert not asked.has_errors(), asked.generate_report()
        result = self.service.operations[operation](params)
        shown = {key: value for key, value in result.items() if value is not None}
        answered = ParamValidator().validate(_without_none(shown), model.output_shape)
        assert not answered.has_errors(), answered.generate_report()
        return shown

    def refusal(self, operation: str, **params: Any) -> str:
        """The error code that an operation is refused with; it must be one that the model declares."""
        with pytest.raises(AwsError) as caught:
            self.call(operation, **params)
        code: str = caught.value.code
        declared = {shape.name for shape in service_model("memorydb").operation_model(operation).error_shapes}
        assert code in declared, f"{operation} does not declare {code}"
        return code

    def cluster(self, name: str = "lab") -> dict[str, Any]:
        """A cluster with its shards."""
        found: dict[str, Any] = self.call("DescribeClusters", ClusterName=name, ShowShardDetails=True)[
            "Clusters"
        ][0]
        return found

    def make_cluster(self, name: str = "lab", **params: Any) -> dict[str, Any]:
        """A cluster that is available, in both zones."""
        if "both" not in self.service._state.subnet_groups:
            self.call("CreateSubnetGroup", SubnetGroupName="both", SubnetIds=["subnet-a", "subnet-b"])
        asked = {
            "NodeType": "db.r6g.large",
            "ACLName": "open-access",
            "Engine": "valkey",
            "SubnetGroupName": "both",
            "NumReplicasPerShard": 0,
        }
        self.call("CreateCluster", ClusterName=name, **(asked | params))
        self.pass_time(self.assumptions.create_seconds)
        return self.cluster(name)

    def messages(self, name: str = "lab") -> list[str]:
        """A cluster's events of the last hour."""
        events = self.call("DescribeEvents", SourceName=name, SourceType="cluster")["Events"]
        return [event["Message"] for event in events]


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
