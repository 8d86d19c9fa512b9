"""Credentials that will end before the run does: told before the first step, while they can still be renewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from .contract import Identity
from .journal import RunHeader, RunSummary
from .preflight import Destination
from .prose import duration, moment

MEASURED = 5
"""Of how many finished runs the middle one is taken as usual."""


def usual(runs: Sequence[RunSummary], header: RunHeader) -> float | None:
    """Seconds that runs of the same playbook take in a world of the same kind; None: none was finished yet."""
    alike = [
        run.seconds
        for run in runs
        if run.finished and run.header.playbook == header.playbook and _kind(run.header) == _kind(header)
    ]
    return median(alike[-MEASURED:]) if alike else None


def _kind(header: RunHeader) -> str:
    """`aws` or `sandbox`, whose clock is a faster one."""
    return header.target.partition(" ")[0]


def warning(
    where: Sequence[Destination],
    header: RunHeader,
    earlier: Callable[[], Sequence[RunSummary]],
    now: datetime | None = None,
) -> str | None:
    """What the operator should know about the credentials of the run; None: nothing. `earlier` is asked only when
    there is an end that is known."""
    identities = [place.identity for place in where if place.identity and place.identity.expires]
    if not identities:
        return None
    now = now or datetime.now(UTC)
    runs = earlier()
    seconds = usual(runs, header)
    if seconds is None:
        return None
    spent = sum(run.seconds for run in runs if run.run == header.run)
    first = min(identities, key=_end)
    left = _end(first) - now
    if left >= timedelta(seconds=seconds - spent):
        return None
    return (
        f"The AWS credentials of {first.arn} end at {moment(_end(first))}, in {_in_words(left)}; a run of this "
        f"playbook usually takes {duration(seconds)}.\nRenew them now, or later: when they end, the run stops with "
        "everything recorded, and `runbook resume` goes on."
    )


def _end(identity: Identity) -> datetime:
    assert identity.expires is not None  # noqa: S101 (only those with an end are asked)
    return identity.expires


def _in_words(left: timedelta) -> str:
    return duration(max(0.0, left.total_seconds()))
