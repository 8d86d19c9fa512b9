"""Fixtures of the sandbox's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.clusters import Lab, running_lab
from tests.support.sandbox_process import TEMPLATE, Running, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valkey import Valkey


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster as the lab has it (1 shard, no replica, TLS) that many tests use for their data."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """The shared cluster, emptied."""
    with shared_lab.client() as client:
        client.flushall()
    return shared_lab


@pytest.fixture
def connection(lab: Lab) -> Iterator[Valkey]:
    """A plain client of the one node, through its proxy."""
    with lab.client() as client:
        yield client


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole sandbox with the lab's world, in which AWS's time runs 2,000 times faster."""
    folder = tmp_path_factory.mktemp("sandbox") / "world"
    with running_sandbox(folder, "--template", str(TEMPLATE), "--speed", "2000") as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Running) -> Iterator[Running]:
    """The shared sandbox, without faults. Its world is as the tests before left it: `reset` gives a fresh one."""
    yield shared_sandbox
    if shared_sandbox.do("fault", "list"):
        shared_sandbox.do("fault", "clear")
