"""What a rule of `runbook lint` is: a name, a severity, a page of text, and a function that looks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml

from .errors import Position

Severity: TypeAlias = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

Subject: TypeAlias = Literal["loader", "file", "play", "task", "text", "all"]
"""What a rule looks at, one at a time: what the loader said; a file; a play; a task or handler; a template or an
expression; everything together."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a rule found."""

    at: Position | yaml.Node
    message: str
    hint: str | None = None


Check: TypeAlias = Callable[..., Iterator[Mark]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `page`: what it is about and what to write instead, in Markdown; its first line stands alone."""

    name: str
    severity: Severity
    subject: Subject
    page: str
    check: Check | None
    """None: the loader, or the linter itself, finds these."""
    optional: bool = False
    """Asked only when the configuration enables it."""

    @property
    def title(self) -> str:
        return self.page.partition("\n")[0]

    @property
    def body(self) -> str:
        return self.page.partition("\n")[2].strip()


class Rules:
    """A collection that functions join by decoration; their docstrings are the rules' pages."""

    def __init__(self) -> None:
        self.all: list[Rule] = []

    def rule(
        self, name: str, severity: Severity, subject: Subject, *, optional: bool = False
    ) -> Callable[[Check], Check]:
        def join(check: Check) -> Check:
            page = inspect.cleandoc(check.__doc__ or "")
            self.all.append(
                Rule(name=name, severity=severity, subject=subject, page=page, check=check, optional=optional)
            )
            return check

        return join

    def told(self, name: str, severity: Severity, page: str) -> Rule:
        """A rule that no function of its own checks."""
        made: Any = Rule(
            name=name, severity=severity, subject="loader", page=inspect.cleandoc(page), check=None
        )
        self.all.append(made)
        return made  # type: ignore[no-any-return]
