"""Tasks that run in the background (`async` with `poll: 0`): started, looked at, waited for at the end of a run.

Each has a thread of its own and no place among `forks`. Its effects belong to the step that started it, so that a
resume, which starts again what has no recorded end, does nothing twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import RunbookError

Work = Callable[[], "Ended"]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a task in the background came to."""

    result: Mapping[str, Any]
    changed: bool = False
    failed: bool = False


@dataclass(slots=True)
class _Running:
    thread: threading.Thread | None = None
    ended: Ended | None = None


@dataclass(slots=True)
class Background:
    """Those of one run. Thread-safe."""

    stop: Callable[[BaseException], None] = lambda _error: None
    """Is told what must stop the whole run."""
    _known: dict[str, _Running] = field(default_factory=dict)

    def start(self, job: str, work: Work) -> None:
        """Begin; what is known already goes on as it is."""
        if job in self._known:
            return
        running = self._known[job] = _Running()
        running.thread = threading.Thread(target=self._run, args=(running, work), name=job, daemon=True)
        running.thread.start()

    def end(self, job: str, ended: Ended) -> None:
        """It ended before this run was resumed."""
        self._known.setdefault(job, _Running(ended=ended))

    def look(self, job: str) -> Ended | bool:
        """What it came to; True: it runs; False: there is none."""
        known = self._known.get(job)
        return False if known is None else known.ended or True

    def forget(self, job: str) -> None:
        """Its result is not asked for any more."""
        self._known.pop(job, None)

    def unfinished(self) -> list[str]:
        """Names of those that still run."""
        return [job for job, known in self._known.items() if known.ended is None]

    def wait(self, seconds: float) -> bool:
        """Wait for those that still run; whether all have ended."""
        for known in list(self._known.values()):
            if known.ended is None and known.thread is not None:
                known.thread.join(seconds)
                return not self.unfinished()
        return True

    def _run(self, running: _Running, work: Work) -> None:
        try:
            running.ended = work()
        except RunbookError as error:
            running.ended = Ended({"msg": error.message}, failed=True)
            self.stop(error)
        except BaseException as error:  # noqa: BLE001 (handed to who can stop the run)
            running.ended = Ended({"msg": f"Internal error: {error}"}, failed=True)
            self.stop(error)


def job_id(step: str, item: str) -> str:
    """The name of a background task: the same for the same step of a run, whenever it is started."""
    mark = hashlib.blake2b(f"{step}\0{item}".encode(), digest_size=10).digest()
    return f"j{int.from_bytes(mark[:6], 'big')}.{int.from_bytes(mark[6:], 'big')}"
