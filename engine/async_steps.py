"""`async`: a task with a limit on its time, waited for (`poll` above 0) or left in the background (`poll: 0`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .attempt import Attempt, explained
from .background import Background, Ended, job_id
from .context import Limit, Permits, Services
from .contract import computes
from .errors import Failed, RunbookError
from .invoke import Invoker
from .job import Job
from .journal import JOB
from .judge import NO_TRACE
from .loops import ItemKey, item_keys, scope_of
from .model import Outcome, Status
from .registry import Registry
from .scope import VariableScope
from .values import Unknown

MOST_JOBS = 10_000
"""Tasks in the background take no place among `forks`."""

_SKELETON = ("ansible_loop_var", "ansible_index_var", "ansible_loop")


class AsyncSteps:
    """Carries out the tasks that have a limit on their time. Thread-safe."""

    def __init__(
        self,
        invoker: Callable[[Services], Invoker],
        services: Services,
        registry: Registry,
        explain: Callable[[Exception], RunbookError | None],
        ended: Callable[[Job, ItemKey, Outcome, str], None],
    ) -> None:
        self._near = invoker(services)
        self._permits = Permits(MOST_JOBS)
        self._far = invoker(replace(services, permits=self._permits))
        self._background: Background = services.background
        self._dry = services.planned is not None
        self._registry = registry
        self._explain = explain
        self._ended = ended

    def invoke(
        self, job: Job, scope: VariableScope, item: str, where: str, *, seconds: float, poll: float
    ) -> Attempt:
        """One call with `seconds` to run, as what its task registers. `item`: which one of a loop."""
        if computes(self._registry.get(job.task.module)):
            raise Failed(f"This action ({job.task.module}) does not support async.")
        name = job_id(job.step, item)
        if self._dry:
            attempt = self._near.invoke(job, scope, where)
            attempt.result |= _told(name, finished=Unknown("a task in the background")) if poll <= 0 else {}
            return attempt
        if poll <= 0:
            self._start(job, scope, item, seconds)
            return Attempt(result=_told(name, finished=False), changed=True)
        attempt = self._near.invoke(job, scope, where, _limit(seconds, _late(name, seconds)))
        if "async_result" not in attempt.result:
            attempt.result |= _told(name, finished=True)
        return attempt

    # -------------------------------------------------------------- in the background

    def _start(self, job: Job, scope: VariableScope, item: str, seconds: float) -> None:
        name = job_id(job.step, item)
        limit = _limit(seconds, Failed("Timeout exceeded"))
        call = self._far.prepare(job, scope, f"{item}/job/", limit)

        def work() -> Ended:
            with self._permits.held():
                attempt = explained(call, self._explain, judged=True)
            ended = Ended(_shown(attempt), changed=attempt.changed, failed=attempt.failed)
            self._ended(job, (f"{JOB}{name}", 0), _as_outcome(ended), job.name)
            return ended

        self._background.start(name, work)

    def restore(self, job: Job, outcome: Outcome, ended: Mapping[str, Outcome]) -> None:
        """After a resume: what the recorded outcome of a step says to be in the background is there again. Those
        that have a recorded end (`ended`, by name) keep it; the others start again through their recorded effects.
        """
        results = outcome.result.get("results")
        items = [r for r in results if isinstance(r, Mapping)] if isinstance(results, list) else []
        loop_var = next((str(r["ansible_loop_var"]) for r in items if "ansible_loop_var" in r), "item")
        marks = [scope_of(key) for key in item_keys([r.get(loop_var) for r in items])]
        for result, mark in zip(items or [outcome.result], marks or [""], strict=True):
            name = result.get("ansible_job_id")
            if not isinstance(name, str) or result.get("finished") is not False:
                continue
            if name in ended:
                known = ended[name]
                self._background.end(
                    name, Ended(known.result, known.status is Status.CHANGED, known.status is Status.FAILED)
                )
                continue
            names = {key: result[key] for key in (loop_var, *_SKELETON) if key in result}
            if "ansible_index_var" in result:
                names[result["ansible_index_var"]] = result.get(result["ansible_index_var"])
            seconds = float(self._near.number(job.task.async_seconds, job.scope))
            self._start(job, job.scope.child(names), mark, seconds)


def _told(name: str, *, finished: Any) -> dict[str, Any]:
    return {
        "ansible_job_id": name,
        "started": True,
        "finished": finished,
        "results_file": f"~/.ansible_async/{name}",
    }


def _shown(attempt: Attempt) -> dict[str, Any]:
    return {**attempt.result, "exception": NO_TRACE} if attempt.failed else attempt.result


def _as_outcome(ended: Ended) -> Outcome:
    status = Status.FAILED if ended.failed else Status.CHANGED if ended.changed else Status.OK
    return Outcome(status=status, result=ended.result, ignored=ended.failed)


def _limit(seconds: float, error: Failed) -> Limit:
    return Limit(time.monotonic() + seconds, error)


def _late(name: str, seconds: float) -> Failed:
    told = {**_told(name, finished=False), "stdout": "", "stderr": "", "stdout_lines": [], "stderr_lines": []}
    return Failed(
        f"async task did not complete within the requested time - {seconds:g}s", result={"async_result": told}
    )
