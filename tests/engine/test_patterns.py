"""Host patterns name hosts as Ansible's do."""

from __future__ import annotations

import pytest
from runbook.errors import Position, UsageError
from runbook.inventory import load_inventory
from runbook.model import Inventory
from runbook.patterns import match_hosts


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    path = tmp_path_factory.mktemp("inventory") / "hosts.ini"
    path.write_text("lone\n[web]\nweb[1:4].example.com\n[db]\ndb1\nweb1.example.com\n[new-york]\n::1\n")
    return load_inventory([str(path)])


WEB = tuple(f"web{n}.example.com" for n in range(1, 5))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all", ("lone", *WEB, "db1", "::1")),
        ("*", ("lone", *WEB, "db1", "::1")),
        ("web", WEB),
        ("lone", ("lone",)),
        ("localhost", ("localhost",)),
        ("ungrouped", ("lone",)),
        ("new-york", ("::1",)),
        ("::1", ("::1",)),
        ("db,lone", ("db1", WEB[0], "lone")),
        ("lone:db", ("lone", "db1", WEB[0])),
        (["lone", "db"], ("lone", "db1", WEB[0])),
        ("web:&db", (WEB[0],)),
        ("web:!db", WEB[1:]),
        ("!db:web", WEB[1:]),
        ("!web", ("lone", "db1", "::1")),
        ("&db", (WEB[0], "db1")),
        ("web,&db,!web1*", ()),
        ("*.example.com", WEB),
        ("web[23].example.com", WEB[1:3]),
        ("d*", ("db1", WEB[0])),
        ("nothing*", ()),
        ("~web[12]", WEB[:2]),
        ("~(lone|db1)", ("lone", "db1")),
        ("~(?:web)1:lone", (WEB[0], "lone")),
        ("~web.*:!~.*[34]", WEB[:2]),
        ("web[0]", WEB[:1]),
        ("web[-1]", WEB[-1:]),
        ("web[1:2]", WEB[1:3]),
        ("web[1-2]", WEB[1:3]),
        ("web[2:]", WEB[2:]),
        ("web[9]", ()),
        ("web[0]:db[0]", (WEB[0], "db1")),
        ("", ()),
    ],
)
def test_a_pattern_names_hosts(
    inventory: Inventory, pattern: str | list[str], expected: tuple[str, ...]
) -> None:
    assert match_hosts(pattern, inventory) == expected


@pytest.mark.parametrize("pattern", ["wbe", "all:!wbe", "web:&wbe", "wbe[0]"])
def test_a_name_that_is_not_there_is_told_with_the_nearest(inventory: Inventory, pattern: str) -> None:
    with pytest.raises(UsageError, match=r"no host and no group 'wbe(\[0\])?'\n  Did you mean 'web'\?"):
        match_hosts(pattern, inventory)


def test_without_a_near_name_the_groups_are_listed(inventory: Inventory) -> None:
    with pytest.raises(UsageError, match=r"Groups: web, db, new-york\."):
        match_hosts("something", inventory)


def test_the_place_of_the_pattern_is_told_when_it_is_known(inventory: Inventory) -> None:
    with pytest.raises(UsageError, match=r"site\.yml:3:3: The inventory has no host"):
        match_hosts("wbe", inventory, at=Position("site.yml", 3, 3))


def test_a_bad_regular_expression_is_told(inventory: Inventory) -> None:
    with pytest.raises(UsageError, match="'~web\\(' is no regular expression"):
        match_hosts("~web(", inventory)
