"""`runbook inventory`: what it shows, and what it hides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runbook.errors import UsageError
from runbook.inventory import load_inventory
from runbook.inventory_list import as_graph, as_host, as_json, within
from runbook.model import Inventory

WRITTEN = """
web:
  hosts:
    web1: {port: 007, url: "http://{{ inventory_hostname }}", big: 99999999999999999999}
    web2:
  vars:
    db: {password: hunter2, user: u}
    api_key: {{ x }}
db:
  hosts: {db1: {since: 2026-01-01}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    file = tmp_path / "hosts.yml"
    file.write_text(WRITTEN.replace("{{ x }}", '"{{ x }}"'))
    return load_inventory([str(file)])


def test_variables_are_shown_as_written_and_secrets_masked(inventory: Inventory) -> None:
    shown = json.loads(as_json(inventory))

    assert shown["_meta"]["hostvars"]["web1"] == {
        "port": "007",
        "url": "http://{{ inventory_hostname }}",
        "big": "99999999999999999999",
        "db": {"password": "********", "user": "u"},
        "api_key": "********",
    }
    assert shown["_meta"]["hostvars"]["db1"] == {"since": "2026-01-01"}
    assert shown["web"] == {"hosts": ["web1", "web2"]}
    assert shown["all"] == {"hosts": ["web1", "web2", "db1"]}
    assert "localhost" not in shown["_meta"]["hostvars"]


def test_a_limit_leaves_only_its_hosts(inventory: Inventory) -> None:
    shown = json.loads(as_json(within(inventory, "web2")))

    assert set(shown) == {"_meta", "web", "all"}
    assert set(shown["_meta"]["hostvars"]) == {"web2"}
    with pytest.raises(UsageError, match="--limit nix leaves no host"):
        within(inventory, "nix")


def test_groups_with_their_hosts(inventory: Inventory) -> None:
    assert "@web:\n  |--web1\n  |--web2\n" in as_graph(inventory)


def test_one_host(inventory: Inventory) -> None:
    assert json.loads(as_host(inventory, "web1"))["port"] == "007"
    with pytest.raises(UsageError, match="no host 'web9'\n  Did you mean 'web"):
        as_host(inventory, "web9")
