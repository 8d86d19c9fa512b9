"""Typed values as plain data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from runbook.plain import plain
from runbook.values import Secret, Unknown


class Colour(enum.StrEnum):
    RED = "red"


class Inner(msgspec.Struct, frozen=True):
    colour: Colour


@dataclass(frozen=True)
class Outer:
    inner: Inner
    names: tuple[str, ...]


def test_structs_and_their_like_become_dicts_and_lists() -> None:
    made = plain(Outer(Inner(Colour.RED), ("a", "b")))

    assert made == {"inner": {"colour": "red"}, "names": ["a", "b"]}
    assert type(made["inner"]["colour"]) is str
    assert plain({"s": {1}}) == {"s": [1]}


class Sparse(msgspec.Struct):
    always: int
    sometimes: int | msgspec.UnsetType = msgspec.UNSET


def test_a_field_that_is_not_set_is_not_there() -> None:
    assert plain([Sparse(1), Sparse(1, 2)]) == [{"always": 1}, {"always": 1, "sometimes": 2}]


def test_atoms_stay_what_they_are() -> None:
    now = datetime.now(UTC)

    for value in ("x", 1, 1.5, True, None, b"x", now, Outer):
        assert plain(value) is value


def test_unknown_and_secret_are_no_containers() -> None:
    unknown, secret = Unknown("u"), Secret({"a": 1})
    made = plain({"u": [unknown], "s": secret})

    assert made["u"][0] is unknown
    assert made["s"] is secret
