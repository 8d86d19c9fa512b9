"""Ranges of hosts, ports, and which names hosts and groups can have."""

from __future__ import annotations

import pytest
from runbook.inventory_text import BadRange, InventoryText, expand_hosts, is_name, split_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", ["web"]),
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:11].x", ["web08.x", "web09.x", "web10.x", "web11.x"]),
        ("web[8:11]", ["web8", "web9", "web10", "web11"]),
        ("web[0:6:3]", ["web0", "web3", "web6"]),
        ("db-[a:c]", ["db-a", "db-b", "db-c"]),
        ("db-[A:C:2]", ["db-A", "db-C"]),
        ("r[1:2]-n[a:b]", ["r1-na", "r1-nb", "r2-na", "r2-nb"]),
    ],
)
def test_ranges_expand(text: str, expected: list[str]) -> None:
    assert list(expand_hosts(text)) == expected


@pytest.mark.parametrize("text", ["[3:1]", "[a:Z]", "[1:x]", "[ab:c]", "[1:9:0]", "[0:9999999999]"])
def test_ranges_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(BadRange):
        list(expand_hosts(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web:22", ("web", 22)),
        ("web", ("web", None)),
        ("web[1:3]", ("web[1:3]", None)),
        ("web[1:3]:22", ("web[1:3]", 22)),
        ("web[1:3].x:22", ("web[1:3].x", 22)),
        ("::1", ("::1", None)),
        ("[fe80::1]:22", ("fe80::1", 22)),
        ("[fe80::1]", ("fe80::1", None)),
    ],
)
def test_a_port_is_split_off(text: str, expected: tuple[str, int | None]) -> None:
    assert split_port(text) == expected


@pytest.mark.parametrize(
    "name", ["web", "web-1.example.com", "i-0abc", "new_york", "10.0.0.1", "fe80::1", "café"]
)
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "a\tb", " a", "a:b", "a,b", "!a", "&a", "~a", "a*", "a?", "a[1]", "{a}"]
)
def test_what_patterns_are_made_of_is_no_name(name: str) -> None:
    assert not is_name(name)


def test_a_later_line_for_a_host_wins() -> None:
    text = InventoryText()
    text.add_host("a", "g", {"x": 1, "y": 1})
    text.add_host("a", "h", {"x": 2})
    assert text.hosts == {"a": {"x": 2, "y": 1}}
    assert list(text.groups) == ["all", "ungrouped", "g", "h"]
