"""Snapshots' data: every key goes to the node that has its slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.snapshots import slot_of

if TYPE_CHECKING:
    from valkey import Valkey


@pytest.mark.parametrize(
    "key", [b"person:1", b"", b"{a}b", b"x{a}b{c}", b"{}a", b"{a", b"a}{b}", b"\xff\x00"]
)
def test_slots_are_computed_as_the_server_does(connection: Valkey, key: bytes) -> None:
    assert slot_of(key) == connection.execute_command("CLUSTER KEYSLOT", key)
