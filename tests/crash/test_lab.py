"""The lab, killed at any moment, ends as if nothing had happened: each effect once, each variable as it was.

`make test` plays a spread of the moments, `make crash-test` all of them (RUNBOOK_CRASH=full). One that fails can be
played alone: RUNBOOK_CRASH="direct: aws AmazonMemoryDB.CreateCluster 1 after". See docs/crash.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.crash.lab import Lab, Labs, open_labs
from tests.crash.points import Point, is_vital, moments, parse
from tests.crash.world import Ended, compare

TRANSPORTS = ("direct", "ssm")
"""How the lab's data travels: from this process, whose calls of Valkey are points then, or by commands on the
instance."""

ASKED = os.environ.get("RUNBOOK_CRASH", "")
FULL = ASKED == "full"
LABS = int(os.environ.get("RUNBOOK_CRASH_LABS") or (6 if FULL else 3))

SPREAD: Mapping[str, Mapping[str, int]] = {"direct": {"journal": 2, "aws": 3, "valkey": 2}, "ssm": {"aws": 2}}
"""How many moments of a kind `make test` plays."""

LOST = ("CreateSubnetGroup", "CreateCluster", "AuthorizeSecurityGroupIngress", "UpdateCluster")


@dataclass(frozen=True)
class Counted:
    """An undisturbed run."""

    points: Sequence[Point]
    ended: Ended


@dataclass(frozen=True)
class Kill:
    """One crash of the lab."""

    transport: str
    at: Point

    def __str__(self) -> str:
        return f"{self.transport}: {self.at}"


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    with open_labs(tmp_path_factory.mktemp("labs"), LABS) as made:
        yield made


@pytest.fixture(scope="module")
def counted(labs: Labs) -> Mapping[str, Counted]:
    """By transport."""
    runs = labs.each(Lab.undisturbed, TRANSPORTS)
    return {name: Counted(*run) for name, run in zip(TRANSPORTS, runs, strict=True)}


def chosen(counted: Mapping[str, Counted]) -> list[Kill]:
    """All moments of both ways, or what was asked for, or the spread."""
    if ASKED and not FULL:
        transport, _, point = ASKED.partition(": ")
        return [Kill(transport, parse(point))]
    kills = [
        Kill(transport, point)
        for transport in TRANSPORTS
        for point in (moments if FULL else spread(transport))(counted[transport].points)
    ]
    return scattered(kills) if FULL else kills


def scattered(kills: Sequence[Kill]) -> list[Kill]:
    """In an order in which a full run that is cut short has seen something of everything."""
    bits = len(kills).bit_length()
    places = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(2**bits))
    return [kills[place] for place in places if place < len(kills)]


def spread(transport: str) -> Callable[[Sequence[Point]], list[Point]]:
    """The same moments in each run: evenly over those of each kind."""

    def taken(points: Sequence[Point]) -> list[Point]:
        found: list[Point] = []
        for kind, count in SPREAD[transport].items():
            those = [point for point in points if point.kind == kind and is_vital(point)]
            step = max(1, len(those) // count)
            found += those[step // 2 :: step][:count]
        return found

    return taken


@pytest.mark.timeout(0 if FULL else 300)
def test_killed_at_any_moment_it_ends_as_if_nothing_had_happened(
    labs: Labs, counted: Mapping[str, Counted]
) -> None:
    def killed(lab: Lab, kill: Kill) -> list[str]:
        began = time.monotonic()
        try:
            found = compare(counted[kill.transport].ended, lab.disturbed(kill.transport, kill.at))
        except AssertionError as error:
            found = [str(error)]
        print(f"{time.monotonic() - began:5.1f} s  {kill}", *found, sep="\n    ", flush=True)
        return [f"{kill}: {line}" for line in found]

    troubles = [line for found in labs.each(killed, chosen(counted)) for line in found]
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="module")
def worse(labs: Labs, counted: Mapping[str, Counted]) -> Mapping[str, Any]:
    """Side by side: many crashes in one run, and answers that are lost."""
    works: dict[str, Callable[[Lab], Any]] = {
        "killed": lambda lab: lab.killed_again_and_again("direct"),
        "lost": lambda lab: lab.with_lost_answers("direct", LOST),
        "sent": lambda lab: lab.with_lost_answers(
            "ssm", ["SendCommand"], death=_unsent(counted["ssm"].points)
        ),
    }
    done = labs.each(lambda lab, work: work(lab), list(works.values()))
    return dict(zip(works, done, strict=True))


def _unsent(points: Sequence[Point]) -> Point:
    """The intent of the first command to the instance that changes something is on disk; it is not sent."""
    return next(
        point
        for point in points
        if is_vital(point) and point.what.endswith("SendCommand") and point.phase == "before"
    )


def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(
    worse: Mapping[str, Any], counted: Mapping[str, Counted]
) -> None:
    kills, ended = worse["killed"]
    assert kills > 10
    assert compare(counted["direct"].ended, ended) == []


def test_answers_that_are_lost_repeat_no_call(
    worse: Mapping[str, Any], counted: Mapping[str, Counted]
) -> None:
    assert compare(counted["direct"].ended, worse["lost"]) == []


def test_a_command_whose_answer_is_lost_after_a_kill_is_sent_once(
    worse: Mapping[str, Any], counted: Mapping[str, Counted]
) -> None:
    """It has no token of AWS's and no name: first the run makes sure that it was not sent, sends it, and finds it
    again."""
    assert compare(counted["ssm"].ended, worse["sent"]) == []
