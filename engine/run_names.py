"""Which run of a state file a person means: its name, the beginning of it, or `last`."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import UsageError, nearest
from .journal import RunSummary

LAST = "last"
LISTED = "`runbook runs` lists them."


def find_run(runs: Sequence[RunSummary], name: str) -> RunSummary:
    """The run of that name; `last`: the one that was at work last; else the only one whose name begins so.

    Raises UsageError when there is none, or more than one.
    """
    if name == LAST and runs:
        return max(runs, key=lambda run: run.last_written)
    known = {run.run: run for run in runs}
    if name in known:
        return known[name]
    begin = [run for run in known if run.startswith(name)]
    if len(begin) == 1:
        return known[begin[0]]
    if begin:
        some = ", ".join(begin[:5]) + (", ..." if len(begin) > 5 else "")
        raise UsageError(f"'{name}' is the beginning of {len(begin)} runs: {some}", hint="Write more of it.")
    raise UsageError(f"There is no run '{name}'", hint=nearest(name, known) or LISTED)
