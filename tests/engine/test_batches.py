"""The order of a play's hosts, and the batches they come in."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.batches import batches, ordered, sizes

HOSTS = ["b", "a", "c"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("inventory", "bac"),
        ("reverse_inventory", "cab"),
        ("sorted", "abc"),
        ("reverse_sorted", "cba"),
    ],
)
def test_hosts_come_in_the_order_that_is_asked_for(order: str, expected: str) -> None:
    assert ordered(HOSTS, order, "r1") == list(expected)


def test_a_shuffled_order_is_the_same_when_the_run_is_resumed() -> None:
    hosts = [str(number) for number in range(50)]
    assert ordered(hosts, "shuffle", "r1") == ordered(hosts, "shuffle", "r1")
    assert ordered(hosts, "shuffle", "r1") != ordered(hosts, "shuffle", "r2")
    assert sorted(ordered(hosts, "shuffle", "r1"), key=int) == hosts


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ([], ["bac"]),
        ([0], ["bac"]),
        ([2], ["ba", "c"]),
        (["34%"], ["b", "a", "c"]),
        (["1%"], ["b", "a", "c"]),
        ([1, "100%"], ["b", "ac"]),
        ([5], ["bac"]),
    ],
)
def test_batches(serial: list[Any], expected: list[str]) -> None:
    assert batches(HOSTS, serial) == [list(batch) for batch in expected]


def test_a_template_may_yield_all_sizes() -> None:
    assert sizes([[1, 2], "50%"]) == [1, 2, "50%"]
