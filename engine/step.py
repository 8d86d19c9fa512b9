"""One step: a task on a host, from `when` to the outcome. The only place that knows this order.

when -> loop -> arguments -> module (attempt.py) -> changed_when, failed_when -> until -> ignore_errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from .attempt import Attempt, carry_out, decide, explained, failure
from .context import Services, SharedReads, StepContext
from .contract import Computation, Module, computes
from .effects import Place
from .errors import RunbookError, StepError, TemplateError
from .events import ItemFinished
from .loops import ItemKey, flat, in_loop, item_keys, scope_of, shown, together
from .model import Change, Outcome, Play, Status, Task
from .outcomes import gave_up, skipped, undecided
from .params import bind, expression_fields, field_names, secret_fields
from .places import SSM, connection_for
from .plain import plain
from .planned import PlannedWorld
from .playbook_files import PlaybookFiles
from .preflight import asks_aws
from .registry import Registry
from .scope import VariableScope
from .secrets import Masker, secret_paths
from .targets import Targets
from .template import Templates
from .values import Expression, Secret, Unknown, contains_unknown, first_unknown
from .walk import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that one step needs to be carried out, in the loop or in a worker."""

    slot: Slot
    play: Play
    host: str
    step: str
    name: str
    """The task's name as it is shown."""
    scope: VariableScope
    reads: SharedReads
    base: Path
    items: Mapping[ItemKey, Outcome]
    """Loop items that this run has done already."""

    @property
    def task(self) -> Task:
        return self.slot.task


class Steps:
    """Carries out steps. Thread-safe: what it holds is shared by all of them."""

    def __init__(
        self,
        services: Services,
        templates: Templates,
        registry: Registry,
        targets: Targets,
        explain: Callable[[Exception], RunbookError | None],
        item_done: Callable[[Job, ItemKey, Outcome], None],
        masker: Masker,
    ) -> None:
        self._services = services
        self._templates = templates
        self._registry = registry
        self._targets = targets
        self._explain = explain
        self._item_done = item_done
        self._masker = masker

    def once(self, task: Task) -> bool:
        """Whether one host does it for all of them: the task says so, or its module always is that way."""
        return bool(task.run_once) or getattr(self._registry.get(task.module), "run_once", False)

    def waits(self, task: Task) -> bool:
        """Whether it may block, and so belongs to a worker."""
        if task.until or (task.loop is not None and task.loop.pause):
            return True
        return not computes(self._registry.get(task.module))

    def perform(self, job: Job) -> Outcome:
        """The outcome of the step. Raises only what stops the run."""
        began = time.monotonic()
        try:
            outcome = self._loop(job) if job.task.loop else self._once(job, job.scope, "")
        except StepError as error:
            outcome = self._conclude(job, job.scope, failure(error))
        return replace(outcome, seconds=time.monotonic() - began)

    # -------------------------------------------------------------- loop

    def _loop(self, job: Job) -> Outcome:
        loop = job.task.loop
        assert loop is not None  # noqa: S101 (perform asks)
        items = Secret.reveal(self._templates.render(loop.items, job.scope))
        if isinstance(items, Unknown):
            return self._open(f"The loop depends on {Unknown.describe(items)}")
        if loop.lookup == "items":
            items = flat(items)
        if not isinstance(items, Sequence) or isinstance(items, str | bytes):
            raise TemplateError(
                f"`loop` needs a list, and this is {type(items).__name__}", position=job.task.position
            )
        outcomes = []
        for number, (key, item) in enumerate(zip(item_keys(items), items, strict=True)):
            names = {loop.loop_var: item, "ansible_loop_var": loop.loop_var}
            if loop.index_var:
                names[loop.index_var] = number
            done = job.items.get(key)
            outcomes.append((item, done or self._item(job, names, key, item)))
            if loop.pause and number + 1 < len(items):
                self._services.cancel.wait(float(self._templates.render(loop.pause, job.scope)))
        return together(outcomes, loop.loop_var)

    def _item(self, job: Job, names: Mapping[str, Any], key: ItemKey, item: Any) -> Outcome:
        scope = job.scope.child(names)
        outcome = in_loop(self._once(job, scope, scope_of(key)), names, key)
        self._item_done(job, key, outcome)
        loop = job.task.loop
        label = item if loop is None or loop.label is None else self._templates.render(loop.label, scope)
        self._services.emit(ItemFinished(host=job.host, task=job.name, label=shown(label), outcome=outcome))
        return outcome

    # -------------------------------------------------------------- one item, or the whole step

    def _once(self, job: Job, scope: VariableScope, item: str) -> Outcome:
        try:
            for condition in job.task.when:
                holds = self._templates.truth(condition, scope)
                if isinstance(holds, Unknown):
                    return self._open(f"`when` depends on {Unknown.describe(holds)}")
                if not holds:
                    return skipped(condition)
            return self._until(job, scope, item) if job.task.until else self._try(job, scope, item, 1)
        except StepError as error:
            return self._conclude(job, scope, failure(error))

    def _until(self, job: Job, scope: VariableScope, item: str) -> Outcome:
        task = job.task
        most = 1 + max(0, int(self._templates.render(task.retries, scope)))
        delay = float(self._templates.render(task.delay, scope))
        number = 1
        while True:
            outcome = self._try(job, scope, item, number)
            outcome = replace(outcome, result={**outcome.result, "attempts": number})
            seen = scope.child({task.register: outcome.result}) if task.register else scope
            verdicts = [self._templates.truth(condition, seen) for condition in task.until]
            self._must_know("`until`", verdicts)
            if all(isinstance(v, Unknown) or v for v in verdicts):
                return outcome
            if number == most:
                return gave_up(outcome, number)
            context = self._context(job, None, scope, "")
            context.progress(f"try {number} of {most}")
            context.sleep(delay * context.target.speed)
            number += 1

    def _try(self, job: Job, scope: VariableScope, item: str, number: int) -> Outcome:
        where = f"{item}/{number}/" if item or number > 1 else ""
        attempt = explained(lambda: self._attempt(job, scope, where), self._explain)
        return self._conclude(job, scope, attempt)

    def _attempt(self, job: Job, scope: VariableScope, where: str) -> Attempt:
        task = job.task
        module = self._registry.get(task.module)
        raw = expression_fields(module.Params)
        rendered = {
            name: value if name in raw else self._templates.render(value, scope)
            for name, value in task.args.items()
        }
        params = bind(
            module.Params,
            rendered,
            task.arg_positions,
            task.position,
            files=self._files(job, scope),
            keep_secrets=computes(module),
        )
        self._must_know("An argument", [getattr(params, name) for name in params.__struct_fields__])
        self._learn_secrets(module, params)
        if computes(module):
            decided = decide(module, params, scope)
            if decided.undecided is not None:
                self._open(decided.undecided)
            return decided
        context = self._context(job, module, scope, where)
        names = field_names(module.Params)
        secret = {names.get(str(path[0]), str(path[0])) for path in secret_paths(rendered)}
        context = replace(context, secret_arguments=context.secret_arguments | secret)
        return carry_out(cast(Module, module), params, context, self._planned(job, scope))

    def _open(self, why: str) -> Outcome:
        """A dry run leaves it undecided. In a real run nothing will ever tell, so that the step fails: it needs a
        secret that a resume could not restore, or what a task with `check_mode: true` only planned."""
        if self._services.planned is None:
            raise TemplateError(f"{why}, which this run can't know", hint="Start afresh with `--fresh`.")
        return undecided(why)

    def _must_know(self, what: str, values: Sequence[Any]) -> None:
        """Raises TemplateError in a real run when one of the values is Unknown."""
        if self._services.planned is None and (unknown := first_unknown(values)) is not None:
            self._open(f"{what} depends on {Unknown.describe(unknown)}")

    def _learn_secrets(self, module: Module | Computation, params: Any) -> None:
        """Arguments that the module marks secret are masked from here on, wherever they turn up."""
        for path in secret_fields(module.Params):
            value = getattr(params, path[0], None)
            if value is not None and not contains_unknown(plain(value)):
                self._masker.add(plain(value))

    def _planned(self, job: Job, scope: VariableScope) -> PlannedWorld | None:
        """The planned world of a dry run, of its own for a task that says `check_mode: true`; None: apply."""
        if self._services.planned is not None:
            return self._services.planned
        return PlannedWorld() if self._templates.render(job.task.check_mode, scope) else None

    def _files(self, job: Job, scope: VariableScope) -> PlaybookFiles:
        return PlaybookFiles(job.base, self._templates, scope)

    def _context(self, job: Job, module: Any, scope: VariableScope, where: str) -> StepContext:
        task = job.task
        render = self._templates.render
        layers = [render(layer, scope) for layer in (*job.play.environment, *task.environment)]
        environment: dict[str, str] = {}
        for layer in map(Secret.reveal, layers):
            environment.update({str(k): str(Secret.reveal(v)) for k, v in (layer or {}).items()})
        settings = [render(task.aws, scope), render(job.play.aws, scope), scope.get("aws", None)]
        connection = connection_for(job.task, job.play, job.host, scope, self._templates)
        sleeping: list[StepContext] = []
        place = Place(
            self._services.run,
            job.step,
            where,
            task.rerun,
            lambda seconds: sleeping[0].sleep(seconds),
            secret=bool(render(task.no_log, scope)),
        )
        context = StepContext(
            services=self._services,
            host=job.host,
            task=job.name,
            target=self._targets.target(
                *map(Secret.reveal, settings), start=connection == SSM or asks_aws(module)
            ),
            connection=connection,
            variables=scope,
            environment=environment,
            base=job.base,
            place=place,
            reads=job.reads,
            files=self._files(job, scope),
            diff=self._services.diff if task.diff is None else bool(render(task.diff, scope)),
            secret_arguments=frozenset({"environment"} if secret_paths(layers) else ()),
            started=time.monotonic(),
        )
        sleeping.append(context)
        return context

    # -------------------------------------------------------------- what it came to

    def _conclude(self, job: Job, scope: VariableScope, attempt: Attempt) -> Outcome:
        """Let `changed_when`, `failed_when` and `ignore_errors` have their say."""
        if attempt.undecided is not None and attempt.changes:
            return undecided(attempt.undecided, attempt.result, attempt.changes)
        task = job.task
        result = {**attempt.result, "changed": attempt.changed, "failed": attempt.failed}
        changed, failed = attempt.changed, attempt.failed
        # What stopped it before it did anything (bad arguments, an undefined variable) can't be talked away.
        judged = attempt.error is None or bool(attempt.result.keys() - {"msg"})
        if judged and attempt.undecided is None:
            seen = scope.child({task.register: result}) if task.register else scope
            changed = self._judge(task.changed_when, seen, changed)
            failed = self._judge(task.failed_when, seen, failed)
            if failed and not attempt.failed and task.failed_when:
                result["failed_when_result"] = True
                result.setdefault("msg", f"failed_when: {' and '.join(e.source for e in task.failed_when)}")
        result |= {"changed": changed, "failed": failed}
        changes = attempt.changes
        if self._templates.render(task.no_log, scope):
            result = {k: v if k in _OPEN else Secret(v, "no_log") for k, v in result.items()}
            changes = tuple(Change(action=c.action, resource=c.resource) for c in changes)
        ignored = failed and bool(self._templates.render(task.ignore_errors, scope))
        status = Status.FAILED if failed else Status.CHANGED if changed else Status.OK
        if attempt.skipped and not failed:
            status, result["skipped"] = Status.SKIPPED, True
        if attempt.error is not None and attempt.error.hint and failed:
            result["hint"] = attempt.error.hint
        return Outcome(
            status=status,
            result=result,
            changes=changes,
            facts=attempt.facts,
            notified=self._notified(task, scope) if changed and not failed else (),
            directives=(attempt.directive,) if attempt.directive is not None and not failed else (),
            ignored=ignored,
        )

    def _judge(self, conditions: Sequence[Expression] | None, scope: VariableScope, otherwise: bool) -> bool:
        if conditions is None:
            return otherwise
        verdicts = [self._templates.truth(condition, scope) for condition in conditions]
        self._must_know("A condition on its result", verdicts)
        if any(isinstance(v, Unknown) for v in verdicts):
            return otherwise
        return all(verdicts)

    def _notified(self, task: Task, scope: VariableScope) -> tuple[str, ...]:
        names: list[str] = []
        for written in task.notify:
            name = self._templates.render(written, scope)
            names.extend(name if isinstance(name, list) else [str(name)])
        return tuple(names)


_OPEN = frozenset({"changed", "failed", "skipped", "attempts"})
"""What a `no_log` task shows all the same."""
