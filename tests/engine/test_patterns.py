"""Host patterns name hosts as Ansible's do."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import Position, Problem, UsageError
from runbook.inventory import load_inventory
from runbook.model import Inventory
from runbook.patterns import check_limit, limited, match_hosts


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
        ("localhost", ("::1",)),
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


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    path = tmp_path_factory.mktemp("inventory") / "hosts.ini"
    path.write_text("[g1]\nh2\nh1\nh3\n[g2]\nh1\nh4\n[par:children]\ng2\ng1\n[123]\nnum\n[void]\n")
    return load_inventory([str(path)])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("h1 h2", "h1 h2"),
        (" h1 , h2 ", "h1 h2"),
        ("h1:h2:h3:!h1:h1", "h2 h3"),
        ("&g2,g1", "h1"),
        ("all:&g1:&g2", "h1"),
        ("par:&g1[0]", "h2"),
        ("h[!1]", "h2 h3 h4"),
        ("h?", "h2 h1 h3 h4"),
        ("~^h", "h2 h1 h3 h4"),
        ("g*", "h2 h1 h3 h4"),
        ("123[0]", "num"),
        ("~1.*", "num"),
        ("g1[0:]", "h2 h1 h3"),
        ("g1[1:10]", "h1 h3"),
        ("g1[2:1]", ""),
        ("g1[0],g2[1]", "h2 h4"),
        ("void", ""),
        (["g1", "num,h4", "!h2"], "h1 h3 num h4"),
        ("127.0.0.1", "localhost"),
    ],
)
def test_odd_patterns_name_what_they_name_in_ansible(
    nested: Inventory, pattern: str | list[str], expected: str
) -> None:
    told: list[Problem] = []
    assert match_hosts(pattern, nested, warn=told.append) == tuple(expected.split())
    assert not told


@pytest.mark.parametrize(
    "pattern",
    ["h[12]", "g1[-2:]", "g1[:2]", "g1[:]", "g1[0:-1]", "h1;h2", "local*", "g1[7]", "[0]", "LONE", "h1:,"],
)
def test_what_names_nothing_is_told_and_left_out(nested: Inventory, pattern: str) -> None:
    told: list[Problem] = []
    assert match_hosts(pattern, nested, warn=told.append) == ()
    assert [problem.message.split("'")[1] for problem in told] == [pattern.rstrip(",")]


def test_a_local_address_that_is_a_host_is_what_localhost_names() -> None:
    found = load_inventory(["127.0.0.1,web1"])
    assert match_hosts("localhost", found) == ("127.0.0.1",)


@pytest.mark.parametrize("pattern", ["wbe", "all:!wbe", "web:&wbe", "wbe[0]"])
def test_a_name_that_is_not_there_is_told_with_the_nearest(inventory: Inventory, pattern: str) -> None:
    told: list[Problem] = []
    match_hosts(pattern, inventory, at=Position("site.yml", 3, 3), warn=told.append)
    assert [(p.position, p.hint) for p in told] == [(Position("site.yml", 3, 3), "Did you mean 'web'?")]


def test_without_a_near_name_the_groups_are_listed(inventory: Inventory) -> None:
    told: list[Problem] = []
    match_hosts("something", inventory, warn=told.append)
    assert told[0].hint == "Groups: web, db, new-york."


def test_a_bad_regular_expression_is_told(inventory: Inventory) -> None:
    with pytest.raises(UsageError, match="'~web\\(' is no regular expression"):
        match_hosts("~web(", inventory)


class TestLimit:
    def test_a_file_of_terms(self, nested: Inventory, tmp_path: Path) -> None:
        (tmp_path / "lim").write_text("h1\n\n# not one\n  g2  \n!h4\n")
        assert limited(f"num,@{tmp_path}/lim", nested) == {"h1", "num"}

    def test_a_file_that_is_not_there(self, nested: Inventory) -> None:
        with pytest.raises(UsageError, match="--limit @gone can't be read: No such file"):
            limited("@gone", nested)

    def test_nobody_left_is_an_error(self, nested: Inventory) -> None:
        with pytest.raises(UsageError, match=r"leaves no host of the inventory\n  Did you mean 'void'\?"):
            check_limit("viod", nested)
        with pytest.raises(UsageError, match="leaves no host"):
            check_limit("localhost", nested)

    def test_without_an_inventory_localhost_is_left(self) -> None:
        assert check_limit("localhost", load_inventory([])) == {"localhost"}

    def test_what_is_taken_away_is_taken_from_all(self, nested: Inventory) -> None:
        assert limited("!g1", nested) == {"h4", "num"}
