"""Outcomes that are not a module's own: undecided, skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import TemplateError
from .journal_values import LOCKED, WITHHELD
from .model import NO_VARS, Action, Change, Outcome, Status
from .state_key import NEXT_TIME, STATE_KEY
from .values import Expression, Unknown, first_unknown


def undecided(why: str, known: Mapping[str, Any] = NO_VARS, changes: tuple[Change, ...] = ()) -> Outcome:
    """Of a step of a dry run that depends on what the run will bring. `known`: fields that are told anyway."""
    changes = changes or (Change(action=Action.UNDECIDED, reason=why),)
    return Outcome(status=Status.CHANGED, result=UnknownResult(why, known), changes=changes)


class UnknownResult(dict[str, Any]):
    """What `register` holds of a step that can't be decided before the run: every field is Unknown."""

    def __init__(self, why: str, known: Mapping[str, Any]) -> None:
        super().__init__({**known, "changed": Unknown(why), "failed": False, "skipped": Unknown(why)})
        self.why = why

    def __missing__(self, key: str) -> Unknown:
        return Unknown(f"{self.why}: {key}")

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 (dict's own signature)
        return self[key]


def left_open(why: str, *, dry: bool) -> Outcome:
    """A dry run leaves it undecided. In a real run nothing will ever tell, and TemplateError is raised: it needs a
    secret that a resume could not restore, or what a task with `check_mode: true` only planned."""
    if not dry:
        raise TemplateError(f"{why}, which this run can't know", hint=_way_out(why))
    return undecided(why)


def _way_out(why: str) -> str:
    if LOCKED in why:
        return (
            f"Go on with the vault password, or the {STATE_KEY}, that the run had; or `--fresh` starts anew."
        )
    return f"Start afresh with `--fresh`. {NEXT_TIME}" if WITHHELD in why else "Start afresh with `--fresh`."


def must_know(what: str, values: Sequence[Any], *, dry: bool) -> None:
    """Raises TemplateError in a real run when one of the values is Unknown."""
    if not dry and (unknown := first_unknown(values)) is not None:
        left_open(f"{what} depends on {Unknown.describe(unknown)}", dry=False)


def skipped(condition: Expression) -> Outcome:
    """Of a step whose `when` did not hold."""
    source = condition.source
    result = {
        "changed": False,
        "skipped": True,
        "skip_reason": "Conditional result was False",
        # YAML's own false is told as one, and so is what braces came to
        "false_condition": False if source == "false" or source.lstrip().startswith("{{") else source,
    }
    return Outcome(status=Status.SKIPPED, result=result)


NOT_READ = "reason"
"""Why an include could not be followed, by Ansible's name."""


def not_included(outcome: Outcome, why: str) -> Outcome:
    """Of an include whose file or role can't be read: it has failed, whatever `ignore_errors` says (Ansible's
    rule: the tasks are missing that would come next)."""
    told = {name: value for name, value in outcome.result.items() if name != "include_args"}
    result = {**told, "changed": False, "failed": True, NOT_READ: why}
    return Outcome(status=Status.FAILED, result=result, hint=why)
