"""The world that a sandbox plays: moto's account, our services, real nodes and real instances."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import cloudformation_backends
from moto.moto_api._internal.models import moto_api_backend

from .account import ACCOUNT_ID, Account
from .assumptions import Assumptions
from .calls import CallLog
from .clock import Clock
from .dataplane import DataPlane, DataPlaneError, DataPlaneSettings
from .ec2 import Ec2
from .faults import Fault, FaultKind, Faults
from .instance_host import open_host
from .instance_setup import HostSettings
from .memorydb import MemoryDb
from .moto_stack_time import StackTime
from .moto_stacks import put_right
from .router import Stage
from .ssm import SsmService

if TYPE_CHECKING:
    from .certificates import Certificates
    from .service import Service

log = logging.getLogger(__name__)

STACK_NAME = "lab-prerequisites"
# Operations of moto's after which an instance may have stopped or be gone.
_INSTANCES_CHANGE = {"StopInstances", "TerminateInstances", "DeleteStack", "UpdateStack"}
_AGENT_OFFLINE_SECONDS = 600.0
_NODE_REPLACED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """How a sandbox is to be.

    `template` is the text of the CloudFormation template that the world starts with, None for an empty
    account. `valkey_source` is as in `HostSettings`.
    """

    folder: Path
    region: str = "eu-west-2"
    speed: float = 100.0
    template: str | None = None
    valkey_source: str = ""
    data_plane: DataPlaneSettings = field(default_factory=DataPlaneSettings)
    assumptions: Assumptions = field(default_factory=Assumptions)


class Corrections:
    """Moto put right, once in this process; the world in force is behind it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.time = StackTime()
        self.ec2: Ec2 | None = None
        put_right(self.time, lambda group_id: self.ec2 is not None and self.ec2.in_use(group_id))


class World:
    """Everything that `reset` makes anew."""

    def __init__(self, settings: WorldSettings, certificates: Certificates, corrections: Corrections) -> None:
        self._settings = settings
        self._corrections = corrections
        self.id = uuid.uuid4().hex
        self.clock = Clock(settings.speed)
        self.faults = Faults()
        self.calls = CallLog(settings.folder / "calls.jsonl", self.clock)
        account = Account(settings.region, self.clock, corrections.lock)
        self._account = account
        self._nodes = DataPlane(settings.folder / "nodes", certificates, settings.data_plane)
        self._memorydb = MemoryDb(
            region=settings.region,
            account=ACCOUNT_ID,
            clock=self.clock,
            network=account,
            nodes=self._nodes,
            faults=self.faults,
            assumptions=settings.assumptions,
        )
        _remove_tree(settings.folder / "machines")
        authorities = HostSettings(certificates.bundle_file, settings.region, settings.valkey_source)
        self._host = open_host(settings.folder / "machines", authorities)
        self._ssm = SsmService(
            instances=account.instances,
            clock=self.clock,
            host=self._host,
            s3_put=account.put_object,
            region=settings.region,
            account_id=ACCOUNT_ID,
        )
        self._ec2 = Ec2(
            backend=lambda: account.ec2,
            account=ACCOUNT_ID,
            lock=corrections.lock,
            groups_in_use=self._memorydb.security_groups_in_use,
        )
        services: dict[str, Service] = {"memorydb": self._memorydb, "ssm": self._ssm, "ec2": self._ec2}
        self.stage = Stage(services, self.faults, self.calls, self._strike_at_call, self._after)
        self._known_instances: dict[str, str] = {}

    def start(self) -> None:
        """Begin with moto emptied, and deploy the stack that the world starts with."""
        self._nodes.start()
        self._corrections.ec2 = self._ec2
        with self._corrections.lock:
            moto_api_backend.reset()
            # What stands before the lab starts stands already: it takes no time.
            self._corrections.time.clock = None
            if self._settings.template is not None:
                stacks = cloudformation_backends[ACCOUNT_ID][self._settings.region]
                stacks.create_stack(STACK_NAME, self._settings.template, {})
            self._corrections.time.clock = self.clock
        self._known_instances = self._instance_states()

    def stop(self) -> None:
        """End all processes and threads of this world."""
        self._memorydb.close()
        self._ssm.close()
        self._host.close()
        self._nodes.stop()
        self.calls.close()

    def status(self) -> dict[str, Any]:
        """What runs, for people and for `up`."""
        return {
            "time": self.clock.now().isoformat(timespec="seconds"),
            "stack": STACK_NAME if self._settings.template is not None else None,
            "clusters": self._memorydb.clusters(),
            "instances": self._instance_states(),
            "host": self._host.status(),
            "faults": len(self.faults.in_force()),
            "calls": self.calls.count,
            "idle_seconds": round(time.monotonic() - self.calls.last_call, 1),
        }

    # Faults that change the world

    def strike(self, fault: Fault) -> None:
        """Bring about kill-node or agent-offline. Raises ValueError where there is nothing to strike."""
        if fault.kind is FaultKind.AGENT_OFFLINE:
            known = self._instance_states()
            if not known or (fault.resource and fault.resource not in known):
                raise ValueError(f"there is no instance {fault.resource}".rstrip())
            self._ssm.agent_offline(fault.resource, _AGENT_OFFLINE_SECONDS)
        elif fault.kind is FaultKind.KILL_NODE:
            cluster, node = self._node(fault.resource)
            threading.Thread(target=self._kill, args=(cluster, node), daemon=True).start()

    def _strike_at_call(self, fault: Fault) -> None:
        """The call itself goes on, whatever comes of the fault."""
        try:
            self.strike(fault)
        except ValueError as error:
            log.warning("fault %s: %s", fault.number, error)

    def _node(self, resource: str) -> tuple[str, str]:
        """CLUSTER/NODE, or the primary of the first shard for CLUSTER, or that of the first cluster for ""."""
        name, _, node = resource.lower().partition("/")
        name = name or next(iter(self._memorydb.clusters()), "")
        try:
            shards = self._nodes.describe(name).shards
        except DataPlaneError as error:
            raise ValueError(str(error)) from error
        nodes = [found for shard in shards for found in shard.nodes if node in {"", found.name}]
        if not nodes:
            raise ValueError(f"cluster {name} has no node {node}")
        return name, next((found.name for found in nodes if found.role == "primary"), nodes[0].name)

    def _kill(self, cluster: str, node: str) -> None:
        """A node dies, and MemoryDB replaces it after a while."""
        try:
            self._memorydb.note(cluster, f"Node {node} failed.")
            self._nodes.kill_node(cluster, node)
            self.clock.sleep(_NODE_REPLACED_SECONDS)
            self._nodes.revive_node(cluster, node)
            self._memorydb.note(cluster, f"Node {node} was replaced.")
        except DataPlaneError:
            log.exception("node %s of cluster %s can't be lost and replaced", node, cluster)

    # Instances that moto stopped

    def _instance_states(self) -> dict[str, str]:
        return {facts.instance_id: facts.state for facts in self._account.instances()}

    def _after(self, service: str, operation: str) -> None:
        """Let instances that stopped, or are gone, end in the real world too."""
        if service not in {"ec2", "cloudformation"}:
            return
        if operation not in _INSTANCES_CHANGE:
            if operation in {"RunInstances", "StartInstances", "CreateStack"}:
                self._known_instances = self._instance_states()
            return
        now = self._instance_states()
        for instance_id, state in self._known_instances.items():
            if instance_id not in now:
                self._host.remove(instance_id)
            elif state == "running" and now[instance_id] != "running":
                self._host.stop(instance_id)
        self._known_instances = now


def _remove_tree(folder: Path) -> None:
    """Remove what an earlier world left; the kernel makes folders of mode 0 in an overlay's work folder."""
    for path, names, _ in os.walk(folder):
        for inner in (Path(path, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
