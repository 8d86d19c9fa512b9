"""The one error tree: one root, few leaves, an exit code each.

Exit codes (docs/cli.md): 0 done; 2 a task failed; 4 stopped or unreachable, can be resumed; 1 wrong use,
nothing was run.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file that the operator wrote; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what the operator wrote."""

    message: str
    position: Position | None = None
    hint: str | None = None
    excerpt: str | None = None
    """The source line itself, without its line end."""

    def __str__(self) -> str:
        lines = [f"{self.position}: {self.message}" if self.position else self.message]
        if self.position and self.excerpt is not None:
            number = str(self.position.line)
            mark = " " * (self.position.column - 1) + "^"
            lines += [f"  {number} | {self.excerpt}", f"  {' ' * len(number)} | {mark}"]
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint that names what was probably meant, or None when nothing is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{matches[0]}'?" if matches else None


@dataclass(frozen=True, slots=True)
class StepPlace:
    """The step that an error stopped the run at."""

    host: str
    task: str
    position: Position


class RunbookError(Exception):
    """Root of everything that runbook raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        position: Position | None = None,
        hint: str | None = None,
        excerpt: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint
        self.excerpt = excerpt
        self.step: StepPlace | None = None

    def __str__(self) -> str:
        return str(Problem(self.message, self.position, self.hint, self.excerpt))


class UsageError(RunbookError):
    """The command line, or the surroundings of the run, can't work. Nothing was run."""


class LoadError(RunbookError):
    """What the operator wrote can't be used; all problems of a file are told together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n\n".join(map(str, problems)))
        self.problems = tuple(problems)


class ContractError(RunbookError):
    """A module does not keep the contract of `runbook.contract`."""


class CredentialsError(RunbookError):
    """No credentials, unusable ones, or those of another account. Raised before anything is run."""


class StepError(RunbookError):
    """What fails one step: `rescue` and `ignore_errors` apply."""

    exit_code = 2


class TemplateError(StepError):
    """An expression could not be rendered."""


class UndefinedVariable(TemplateError):
    """An expression names a variable or an attribute that is not there."""


class VaultError(TemplateError):
    """An encrypted text can't be opened: no password, a wrong one, or it is damaged."""


class ParamsError(StepError):
    """Rendered arguments do not fit the module's Params; all of them are told together, as the hint.

    `message` is what a playbook finds in `msg`: one line, in the words that Ansible has for the first of them.
    """

    def __init__(self, problems: Sequence[Problem], message: str) -> None:
        super().__init__(message, hint="\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Failed(StepError):
    """A module could not do what it was asked for.

    `result` holds what is known all the same (return code, output so far) and reaches `register`.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, result: dict[str, object] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.result = result or {}


class NoWay(Failed):
    """There is no way to the host that a step would act on: it counts as unreachable, and leaves the play."""

    exit_code = 4


class InDoubt(RunbookError):
    """A call with an effect got no answer: it may have happened. Settled by `find`, or the run stops here."""

    exit_code = 4


class Interrupted(InDoubt):
    """The run was interrupted, and a call with an effect with it: nothing is settled any more in this run."""


class Unreachable(RunbookError):
    """The host can't be reached; it leaves the play."""

    exit_code = 4


class Stopped(RunbookError):
    """The run stops here with everything recorded, and can be resumed: Ctrl-C, expired credentials, ..."""

    exit_code = 4


class JournalError(RunbookError):
    """The state file can't be used: held by another run, damaged, or written by a newer version."""
