"""What a call comes to: `changed_when`, `failed_when`, `ignore_errors`, `no_log` and `notify` have their say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .attempt import Attempt
from .errors import StepError, TemplateError
from .model import (
    NO_VARS,
    Action,
    Change,
    Directive,
    FactsOf,
    Include,
    IncludeRole,
    Outcome,
    Status,
    Task,
    Value,
)
from .outcomes import must_know, undecided
from .places import delegated
from .scope import VariableScope
from .template import Templates, as_flag
from .values import Expression, Secret, Unknown, UnknownValue

NO_TRACE = "(traceback unavailable)"
"""What Ansible puts into `exception` of a failure that it has no traceback of."""

_OPEN = frozenset({"changed", "failed", "skipped", "attempts"})
"""What a `no_log` task shows all the same."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a step leaves behind."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    host_facts: Mapping[str, Any] = field(default_factory=dict)
    directives: tuple[Directive, ...] = ()


@dataclass(slots=True)
class Weighed:
    """One try of a call after its conditions were asked."""

    attempt: Attempt
    result: dict[str, Any]
    """What `register` holds while its conditions are asked."""
    changed: bool
    failed: bool
    hint: str = ""
    unsure: bool = False
    """In a dry run: `changed_when` depends on what the run will bring."""

    @property
    def open(self) -> bool:
        """A dry run can't decide it."""
        return self.attempt.undecided is not None and bool(self.attempt.changes)


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks the conditions of tasks. `dry`: values may be Unknown, and leave the module's own word standing."""

    templates: Templates
    dry: bool

    def weigh(self, task: Task, scope: VariableScope, attempt: Attempt) -> Weighed:
        """Ask `changed_when` and `failed_when`.

        What stopped it before it did anything (bad arguments, an undefined variable) can't be talked away; a
        condition that can't be evaluated fails the task, and its field of the result says why.
        """
        result = {**attempt.result, "changed": attempt.changed, "failed": attempt.failed}
        weighed = Weighed(attempt, result, attempt.changed, attempt.failed, _hint(attempt))
        if attempt.judged and not attempt.skipped and attempt.undecided is None:
            if task.changed_when or task.failed_when:
                self._ask(task, scope, weighed)
        elif attempt.skipped and not attempt.failed and "failed" not in attempt.result:
            del result["failed"]
        return weighed

    def _ask(self, task: Task, scope: VariableScope, weighed: Weighed) -> None:
        result = weighed.result
        seen = scope.child({task.register: result}) if task.register else scope
        if task.changed_when:
            try:
                verdicts = self._verdicts(task.changed_when, seen)
            except TemplateError as error:
                self._broken(weighed, "changed_when", error)
                return
            weighed.changed = result["changed"] = self._all(verdicts, weighed.changed)
            if (unknown := _unknown(verdicts)) is not None:
                weighed.unsure, result["changed"] = True, unknown
        if task.failed_when:
            try:
                verdicts = self._verdicts(task.failed_when, seen)
            except TemplateError as error:
                self._broken(weighed, "failed_when", error)
                return
            weighed.failed = self._all(verdicts, weighed.failed)
            result["failed"] = result["failed_when_result"] = weighed.failed
            if (unknown := _unknown(verdicts)) is not None:
                result["failed"] = result["failed_when_result"] = unknown
            if weighed.attempt.error is not None and not weighed.failed:
                result["failed_when_suppressed_exception"] = result.pop("exception", NO_TRACE)
            if weighed.failed and not weighed.attempt.failed:
                weighed.hint = f"failed_when: {' and '.join(e.source for e in task.failed_when)}"

    def _broken(self, weighed: Weighed, keyword: str, error: TemplateError) -> None:
        weighed.failed = weighed.result["failed"] = True
        before = "" if error.message.startswith("Conditional") else "Error while evaluating conditional: "
        weighed.result[f"{keyword}_result"] = before + error.message
        weighed.hint = f"{keyword}: {error}"

    def _verdicts(self, conditions: Sequence[Expression], scope: VariableScope) -> list[bool | Unknown]:
        """Each condition's answer, up to the first that does not hold."""
        verdicts: list[bool | Unknown] = []
        for condition in conditions:
            verdicts.append(self.holds(condition, scope))
            if verdicts[-1] is False:
                break
        return verdicts

    def _all(self, verdicts: Sequence[bool | Unknown], otherwise: bool) -> bool:
        must_know("A condition on its result", verdicts, dry=self.dry)
        return otherwise if any(isinstance(v, Unknown) for v in verdicts) else all(verdicts)

    def holds(self, condition: Expression, scope: VariableScope) -> bool | Unknown:
        """Whether a condition holds. Raises TemplateError when it can't be evaluated, or is no boolean: text such
        as "false" would hold."""
        return self.templates.truth(condition, scope)

    def settle(self, task: Task, scope: VariableScope, weighed: Weighed) -> Outcome:
        """The outcome of what was weighed. Raises TemplateError for keywords that can't be rendered."""
        attempt, result = weighed.attempt, weighed.result
        if weighed.open:
            left = undecided(str(attempt.undecided), attempt.result, attempt.changes)
            return replace(left, may_notify=self.may_notify(task, scope)) if task.notify else left
        changed, failed, changes = weighed.changed, weighed.failed, attempt.changes
        if failed:
            result.setdefault("exception", NO_TRACE)
        elif isinstance(attempt.directive, Include | IncludeRole):
            del result["failed"]
        hidden = bool(task.no_log and self._flag(task.no_log, scope, weighed))
        if hidden:
            result = {k: v if k in _OPEN else Secret(v, "no_log") for k, v in result.items()}
            changes = tuple(Change(action=c.action, resource=c.resource) for c in changes)
        if attempt.unreachable:
            del result["failed"]
        status = Status.FAILED if failed else Status.CHANGED if changed else Status.OK
        status = Status.UNREACHABLE if attempt.unreachable else status
        if attempt.skipped and not failed:
            status, result["skipped"] = Status.SKIPPED, True
        forgiven = task.ignore_unreachable if attempt.unreachable else task.ignore_errors
        learned = Learned() if failed else self._learned(task, scope, attempt)
        if self.dry and task.ignore_errors and any(change.action is Action.RUN for change in changes):
            result["failed"] = Unknown("whether what is run will fail")
        tells = bool(task.notify) and bool(changed) and not failed
        return Outcome(
            status=status,
            result=result,
            changes=changes,
            facts=learned.facts,
            host_facts=learned.host_facts,
            notified=self._notified(task, scope) if tells and not weighed.unsure else (),
            may_notify=self._notified(task, scope) if tells and weighed.unsure else (),
            directives=learned.directives,
            ignored=failed and bool(as_flag(self._flag(forgiven, scope, weighed))),
            hint=weighed.hint if failed and not hidden else "",
            arguments=attempt.arguments if failed and not hidden else NO_VARS,
        )

    def _learned(self, task: Task, scope: VariableScope, attempt: Attempt) -> Learned:
        """What is known from now on; with `delegate_facts` it is known of the other host."""
        directives = () if attempt.directive is None else (attempt.directive,)
        if task.delegate_facts and (attempt.facts or attempt.host_facts):
            other = delegated(task, scope, self.templates)
            if other is not None and as_flag(self.templates.render(task.delegate_facts, scope)):
                facts = FactsOf(other, dict(attempt.facts), dict(attempt.host_facts))
                return Learned(directives=(*directives, facts))
        return Learned(attempt.facts, attempt.host_facts, directives)

    def _flag(self, written: Value, scope: VariableScope, weighed: Weighed) -> Any:
        """A keyword's value; false in a step that a broken template failed, for this may be the one."""
        try:
            return self.templates.render(written, scope)
        except TemplateError:
            if isinstance(weighed.attempt.error, TemplateError):
                return False
            raise

    def may_notify(self, task: Task, scope: VariableScope) -> tuple[str, ...]:
        """Handlers that an undecided step may notify; those whose names are not known yet are left out."""
        try:
            return self._notified(task, scope)
        except (StepError, UnknownValue):
            return ()

    def _notified(self, task: Task, scope: VariableScope) -> tuple[str, ...]:
        names: list[str] = []
        for written in task.notify:
            name = Secret.reveal(self.templates.render(written, scope))
            names.extend(map(str, name) if isinstance(name, list) else [str(name)])
        return tuple(names)


def _unknown(verdicts: Sequence[bool | Unknown]) -> Unknown | None:
    return next((verdict for verdict in verdicts if isinstance(verdict, Unknown)), None)


def _hint(attempt: Attempt) -> str:
    return (attempt.error.hint or "") if attempt.error is not None else ""
