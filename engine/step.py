"""One step: a task on a host, from `when` to the outcome. The only place that knows this order.

when -> loop -> arguments and module (invoke.py) -> changed_when, failed_when (judge.py) -> until -> ignore_errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .async_steps import AsyncSteps
from .attempt import Attempt, failure
from .context import Services, time_limit
from .contract import computes
from .errors import RunbookError, StepError, StepPlace, Stopped
from .events import ItemFinished, Notice, Progress
from .invoke import Invoker
from .job import Job
from .judge import Judge, Weighed
from .loops import ItemKey, extended, in_loop, item_keys, loop_items, no_items, scope_of, shown, together
from .model import Action, Change, Loop, Outcome, Task
from .outcomes import UnknownResult, left_open, must_know, skipped
from .places import spot_for
from .promise import Promise
from .registry import Registry
from .scope import VariableScope
from .secrets import Masker
from .targets import Targets
from .template import Templates
from .throttle import Throttles
from .values import Unknown

NO_TIME = 0.005
"""Seconds."""

RETRIES = 3
"""How often `until` asks when `retries` does not say."""


class Steps:
    """Carries out steps. Thread-safe: what it holds is shared by all of them."""

    def __init__(
        self,
        services: Services,
        templates: Templates,
        registry: Registry,
        targets: Targets,
        explain: Callable[[Exception], RunbookError | None],
        item_done: Callable[[Job, ItemKey, Outcome, str], None],
        masker: Masker,
    ) -> None:
        self._services = services
        self._templates = templates
        self._registry = registry
        self._item_done = item_done
        self._dry = services.planned is not None
        self.masker = masker
        self._judge = Judge(templates, self._dry)

        def invoker(its: Services) -> Invoker:
            return Invoker(its, templates, registry, targets, explain, masker)

        self._invoker = invoker(services)
        self._async = AsyncSteps(invoker, services, registry, explain, item_done)
        self._throttles = Throttles(services)

    def once(self, task: Task) -> bool:
        """Whether one host does it for all of them: the task says so, or its module always is that way."""
        return bool(task.run_once) or getattr(self._registry.get(task.module), "run_once", False)

    def waits(self, task: Task) -> bool:
        """Whether it may block, and so belongs to a worker."""
        if task.until or task.retries or (task.loop is not None and task.loop.pause):
            return True
        return not computes(self._registry.get(task.module))

    def perform(self, job: Job) -> Outcome:
        """The outcome of the step. Raises only what stops the run, with the place of the step."""
        try:
            outcome = self._outcome(job)
        except RunbookError as error:
            error.step = StepPlace(job.host, job.name, job.task.position)
            raise
        if not outcome.failed:
            self._services.effects.settled(job.step)
        return outcome

    def _outcome(self, job: Job) -> Outcome:
        began = time.monotonic()
        try:
            most = self._invoker.number(job.task.throttle, job.scope) if job.task.throttle else 0
            with self._throttles.turn(job.task, int(most)):
                outcome = self._loop(job, job.task.loop) if job.task.loop else self._once(job, job.scope, "")
        except StepError as error:
            outcome = self._failed(job, job.scope, error)
        if self._services.promise is not None and not (self._dry or outcome.failed or outcome.ignored):
            self._kept(self._services.promise, job, outcome)
        seconds = time.monotonic() - began
        # A copy costs more than what is done in no time.
        return replace(outcome, seconds=seconds) if seconds > NO_TIME else outcome

    def _kept(self, promise: Promise, job: Job, outcome: Outcome) -> None:
        """Raises Stopped when a plan says that the step would do what it has not done."""
        if job.task.async_seconds:
            return  # what runs in the background may not have begun
        why = outcome.result.get("false_condition", outcome.result.get("skipped_reason", ""))
        skipped = f"`when` is false: {why}" if "false_condition" in outcome.result else str(why)
        promise.ended(job.step, frozenset(map(scope_of, job.items)), skipped=skipped)

    def refuse(self, job: Job, error: StepError) -> Outcome:
        """The outcome of a step that can't be carried out, unless its `when` spares it."""
        return self._spared(job) or self._failed(job, job.scope, error)

    def leave_open(self, job: Job, why: str) -> Outcome:
        """The outcome in a dry run of a step of which nobody knows whether it will be done."""
        outcome = left_open(why, dry=True)
        return self._told(job, job.scope, outcome, alone=job.task.loop is None)

    def _told(self, job: Job, scope: VariableScope, outcome: Outcome, *, alone: bool = True) -> Outcome:
        """What an undecided step would do, and the handlers that it may notify. `alone`: the whole of it is known,
        and not only that it has a loop."""
        if not isinstance(outcome.result, UnknownResult):
            return outcome
        (change,) = outcome.changes
        supposed = self._invoker.suppose(job, scope, change.reason) if alone else None
        if supposed is not None and not job.task.no_log:
            outcome = replace(outcome, changes=(_would(supposed, change.reason),))
        if job.task.notify:
            outcome = replace(outcome, may_notify=self._judge.may_notify(job.task, scope))
        return outcome

    def restore(self, job: Job, outcome: Outcome, ended: Mapping[str, Outcome]) -> None:
        """What a finished step left in the background goes on: `AsyncSteps.restore`."""
        self._async.restore(job, outcome, ended)

    def _failed(self, job: Job, scope: VariableScope, error: StepError) -> Outcome:
        return self._judge.settle(job.task, scope, self._judge.weigh(job.task, scope, failure(error)))

    # -------------------------------------------------------------- loop

    def _loop(self, job: Job, loop: Loop) -> Outcome:
        try:
            items = loop_items(loop, job.task.position, self._templates, job.scope)
        except StepError as error:
            # As in Ansible: a condition that does not hold, whatever the items, spares the loop.
            return self._spared(job) or self._failed(job, job.scope, error)
        if isinstance(items, Unknown):
            why = f"The loop depends on {Unknown.describe(items)}"
            left = self._spared(job) or left_open(why, dry=self._dry)
            return self._told(job, job.scope, left, alone=False)
        return self._items(job, loop, items) if items else no_items()

    def _spared(self, job: Job) -> Outcome | None:
        try:
            held = self._held(job, job.scope)
        except StepError:
            return None
        return held if held is not None and held.result.get("skipped") is True else None

    def _items(self, job: Job, loop: Loop, items: list[Any]) -> Outcome:
        render = self._templates.render
        loop_var, index_var = str(render(loop.loop_var, job.scope)), render(loop.index_var, job.scope)
        told: dict[str, Any] = {"ansible_loop_var": loop_var}
        if index_var:
            told["ansible_index_var"] = index_var
        if loop_var in job.task.vars or loop_var in job.slot.frame.vars:
            self._warn(
                job, f"The loop variable '{loop_var}' is in use already; name another in `loop_control`."
            )
        with_more, with_all = render(loop.extended, job.scope), render(loop.extended_allitems, job.scope)
        learned: dict[str, Any] = {}
        ended: list[Outcome] = []
        for number, (key, item) in enumerate(zip(item_keys(items), items, strict=True)):
            if loop.pause and number:
                self._pause(self._invoker.number(loop.pause, job.scope))
            names = {**told, loop_var: item}
            if index_var:
                names[index_var] = number
            if with_more:
                names["ansible_loop"] = extended(items, number, all_items=bool(with_all))
            scope = job.scope.child({**learned, **names})
            outcome = job.items.get(key) or self._item(job, scope, names, key, item)
            ended.append(outcome)
            learned |= outcome.facts
            if job.task.register:
                learned[job.task.register] = outcome.result
            if loop.break_when and self._broken(loop, job.scope.child({**learned, **names})):
                break
        return together(ended)

    def _broken(self, loop: Loop, scope: VariableScope) -> bool:
        """`break_when`; what is known after apply only breaks nothing."""
        return all(self._judge.holds(condition, scope) is True for condition in loop.break_when)

    def _item(
        self, job: Job, scope: VariableScope, names: Mapping[str, Any], key: ItemKey, item: Any
    ) -> Outcome:
        outcome = self._once(job, scope, scope_of(key))
        loop = job.task.loop
        label = item
        if job.task.no_log and self._templates.render(job.task.no_log, scope):
            label = "(censored due to no_log)"
        elif loop is not None and loop.label is not None:
            try:
                label = self._templates.render(loop.label, scope)
            except StepError as error:
                outcome = self._failed(job, scope, error)
        outcome = in_loop(outcome, names, key)
        self._item_done(job, key, outcome, shown(label))
        self._services.emit(ItemFinished(host=job.host, task=job.name, label=shown(label), outcome=outcome))
        return outcome

    # -------------------------------------------------------------- one item, or the whole step

    def _once(self, job: Job, scope: VariableScope, item: str) -> Outcome:
        try:
            if job.task.delegate_to is not None:
                scope = self._there(job, scope)
            held = self._held(job, scope)
            if held is not None:
                return self._told(job, scope, held)
            tries = self._tries(job.task, scope)
            weighed = self._until(job, scope, item, tries) if tries else self._try(job, scope, item, 1)
            return self._judge.settle(job.task, scope, weighed)
        except StepError as error:
            return self._failed(job, scope, error)

    def _there(self, job: Job, scope: VariableScope) -> VariableScope:
        """With the other host's own way to it, when the task is delegated."""
        way = spot_for(job.task, job.host, scope, self._templates).vars
        return scope.child(way) if way else scope

    def _held(self, job: Job, scope: VariableScope) -> Outcome | None:
        """How a step ends whose `when` does not hold, or can't be told; None: it is to be done."""
        for condition in job.task.when:
            holds = self._judge.holds(condition, scope)
            if isinstance(holds, Unknown):
                return left_open(f"`when` depends on {Unknown.describe(holds)}", dry=self._dry)
            if not holds:
                return skipped(condition)
        return None

    def _tries(self, task: Task, scope: VariableScope) -> int:
        """How often it may be tried; 0: once, and nothing is asked. As in Ansible, N `retries` come after a first
        try, and the 3 that `until` has by itself include it."""
        retries = None if task.retries is None else self._templates.render(task.retries, scope)
        if retries is None:
            return RETRIES if task.until else 0
        most = int(self._invoker.number(task.retries, scope))
        return most + 1 if most > 0 else 0

    def _until(self, job: Job, scope: VariableScope, item: str, most: int) -> Weighed:
        task = job.task
        delay = self._invoker.number(task.delay, scope)
        for number in range(1, most + 1):
            weighed = self._try(job, scope, item, number)
            if weighed.attempt.unreachable:
                return weighed
            weighed.result["attempts"] = number
            if weighed.open or self._reached(task, scope, weighed):
                return weighed
            if number < most:
                self._services.emit(
                    Progress(host=job.host, task=job.name, phase=f"try {number} of {most}", elapsed=0.0)
                )
                self._pause(delay if delay >= 0 else 1.0)
        weighed.result["attempts"] = most - 1
        weighed.result["failed"] = weighed.failed = True
        if task.until:
            weighed.hint = f"`until` did not hold after {most} tries"
        return weighed

    def _reached(self, task: Task, scope: VariableScope, weighed: Weighed) -> bool:
        if not task.until:
            return not weighed.failed
        seen = scope.child({task.register: weighed.result}) if task.register else scope
        verdicts = [self._judge.holds(condition, seen) for condition in task.until]
        must_know("`until`", verdicts, dry=self._dry)
        return all(isinstance(v, Unknown) or v for v in verdicts)

    def _try(self, job: Job, scope: VariableScope, item: str, number: int) -> Weighed:
        where = f"{item}/{number}/" if item or number > 1 else ""
        return self._judge.weigh(job.task, scope, self._call(job, scope, item, where))

    def _call(self, job: Job, scope: VariableScope, item: str, where: str) -> Attempt:
        task = job.task
        if task.async_seconds:
            seconds = self._invoker.number(task.async_seconds, scope)
            if seconds:
                poll = self._invoker.number(task.poll, scope)
                return self._async.invoke(job, scope, item, where, seconds=seconds, poll=poll)
        limit = time_limit(self._invoker.number(task.timeout, scope)) if task.timeout else None
        return self._invoker.invoke(job, scope, where, limit)

    # -------------------------------------------------------------- waiting and telling

    def _pause(self, seconds: float) -> None:
        """Wait without a place among `forks`. Raises Stopped when the run is cancelled."""
        with self._services.permits.given_back(self._services.cancel):
            cancelled = self._services.cancel.wait(seconds)
        if cancelled:
            raise Stopped("The run was interrupted between two tries of a step.")

    def _warn(self, job: Job, message: str) -> None:
        self._services.emit(Notice(message=f"{job.name} ({job.host}): {message}"))


def _would(supposed: Change, why: str) -> Change:
    """An undecided change, with what is known of it."""
    if supposed.action is Action.UNDECIDED or supposed.resource is None:
        return replace(supposed, action=Action.UNDECIDED, reason=why, also=())
    return replace(
        supposed, action=Action.UNDECIDED, reason=f"{why}; if it is done: {supposed.action.value}", also=()
    )
