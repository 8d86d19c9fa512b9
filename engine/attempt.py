"""One call of a module: bind its arguments, then look, plan and, when the run is real, apply."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .begun import plan_of
from .context import StepContext
from .contract import Computation, Decision, Module
from .doubts import Vouched
from .errors import Failed, NoWay, Problem, RunbookError, StepError, Unreachable
from .host_facts import facts_in
from .model import Action, Change, Directive
from .places import no_way
from .plain import plain
from .planned import PlannedWorld
from .values import NeedsPlain, Unknown, UnknownValue


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What one call of a module came to, before `changed_when` and `failed_when` have their say."""

    result: dict[str, Any] = field(default_factory=dict)
    changed: bool = False
    failed: bool = False
    skipped: bool = False
    error: RunbookError | None = None
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    host_facts: Mapping[str, Any] = field(default_factory=dict)
    directive: Directive | None = None
    undecided: str | None = None
    unreachable: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the module was called with, secrets boxed."""
    judged: bool = True
    """The module said so itself, and `changed_when` and `failed_when` may think otherwise of it."""


def decide(module: Computation, params: Any, scope: Any) -> Attempt:
    """Let a Computation decide."""
    decision: Decision = module.compute(params, scope)
    result = plain(decision.result)
    if decision.undecided is not None:
        result["msg"] = f"Can't be told before the run: {decision.undecided}"
    return Attempt(
        result=result,
        changed=decision.changed,
        failed=decision.failed,
        skipped=decision.skipped,
        facts=decision.facts,
        host_facts=decision.host_facts,
        directive=decision.directive,
        undecided=decision.undecided,
    )


def agreed(_change: Change) -> None:
    """No plan was made that has a say."""


def carry_out(
    module: Module,
    params: Any,
    ctx: StepContext,
    planned: PlannedWorld | None,
    agree: Callable[[Change], None] = agreed,
) -> Attempt:
    """Observe, plan, apply. With a planned world it ends after the plan: a dry run. `agree` hears of the change
    before anything is done, and raises Stopped when it must not be.

    Raises NoWay when the module would act on a host that it has no way to (preflight saw what is written; this
    sees what is rendered, and hosts that were added).
    """
    if refused := no_way(module, ctx.task, ctx.host, ctx.connection):
        raise NoWay(refused[0], hint=refused[1], result={"unreachable": True})
    try:
        change = look(module, params, ctx, planned)
    except UnknownValue as error:
        if planned is None:
            raise
        why = Unknown.describe(error.unknown)
        change = Change(action=Action.UNDECIDED, resource=_named(module, params), reason=f"depends on {why}")
        agree(change)
        planned.note(ctx.target, change)
        return undecided(module, why, ctx.task, change)
    agree(change)
    for warning in change.warnings:
        ctx.warn(warning)
    if planned is not None:
        return _planned(module, change, ctx, planned)
    # After a kill the effect is there and the outcome is not: it was this run that changed it.
    acted = ctx.services.effects.happened(ctx.place)
    if change.action is Action.NONE:
        done = _done(registered(module, change.result, ctx.task), change, changed=acted)
        return _since_begun(ctx, done, {}) if acted else done
    try:
        result = plain(module.apply(_to_act(ctx, change), params, change)) or {}
    except Vouched as told:
        return Attempt(result={"msg": str(told)}, changed=True, changes=(change,))
    # A look at something else's work (`async_status`) tells what that came to.
    done = _done(result, change, changed=bool(result.get("changed", change.action.changes or acted)))
    return _since_begun(ctx, done, done.result) if acted else done


def _named(module: Module, params: Any) -> str | None:
    """The name of what a call would change, as far as that is known."""
    try:
        return module.resource(params)
    except UnknownValue:
        return None


def _since_begun(ctx: StepContext, attempt: Attempt, seen: Mapping[str, Any]) -> Attempt:
    """The step as if nobody had killed it: told from before its first effect on. `seen`: what it did now."""
    changes = ctx.services.effects.changes(ctx.place, attempt.changes)
    if changes and not attempt.skipped:
        attempt.changes, told = changes, changes[0].result
        attempt.result = _told_since(seen, told) if isinstance(told, Mapping) else attempt.result
        if changes[0].warnings:
            attempt.result = {**attempt.result, "warnings": list(changes[0].warnings)}
    return attempt


def _told_since(seen: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What was planned first, with what only doing it brought: an empty word hides nothing that was found."""
    return {
        **seen,
        **{name: value for name, value in told.items() if value not in ("", None) or name not in seen},
    }


def _planned(module: Module, change: Change, ctx: StepContext, planned: PlannedWorld) -> Attempt:
    """The end of a call that makes no change: of a dry run, or of a task that says `check_mode: true`."""
    planned.note(ctx.target, change)
    if change.action is Action.UNDECIDED:
        return undecided(module, change.reason, ctx.task, change)
    compares = planned is not ctx.services.planned
    kept = change.checked if compares and change.checked is not None else change.result
    result = registered(module, kept, ctx.task)
    return _done(result, _compared(change) if compares else change, changed=change.action.changes)


def _compared(change: Change) -> Change:
    """What a task with `check_mode: true` saw: nobody made the change, and nobody will."""
    also = tuple(map(_compared, change.also))
    if not change.action.changes:
        return replace(change, also=also)
    return replace(change, action=Action.READ, compared=True, also=also)


def _done(result: dict[str, Any], change: Change, *, changed: bool) -> Attempt:
    skipped = result.get("skipped") is True
    also = (one for one in change.also if one.resource is not None)
    if change.warnings:
        result = {**result, "warnings": list(change.warnings)}
    return Attempt(
        result=result,
        changed=changed and not skipped,
        skipped=skipped,
        changes=(change, *also) if not skipped else (),
        host_facts=facts_in(result),
    )


def _to_act(ctx: StepContext, change: Change) -> StepContext:
    """The context with which the change is made.

    A declared state was observed and planned anew: what is still planned did not happen, so it may be called.
    Only a command that runs for its own sake leaves a question when nothing can tell whether it ran.
    """
    rerun = ctx.place.rerun if change.action is Action.RUN else "declared"
    planned = plan_of(change) if change.action.changes else ()
    if ctx.place.secret:
        planned = tuple(Change(action=one.action, resource=one.resource) for one in planned)
    return replace(ctx, place=replace(ctx.place, rerun=rerun, planned=planned), acts=True)


def look(module: Module, params: Any, ctx: StepContext, planned: PlannedWorld | None) -> Change:
    """What the module would change."""

    def read() -> Any:
        return module.observe(ctx, params)

    observed = planned.observe(ctx.target, module.resource(params), read) if planned is not None else read()
    return module.plan(params, observed)


def registered(module: Module, result: Any, task: str) -> dict[str, Any]:
    """What `register` holds when nothing was applied; fields that a change would decide are Unknown."""
    if result is not None:
        found: dict[str, Any] = plain(result)
        return found
    return {name: Unknown(f"{task}: {name}") for name in module.Result.__struct_fields__}


def undecided(module: Module, why: str, task: str, change: Change | None = None) -> Attempt:
    """A step of a dry run that depends on what an earlier change will bring."""
    change = change or Change(action=Action.UNDECIDED, reason=f"depends on {why}")
    return Attempt(result=registered(module, None, task), changes=(change,), undecided=why)


def explained(
    work: Callable[[], Attempt],
    explain: Callable[[Exception], RunbookError | None],
    *,
    judged: bool = False,
) -> Attempt:
    """Run `work`; what fails the step or loses its host becomes a failed Attempt, what stops the run is raised."""
    try:
        return work()
    except StepError as error:
        return failure(error, judged=judged)
    except Unreachable as error:
        return _lost(error)
    except (UnknownValue, NeedsPlain) as error:
        return failure(_our_mistake(error), judged=judged)
    except RunbookError:
        raise
    except Exception as error:  # an SDK's exception, or a mistake in a module
        meaning = explain(error) or _our_mistake(error)
        if isinstance(meaning, StepError):
            return failure(meaning, judged=judged)
        if isinstance(meaning, Unreachable):
            return _lost(meaning)
        raise meaning from error


def _lost(error: Unreachable) -> Attempt:
    """The service that acts for this host can't be reached: the others may have another one, so only it is lost."""
    return failure(NoWay(error.message, hint=error.hint, result={"unreachable": True}))


def _our_mistake(error: Exception) -> Failed:
    if isinstance(error, OSError) and error.filename is not None:
        return Failed(f"{error.filename!r} can't be used: {error.strerror}")
    if isinstance(error, ValueError) and str(error).startswith("embedded null"):
        return Failed("An argument holds a NUL character, which no path and no command can hold")
    trace = "".join(traceback.format_exception(error))
    return Failed(
        f"Internal error: {type(error).__name__}: {error}",
        hint="A mistake in the module or in runbook; `-vvv` shows where.",
        result={"exception": trace},
    )


def failure(error: StepError, *, judged: bool = False) -> Attempt:
    """A step that failed. `judged`: its module was called, so that conditions on its result may forgive it."""
    known = dict(error.result) if isinstance(error, Failed) else {}
    # With the place in the file and its line, where the error knows them; the hint is shown apart.
    message = str(Problem(error.message, error.position, excerpt=error.excerpt))
    return Attempt(
        result={**known, "msg": message},
        changed=bool(known.get("changed", False)),
        failed=True,
        error=error,
        unreachable=isinstance(error, NoWay),
        judged=judged and not isinstance(error, NoWay),
    )
