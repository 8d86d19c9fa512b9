"""Plays a case with both engines and says how they differ."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .case import Case
from .compare import Difference, compare, unexpected
from .engines import Engine, forget, play
from .remembered import remembered

RAN = ("done", "failed", "unreachable")
"""How a case may end that tells nothing else: a playbook that Ansible refuses by mistake compares nothing."""


class Differing(AssertionError):
    """A case whose runs differ in a way that nobody chose."""


def check(case: Case, ours: Engine, ansible: Engine, place: Path) -> None:
    """Play the case below `place`. Raises Differing with all that differs, and how to play it by hand."""
    forget(place)
    found: list[Difference] = []
    said: list[str] = []
    for n, options in enumerate(case.runs):
        under = place / f"run{n + 1}"
        other = remembered(case, options, partial(play, ansible, case, options, under))
        mine = play(ours, case, options, under)
        if other.ending not in (case.exit or RAN) or not (case.exit or other.steps):
            raise Differing(f"{case.name} is no case: Ansible ended with `{other.ending}`\n{other.errors}")
        prefix = f"run {n + 1}: " if len(case.runs) > 1 else ""
        if "refused" in (mine.ending, other.ending) and mine.ending != other.ending:
            said.append(f"  {prefix}said by {ours.name}: {mine.errors}by {ansible.name}: {other.errors}")
        found += [Difference(prefix + one.where, one.ours, one.ansible) for one in compare(mine, other)]
    if wrong := unexpected(found, case.differs):
        told = "\n".join([*(f"  {one}" for one in wrong), *said])
        scripts = f"{place}/run*/{{{ours.name},{ansible.name}}}.sh, what they printed in .out"
        raise Differing(f"{case.name} differs from Ansible:\n{told}\nby hand: sh {scripts}")
