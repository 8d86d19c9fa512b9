"""Slots: how they are spread and which moves even them out."""

from __future__ import annotations

import pytest
from runbook.sandbox import slots


def test_a_new_cluster_has_all_slots_in_equal_consecutive_parts() -> None:
    assert slots.even_ranges(1) == [(0, 16383)]
    assert slots.even_ranges(3) == [(0, 5460), (5461, 10921), (10922, 16383)]


def test_ranges_are_written_in_order_with_neighbours_joined() -> None:
    assert slots.write([(8, 9), (0, 3), (4, 5)]) == "0-5,8-9"
    assert slots.read("0-5,8-9,11") == [(0, 5), (8, 9), (11, 11)]
    assert slots.read("") == []


@pytest.mark.parametrize(("before", "after"), [(1, 2), (1, 3), (2, 5), (5, 2), (3, 1), (4, 4), (7, 6)])
def test_balancing_leaves_each_shard_its_even_part_and_the_surplus_shards_none(
    before: int, after: int
) -> None:
    owned = [[part] for part in slots.even_ranges(before)] + [[] for _ in range(max(after - before, 0))]
    for move in slots.balance(owned, after):
        owned = slots.apply(owned, move)
    sizes = [sum(last - first + 1 for first, last in ranges) for ranges in owned]
    assert sorted(sizes[:after]) == sorted(last - first + 1 for first, last in slots.even_ranges(after))
    assert not any(sizes[after:])
    assert slots.write(piece for ranges in owned for piece in ranges) == "0-16383"


def test_an_even_cluster_has_nothing_to_move() -> None:
    assert slots.balance([[part] for part in slots.even_ranges(4)], 4) == []


def test_moves_come_in_small_steps_so_that_progress_can_be_told() -> None:
    moves = slots.balance([[(0, 16383)], []], 2)
    assert sum(move.size for move in moves) == 8192
    assert max(move.size for move in moves) <= 1024
