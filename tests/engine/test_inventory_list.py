"""`runbook inventory`: what it shows, and what it hides; the shapes are those of `ansible-inventory`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from runbook.errors import UsageError
from runbook.inventory import load_inventory
from runbook.inventory_graph import as_graph
from runbook.inventory_list import as_host, as_json, as_yaml
from runbook.inventory_view import View

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


NESTED = """
all:
  hosts: {lone: {n: null, deep: {a: [1, x], api_key: k}}}
  vars: {v: 1}
  children:
    prod:
      vars: {ansible_group_priority: 5, region: eu}
      children:
        web: {hosts: {web1: {port: 80}, web2: }}
        db: {hosts: {db1: , web1: }}
    again: {children: {web: }}
    empty:
"""


def view_of(folder: Path, text: str, **more: Any) -> View:
    file = folder / "hosts.yml"
    file.write_text(text)
    return View(inventory=load_inventory([str(file)]), **more)


@pytest.fixture
def view(tmp_path: Path) -> View:
    return view_of(tmp_path, WRITTEN.replace("{{ x }}", '"{{ x }}"'))


def test_variables_are_shown_as_written_and_secrets_masked(view: View) -> None:
    shown = json.loads(as_json(view))

    assert shown["_meta"]["hostvars"]["web1"] == {
        "port": 7,
        "url": "http://{{ inventory_hostname }}",
        "big": 99999999999999999999,
        "db": {"password": "********", "user": "u"},
        "api_key": "********",
    }
    assert shown["_meta"]["hostvars"]["db1"] == {"since": "2026-01-01"}
    assert shown["web"] == {"hosts": ["web1", "web2"]}
    assert shown["all"] == {"children": ["ungrouped", "web", "db"]}
    assert "localhost" not in shown["_meta"]["hostvars"]


def test_a_limit_leaves_only_its_hosts(view: View) -> None:
    shown = json.loads(as_json(view, "web2"))

    assert set(shown) == {"_meta", "web", "all"}
    assert set(shown["_meta"]["hostvars"]) == {"web2"}
    assert set(yaml.safe_load(as_yaml(view, "web2"))["all"]["children"]) == {"web"}
    with pytest.raises(UsageError, match="--limit nix leaves no host"):
        as_json(view, "nix")


def test_the_tree_has_children_before_hosts_and_hosts_of_all_in_ungrouped(tmp_path: Path) -> None:
    assert (
        as_graph(view_of(tmp_path, NESTED))
        == """\
@all:
  |--@ungrouped:
  |  |--lone
  |--@prod:
  |  |--@web:
  |  |  |--web1
  |  |  |--web2
  |  |--@db:
  |  |  |--db1
  |  |  |--web1
  |--@again:
  |  |--@web:
  |  |  |--web1
  |  |  |--web2
  |--@empty:"""
    )


def test_the_tree_of_one_group(tmp_path: Path) -> None:
    view = view_of(tmp_path, NESTED)

    assert as_graph(view, "db") == "@db:\n  |--db1\n  |--web1"
    with pytest.raises(UsageError, match="no group 'prid'\\n  Did you mean 'prod'"):
        as_graph(view, "prid")


def test_the_tree_with_variables(tmp_path: Path) -> None:
    drawn = as_graph(view_of(tmp_path, NESTED, extra_vars={"z": "t"}), variables=True)

    assert (
        """
  |  |--lone
  |  |  |--{deep = {'a': [1, 'x'], 'api_key': '********'}}
  |  |  |--{n = None}
  |  |  |--{v = 1}
  |  |  |--{z = t}
  |--@prod:
"""
        in drawn
    )
    assert "\n  |  |--{ansible_group_priority = 5}\n  |  |--{region = eu}\n  |--@again:" in drawn
    assert drawn.endswith("\n  |--@empty:\n  |--{v = 1}")


def test_yaml_is_an_inventory_that_says_each_thing_once(tmp_path: Path) -> None:
    shown = yaml.safe_load(as_yaml(view_of(tmp_path, NESTED, extra_vars={"v": 2})))

    children = shown["all"]["children"]
    assert set(children) == {"ungrouped", "prod", "again"}
    assert children["again"] == {"children": {"web": {}}}
    web = children["prod"]["children"]["web"]["hosts"]
    assert web == {"web1": {"port": 80, "region": "eu", "v": 2}, "web2": {"region": "eu", "v": 2}}
    assert children["prod"]["children"]["db"]["hosts"]["web1"] == {}


def test_export_leaves_variables_where_they_are_set(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("tier: front\n")
    view = view_of(tmp_path, NESTED, export=True, extra_vars={"z": 1})
    shown = json.loads(as_json(view))

    assert set(shown["_meta"]["hostvars"]) == {"lone", "web1"}
    assert shown["_meta"]["hostvars"]["web1"] == {"port": 80}
    assert shown["prod"]["vars"] == {"ansible_group_priority": 5, "region": "eu"}
    assert shown["web"]["vars"] == {"tier": "front"}
    assert yaml.safe_load(as_yaml(view))["all"]["vars"] == {"v": 1}


def test_encrypted_text_stays_encrypted(tmp_path: Path) -> None:
    sealed = "$ANSIBLE_VAULT;1.1;AES256\n3434\n"
    view = view_of(tmp_path, "all: {hosts: {h: {s: !vault '$ANSIBLE_VAULT;1.1;AES256\n\n3434\n\n'}}}")

    assert json.loads(as_json(view))["_meta"]["hostvars"]["h"]["s"] == {"__ansible_vault": sealed}
    assert "s: !vault |\n" in as_yaml(view)
    assert "{s = ********}" in as_graph(view, variables=True)


def test_one_host(view: View) -> None:
    assert json.loads(as_host(view, "web1"))["port"] == 7
    assert yaml.safe_load(as_host(view, "web1", yaml=True))["api_key"] == "********"
    with pytest.raises(UsageError, match="no host 'web9'\n  Did you mean 'web"):
        as_host(view, "web9")
