"""Real clusters of the sandbox's data plane, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import runbook.sandbox.valkey_cli as stand_in
from runbook.sandbox.certificates import Certificates
from runbook.sandbox.dataplane import ClusterHandle, DataPlane, DataPlaneSettings
from valkey import Valkey
from valkey.cluster import ValkeyCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

STAND_IN = (sys.executable, str(Path(stand_in.__file__)))


@dataclass(frozen=True)
class Answer:
    """What a process said."""

    out: str
    error: str
    code: int


@dataclass(frozen=True)
class Lab:
    """A running data plane with one cluster, and ways to talk to it."""

    plane: DataPlane
    certificates: Certificates
    name: str

    @property
    def handle(self) -> ClusterHandle:
        return self.plane.describe(self.name)

    def cluster_client(self, **options: object) -> ValkeyCluster:
        """valkey-py's cluster client, TLS verified with the sandbox's CA, from the cluster endpoint."""
        handle = self.handle
        ca = str(self.certificates.ca_file)
        return ValkeyCluster(
            host=handle.address,
            port=handle.port,
            ssl=True,
            ssl_ca_certs=ca,
            ssl_check_hostname=True,
            **options,
        )

    def client(self, node: int = 0, **options: object) -> Valkey:
        """valkey-py's plain client, to a node of the first shard."""
        place = self.handle.shards[0].nodes[node]
        return Valkey(
            place.address,
            place.port,
            ssl=True,
            ssl_ca_certs=str(self.certificates.ca_file),
            ssl_check_hostname=True,
            socket_timeout=10,
            **options,
        )

    def cli(
        self, *arguments: str, stdin: str | bytes = "", program: tuple[str, ...] = STAND_IN, tls: bool = True
    ) -> Answer:
        """valkey-cli with the endpoint's host and port."""
        handle = self.handle
        place = ("-h", handle.address, "-p", str(handle.port), *(("--tls",) if tls else ()))
        environment = {**os.environ, "SSL_CERT_FILE": str(self.certificates.bundle_file)}
        given = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run(
            [*program, *place, *arguments],
            input=given,
            capture_output=True,
            env=environment,
            timeout=60,
            check=False,
        )
        return Answer(done.stdout.decode(errors="backslashreplace"), done.stderr.decode(), done.returncode)


@contextmanager
def running_lab(
    directory: Path, *, shards: int = 1, replicas: int = 0, tls: bool = True, port: int = 6379
) -> Iterator[Lab]:
    """A data plane with `lab-cluster`; everything has ended afterwards."""
    certificates = Certificates(directory)
    plane = DataPlane(directory / "nodes", certificates, DataPlaneSettings())
    plane.start()
    try:
        plane.create_cluster("lab-cluster", port=port, shards=shards, replicas=replicas, tls=tls)
        yield Lab(plane, certificates, "lab-cluster")
    finally:
        plane.stop()
