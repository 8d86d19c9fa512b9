"""`runbook lint`: what is wrong with playbooks, and what should be written otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .errors import Position, Problem, nearest
from .lint_config import Config
from .lint_files import Gathered, around, gather, yaml_files
from .lint_rule import Mark, Rule, Severity
from .lint_rules import ARGUMENTS, BY_NAME, DEPRECATED, JINJA, LOAD_FAILURE, RULES, SYNTAX, UNUSED_EXCEPTION
from .lint_rules_names import Everything
from .lint_view import FileView
from .loader_call import Catalog, Modules
from .source import Source

_EXCEPTION = re.compile(r"#\s*(lint|noqa)\s*:?\s*([\w\-\[\], ]+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found."""

    rule: Rule
    severity: Severity
    problem: Problem

    @property
    def position(self) -> Position:
        return self.problem.position or Position("", 0, 0)


def lint(paths: Sequence[str], catalog: Catalog, config: Config) -> list[Finding]:
    """Everything that the rules find, in the order of its places. Raises LoadError for a path that is not there."""
    gathered = gather(yaml_files(paths, config), catalog)
    every = Everything(tuple(gathered.views.values()), around([*gathered.views]))
    modules = Modules(catalog)
    found = [*_told(gathered), *_checked(every, modules, config)]
    kept = dict.fromkeys(pair for pair in found if config.asks(pair[0]))
    left, unused = _excepted(kept, gathered.views)
    if config.asks(UNUSED_EXCEPTION):
        left += unused
    findings = [Finding(rule, config.severity_of(rule), problem) for rule, problem in left]
    return sorted(findings, key=lambda one: (one.position, one.rule.name))


# ---------------------------------------------------------------- what is found


def _told(gathered: Gathered) -> Iterator[tuple[Rule, Problem]]:
    """What the loader says."""
    for rule, problems in (
        (SYNTAX, gathered.syntax),
        (JINJA, gathered.jinja),
        (ARGUMENTS, gathered.arguments),
        (LOAD_FAILURE, gathered.load),
        (DEPRECATED, gathered.warnings),
    ):
        yield from ((rule, problem) for problem in problems)


def _checked(every: Everything, modules: Modules, config: Config) -> Iterator[tuple[Rule, Problem]]:
    """What the rules say themselves."""
    for rule in RULES:
        if rule.check is None or not config.asks(rule):
            continue
        if rule.subject == "all":
            sources = {view.path: view.file.source for view in every.files}
            for mark in rule.check(every):
                yield rule, _problem(mark, sources, None)
            continue
        for view in every.files:
            for mark in _marks(rule, view, modules):
                yield rule, _problem(mark, {view.path: view.file.source}, view)


def _marks(rule: Rule, view: FileView, modules: Modules) -> Iterator[Mark]:
    assert rule.check is not None  # noqa: S101 (the caller asks)
    if rule.subject == "file":
        yield from rule.check(view, modules)
    elif rule.subject == "play":
        for play in view.plays:
            yield from rule.check(play, modules)
    elif rule.subject == "task":
        for task in view.tasks:
            yield from rule.check(task, modules)
    else:
        for text in {(type(text), text.source, text.position): text for text in view.file.texts}.values():
            yield from rule.check(view.file, text, modules)


def _problem(mark: Mark, sources: Mapping[str, Source], view: FileView | None) -> Problem:
    if isinstance(mark.at, Position):
        at = mark.at
    else:
        assert view is not None  # noqa: S101 (rules about everything give positions)
        at = view.file.position(mark.at)
    source = sources.get(at.file)
    return source.problem(mark.message, at, mark.hint) if source else Problem(mark.message, at, mark.hint)


# ---------------------------------------------------------------- exceptions


@dataclass(slots=True)
class _Exception:
    """A comment that allows a finding."""

    rule: str
    at: Position
    lines: frozenset[int]
    used: bool = False


def _excepted(
    found: Mapping[tuple[Rule, Problem], None], views: Mapping[str, FileView]
) -> tuple[list[tuple[Rule, Problem]], list[tuple[Rule, Problem]]]:
    """The findings that no comment allows, and the comments that allow nothing."""
    known = {view.path: list(_exceptions(view)) for view in views.values()}
    left = []
    for rule, problem in found:
        at = problem.position
        allows = [
            one
            for one in (known.get(at.file, ()) if at is not None and rule is not LOAD_FAILURE else ())
            if one.rule == rule.name and at is not None and at.line in one.lines
        ]
        for one in allows:
            one.used = True
        if not allows:
            left.append((rule, problem))
    sources = {view.path: view.file.source for view in views.values()}
    unused = [
        (UNUSED_EXCEPTION, sources[one.at.file].problem(*_nothing(one.rule, one.at)))
        for exceptions in known.values()
        for one in exceptions
        if not one.used
    ]
    return left, unused


def _nothing(rule: str, at: Position) -> tuple[str, Position, str]:
    if rule in BY_NAME:
        return f"There is nothing that '{rule}' would find here", at, "Remove the exception."
    return f"There is no rule '{rule}'", at, nearest(rule, BY_NAME) or "'runbook lint --rules' lists them."


def _exceptions(view: FileView) -> Iterator[_Exception]:
    lines = view.file.source.lines
    firsts = {task.position.line: task.lines for task in view.tasks}
    for number, line in enumerate(lines, 1):
        if "lint" not in line and "noqa" not in line:
            continue
        found = _EXCEPTION.search(line)
        if found is None:
            continue
        alone = not line[: found.start()].strip()
        covers = {
            number,
            *(firsts.get(number, ())),
            *((number + 1, *firsts.get(number + 1, ())) if alone else ()),
        }
        for name in re.split(r"[\s,]+", found[2].strip()):
            # ansible-lint's own names are none of ours, and no mistake either.
            if name in BY_NAME or (
                found[1] == "lint" and name and line[found.start() :].startswith("# lint:")
            ):
                at = view.file.source.position(number, found.start() + 1)
                yield _Exception(name, at, frozenset(covers))


__all__ = ["Config", "Finding", "lint"]
