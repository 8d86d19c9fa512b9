"""Findings of `runbook lint` as text, as notes of a pull request, as JSON; and the list of rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from .lint import Finding
from .lint_rule import Rule
from .prose import visible


def as_text(findings: Sequence[Finding]) -> str:
    """For people: each finding with its line, then how many there are."""
    shown = [visible(str(_named(finding))) for finding in findings]
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return "\n\n".join([*shown, f"{count}." if findings else "No findings."])


def _named(finding: Finding) -> str:
    problem = finding.problem
    head = f"{finding.severity}[{finding.rule.name}]: "
    place = f"{problem.position}: " if problem.position else ""
    return place + head + str(problem).removeprefix(place)


def as_github(findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions, one line each."""
    return "\n".join(map(_command, findings))


def _command(finding: Finding) -> str:
    word = "notice" if finding.severity == "info" else finding.severity
    at = finding.position
    text = finding.problem.message + (f"\n{finding.problem.hint}" if finding.problem.hint else "")
    settings = f"file={_property(at.file)},line={at.line},col={at.column},title={finding.rule.name}"
    return f"::{word} {settings}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects with rule, severity, file, line, column, message, hint."""
    return json.dumps(
        [
            {
                "rule": one.rule.name,
                "severity": one.severity,
                "file": one.position.file,
                "line": one.position.line,
                "column": one.position.column,
                "message": one.problem.message,
                "hint": one.problem.hint,
            }
            for one in findings
        ],
        indent=2,
    )


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": as_text,
    "github": as_github,
    "json": as_json,
}


def listed(rules: Iterable[Rule]) -> str:
    """Each rule in one line."""
    known = list(rules)
    width = max(len(rule.name) for rule in known)
    return "\n".join(
        f"{rule.name.ljust(width)}  {rule.severity.ljust(7)}  {rule.title}{' (optional)' if rule.optional else ''}"
        for rule in known
    )
