"""One call of a task's module: its arguments rendered and bound, its context made, then attempt.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from .attempt import Attempt, agreed, carry_out, decide, explained, failure
from .called import Called
from .context import Limit, Services, StepContext
from .contract import Computation, Module, Params, computes
from .effects import Place
from .errors import Failed, ParamsError, RunbookError, TemplateError
from .include_vars import included
from .job import Job
from .lasting import lasting
from .late_arguments import late_arguments
from .model import Change, Value, VarsFiles
from .outcomes import left_open, must_know
from .params import bind, expression_fields, field_names, secret_fields
from .places import SSM, spot_for
from .plain import plain
from .planned import PlannedWorld
from .playbook_files import PlaybookFiles
from .preflight import asks_aws
from .promise import Call
from .registry import Registry
from .scope import VariableScope
from .secrets import Masker, secret_paths
from .targets import Targets, where
from .template import Templates
from .template_syntax import origin_of
from .values import OMIT, Secret, Template, contains_unknown


@dataclass(slots=True)
class Supposed:
    """A call of which only is asked what it would change."""

    world: PlannedWorld
    change: Change | None = None

    def hear(self, change: Change) -> None:
        if change.action.changes:
            self.change = change


class Invoker:
    """Calls modules. Thread-safe: what it holds is shared by all steps."""

    def __init__(
        self,
        services: Services,
        templates: Templates,
        registry: Registry,
        targets: Targets,
        explain: Callable[[Exception], RunbookError | None],
        masker: Masker,
    ) -> None:
        self._services = services
        self._templates = templates
        self._registry = registry
        self._targets = targets
        self._explain = explain
        self._masker = masker

    def invoke(self, job: Job, scope: VariableScope, where: str, limit: Limit | None = None) -> Attempt:
        """What one call comes to. `where`: loop item and try, in the identity of its effects. Raises what stops
        the run."""
        return explained(lambda: self.prepare(job, scope, where, limit)(), self._explain)

    def suppose(self, job: Job, scope: VariableScope, why: str) -> Change | None:
        """What a step of a dry run would do if it were done, of which nobody knows whether it will be; all that is
        in doubt from here on. None: nothing, or that can't be told."""
        world = self._services.planned
        if world is None or computes(self._registry.get(job.task.module)):
            return None
        supposed = Supposed(world.supposing(why))
        explained(lambda: self.prepare(job, scope, "", supposed=supposed)(), self._explain)
        return supposed.change

    def prepare(
        self,
        job: Job,
        scope: VariableScope,
        where: str,
        limit: Limit | None = None,
        supposed: Supposed | None = None,
    ) -> Callable[[], Attempt]:
        """A call with its arguments rendered and bound, ready to be made, by another thread too. `supposed`: it is
        no call of the run.

        Raises StepError for arguments that can't be.
        """
        task = job.task
        module = self._registry.get(task.module)
        rendered = self._rendered(job, module, scope)
        # What a Computation says is all there is to say.
        called = {} if computes(module) else _boxed(module, rendered)
        try:
            params = bind(
                module.Params,
                rendered,
                task.arg_positions,
                task.position,
                files=self._files(job, scope),
                keep_secrets=computes(module),
                module=task.module,
            )
        except ParamsError as error:
            # Ansible's modules look at their arguments themselves: `failed_when` may think well of it.
            refused = failure(error, judged=not computes(module))
            refused.arguments = called
            return lambda: refused
        dry = self._services.planned is not None
        must_know("An argument", [getattr(params, name) for name in params.__struct_fields__], dry=dry)
        self._learn_secrets(module, params)
        if computes(module):
            computation = module
            return lambda: self._decided(job, computation, params, scope)
        context = self.context(job, module, scope, where)
        names = field_names(module.Params)
        secret = {names.get(str(path[0]), str(path[0])) for path in secret_paths(rendered)}
        place = replace(context.place, called=lambda: self._how(job, module, context, rendered))
        context = replace(
            context, secret_arguments=context.secret_arguments | secret, limit=limit, place=place
        )
        lost = partial(lasting, module, task.module, called)
        planned = supposed.world if supposed else self._planned(job, scope)
        agree = supposed.hear if supposed else self._agree(job, context, params, planned, lost)

        def call() -> Attempt:
            return carry_out(cast(Module, module), params, context, planned, agree)

        def ended() -> Attempt:
            attempt = _in_time(explained(call, self._explain, judged=True), limit)
            attempt.arguments = called
            return attempt

        return ended

    def _rendered(self, job: Job, module: Module | Computation, scope: VariableScope) -> dict[str, Any]:
        raw = expression_fields(module.Params)
        task = job.task
        args = task.args
        if task.late_defaults or task.args_template is not None:
            args = {**late_arguments(task, scope, self._templates), **args}
        render = self._templates.render
        return {
            name if type(name) is str else str(render(name, scope)): value
            if name in raw
            else render(value, scope)
            for name, value in args.items()
        }

    def _decided(self, job: Job, module: Computation, params: Any, scope: VariableScope) -> Attempt:
        decided = decide(module, params, scope)
        if isinstance(decided.directive, VarsFiles):
            return included(decided.directive, job.task, job.base, scope, self._templates)
        if decided.undecided is not None:
            left_open(decided.undecided, dry=self._services.planned is not None)
        return decided

    def _learn_secrets(self, module: Module | Computation, params: Any) -> None:
        """Arguments that the module marks secret are masked from here on, wherever they turn up."""
        for path in secret_fields(module.Params):
            value = getattr(params, path[0], None)
            if value is not None and not contains_unknown(plain(value)):
                self._masker.add(plain(value))

    def _planned(self, job: Job, scope: VariableScope) -> PlannedWorld | None:
        """The planned world of a dry run, one of its own for a task that says `check_mode: true`; None: apply."""
        world, compares = self._services.planned, bool(self._templates.render(job.task.check_mode, scope))
        if world is not None:
            return world.aside() if compares else world
        return PlannedWorld() if compares else None

    def _agree(
        self,
        job: Job,
        context: StepContext,
        params: Params,
        planned: PlannedWorld | None,
        lost: Callable[[Change], str],
    ) -> Callable[[Change], None]:
        """What hears of the change before it is made; a task that only compares needs no agreement."""
        promise, edited = self._services.promise, self._services.edited if job.anew else None
        if planned is not self._services.planned or (promise is None and edited is None):
            return agreed
        call = replace(call_of(job, context, params), lasting=lost)

        def agree(change: Change) -> None:
            if promise is not None:
                promise.hold(call, change)
            if edited is not None:
                edited.hold(job.anew, call, change)

        return agree

    def _files(self, job: Job, scope: VariableScope) -> PlaybookFiles:
        return PlaybookFiles(job.base, self._templates, scope, job.task)

    def number(self, written: Value, scope: VariableScope) -> float:
        """A keyword that takes a number; 0 for what is left out. Raises TemplateError for what is none."""
        value = Secret.reveal(self._templates.render(written, scope))
        if value is None or value is OMIT or value == "":
            return 0.0
        try:
            return float(value)
        except (TypeError, ValueError):
            at, line = origin_of(written).place(1, None) if isinstance(written, Template) else (None, None)
            message = f"A number is needed here, and this is '{value}'"
            raise TemplateError(message, position=at, excerpt=line) from None

    # -------------------------------------------------------------- where it acts

    def context(self, job: Job, module: Any, scope: VariableScope, where: str) -> StepContext:
        """What the module is handed. Raises StepError for settings that can't be rendered."""
        task = job.task
        render = self._templates.render
        layers = [render(layer, scope) for layer in task.environment]
        settings = self._settings(job, scope)
        spot = spot_for(task, job.host, scope, self._templates)
        sleeping: list[StepContext] = []
        place = Place(
            self._services.run,
            job.step,
            where,
            task.rerun,
            lambda seconds: sleeping[0].sleep(seconds),
            secret=bool(render(task.no_log, scope)),
            task=job.name,
            host=job.host,
            ask=lambda question: sleeping[0].ask(question),
        )
        context = StepContext(
            services=self._services,
            host=job.host,
            task=job.name,
            target=self._targets.target(*settings, start=spot.connection == SSM or asks_aws(module)),
            connection=spot.connection,
            variables=scope,
            environment=_environment(layers),
            base=job.base,
            place=place,
            reads=job.reads,
            files=self._files(job, scope),
            diff=self._services.diff if task.diff is None else bool(render(task.diff, scope)),
            secret_arguments=frozenset({"environment"} if secret_paths(layers) else ()),
            started=time.monotonic(),
            spot=spot.host,
        )
        sleeping.append(context)
        return context

    def _settings(self, job: Job, scope: VariableScope) -> list[Any]:
        """The layers of `aws:`, the strongest first."""
        render = self._templates.render
        layers = [render(job.task.aws, scope), render(job.play.aws, scope), scope.get("aws", None)]
        return list(map(Secret.reveal, layers))

    def _how(self, job: Job, module: Any, context: StepContext, rendered: Mapping[str, Any]) -> Called:
        """The call as the journal keeps it."""
        settings: dict[str, Any] = {}
        for layer in self._settings(job, cast(VariableScope, context.variables)):
            settings = {**(layer or {}), **settings}
        names = field_names(module.Params)
        hidden = context.place.secret
        boxed = {} if hidden else _boxed(module, rendered)
        at = job.task.position
        return Called(
            module=job.task.module,
            arguments={names.get(name, name): value for name, value in boxed.items()},
            scope=context.place.scope,
            host=context.spot if context.spot != job.host else "",
            connection=context.connection,
            aws=settings,
            hidden=hidden,
            file=at.file,
            line=at.line,
        )


def call_of(job: Job, context: StepContext, params: Params) -> Call:
    """The call as a plan knows it."""
    item, _, rest = context.place.scope.partition("/")
    return Call(
        step=job.step,
        item=item,
        first=rest in ("", "1/", "job/"),
        host=job.host,
        task=job.name,
        module=job.task.module,
        position=job.task.position,
        params=params,
        under=tuple(f"{include}@{job.host}" for include in job.slot.frame.under),
        settings={
            "aws": where(context.target),
            "connection": context.connection,
            "host": context.spot or job.host,
            "environment": context.environment,
        },
        tainted=context.secret_arguments,
        secret=context.place.secret,
        ask=context.ask,
        begun=partial(context.services.effects.happened, context.place),
    )


def _in_time(attempt: Attempt, limit: Limit | None) -> Attempt:
    """What went on for longer than it should have failed, even if nothing could end it."""
    if limit is None or not limit.over or attempt.failed:
        return attempt
    return failure(limit.error, judged=True)


def _boxed(module: Module | Computation, rendered: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments to be shown: those that the module marks secret are in boxes."""
    names, secret = field_names(module.Params), {path[0] for path in secret_fields(module.Params)}
    return {
        name: Secret(Secret.reveal(value), "argument") if names.get(name, name) in secret else value
        for name, value in rendered.items()
        if value is not None and value is not OMIT
    }


def _environment(layers: Sequence[Any]) -> dict[str, str]:
    """Later layers win. Raises Failed for what is no mapping."""
    environment: dict[str, str] = {}
    for layer in map(Secret.reveal, layers):
        for one in layer if isinstance(layer, list | tuple) else (layer,):
            opened = Secret.reveal(one)
            if opened is None or opened == "":
                continue
            if not isinstance(opened, Mapping):
                raise Failed(
                    f"`environment` takes a mapping of variables, and this is {type(opened).__name__}"
                )
            environment.update({str(k): str(Secret.reveal(v)) for k, v in opened.items()})
    return environment
