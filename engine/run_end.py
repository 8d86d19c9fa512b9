"""The end of a run: what is written down of it, and what observers are told."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .ending import Doubt, Left, Stop
from .errors import JournalError, Problem, RunbookError, Stopped
from .events import Event, RunFinished
from .journal import Journal, RunEnded, RunStatus
from .left_over import LeftOver
from .model import Play
from .options import Options
from .tallies import Tallies

TRACE = 3
"""Verbosity from which a mistake of ours shows where it was made."""

_STATUS: dict[int, RunStatus] = {0: "done", 2: "failed"}


def stop_of(error: RunbookError) -> Stop:
    """What is kept of an error that ended the run."""
    at = error.step
    return Stop(
        message=str(Problem(error.message, error.position, excerpt=error.excerpt)),
        hint=error.hint or "",
        host=at.host if at else "",
        task=at.task if at else "",
        file=at.position.file if at else "",
        line=at.position.line if at else 0,
        column=at.position.column if at else 0,
    )


def our_mistake(error: Exception, verbosity: int) -> Stopped:
    """What the operator reads of an error that we did not raise on purpose."""
    message = f"Internal error: {type(error).__name__}: {error}"
    if verbosity >= TRACE:
        return Stopped(f"{message}\n{''.join(traceback.format_exception(error))}")
    return Stopped(message, hint="A mistake in runbook; `-vvv` shows where. What was done is recorded.")


@dataclass(slots=True)
class Ending:
    """Gathers why a run ends early, and ends it."""

    options: Options
    tallies: Tallies
    report: Callable[[Event], None]
    left_over: LeftOver
    doubts: Callable[[], Sequence[Doubt]] = tuple
    stops: list[Stop] = field(default_factory=list)

    def stop(self, error: RunbookError, code: int) -> None:
        """The run ends here, with this exit code unless a worse one stands already."""
        self.tallies.stop(code)
        told = stop_of(error)
        if told not in self.stops:  # a journal that can't be written says so each time
            self.stops.append(told)

    def finish(
        self,
        journal: Journal,
        run: str,
        seconds: float,
        plays: Callable[[], Iterable[tuple[Play, Sequence[str]]]],
        stats: Mapping[str, Mapping[str, Any]],
    ) -> int:
        """Write the end down and tell it; the exit code."""
        code = self.tallies.exit_code
        early = code != 0 and not self.options.check
        left = self._left(plays) if early else None
        try:
            journal.commit(
                RunEnded(
                    status=_STATUS.get(code, "stopped"),
                    exit_code=code,
                    ended=datetime.now(UTC),
                    seconds=seconds,
                    done=sum(tally.ok + tally.skipped for tally in self.tallies.hosts.values()),
                    changed=sum(tally.changed for tally in self.tallies.hosts.values()),
                    stops=tuple(self.stops),
                    left=left,
                )
            )
        except JournalError as error:
            self.stop(error, code=4)
            code = self.tallies.exit_code
        again = " ".join(("runbook resume", run, *self.options.again))
        self.report(
            RunFinished(
                run=run,
                hosts=dict(self.tallies.hosts),
                seconds=seconds,
                exit_code=code,
                stats=stats,
                resume=again if code != 0 and not self.options.check else "",
                stops=tuple(self.stops),
                doubts=tuple(self.doubts()) if early else (),
                left=left,
            )
        )
        return code

    def _left(self, plays: Callable[[], Iterable[tuple[Play, Sequence[str]]]]) -> Left | None:
        try:
            return self.left_over.tell(plays())
        except RunbookError:  # hosts of a later play may depend on what the run did not come to
            return None
