"""Secrets that a finished step brought: a run that goes on masks those that it has, and reads again those that were
not kept, where that does nothing but read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .job import Job
from .model import AddHost, Outcome
from .secrets import boxes
from .step import Steps
from .values import DERIVED, Secret, contains_unknown


def with_secrets(done: Outcome, job: Callable[[], Job], steps: Steps) -> Outcome:
    """The recorded outcome with its secrets. What only computes (`set_fact`) is computed again when one was not
    kept: it is made from a vault, a lookup or another variable. Where that fails, the record stands as it is."""
    for box in boxes([dict(done.facts), *_of_hosts(done)]):
        if box.origin == DERIVED and isinstance(Secret.reveal(box), str):
            steps.masker.add(box)  # sources are masked when they are read; this one is not made anew
    if not contains_unknown([dict(done.facts), *_of_hosts(done)]):
        return done
    again = job()
    if steps.waits(again.task):
        return done
    found = steps.perform(replace(again, items={}))
    if found.failed or contains_unknown(dict(found.facts)):
        return done
    return replace(
        done,
        result=found.result,
        facts=found.facts,
        host_facts=found.host_facts,
        directives=found.directives,
    )


def _of_hosts(done: Outcome) -> list[object]:
    """Variables of hosts that the step brought."""
    return [dict(each.vars) for each in done.directives if isinstance(each, AddHost)]
