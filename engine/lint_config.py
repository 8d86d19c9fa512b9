"""`.runbook-lint.yml`: which rules are asked, of which files, and how bad what they find is."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import nearest
from .lint_rule import SEVERITIES, Rule, Severity
from .yamlfile import Entry, YamlFile, read_yaml, settle

DEFAULT = Path(".runbook-lint.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the operator wants of the linter."""

    skip: frozenset[str] = frozenset()
    enable: frozenset[str] = frozenset()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    def asks(self, rule: Rule) -> bool:
        return rule.name not in self.skip and (not rule.optional or rule.name in self.enable)

    def severity_of(self, rule: Rule) -> Severity:
        return self.severity.get(rule.name, rule.severity)

    def reads(self, path: Path) -> bool:
        return not any(
            fnmatch.fnmatch(path.as_posix(), pattern) or pattern.rstrip("/") in map(str, path.parents)
            for pattern in self.exclude
        )


def read_config(path: Path, rules: Collection[str]) -> Config:
    """The configuration in a file. Raises LoadError with all that is wrong with it."""
    file = read_yaml(str(path))
    skip: frozenset[str] = frozenset()
    enable: frozenset[str] = frozenset()
    severity: dict[str, Severity] = {}
    exclude: tuple[str, ...] = ()
    for entry in file.entries(file.root, "The configuration"):
        if entry.key == "skip":
            skip = _rules(file, entry, rules)
        elif entry.key == "enable":
            enable = _rules(file, entry, rules)
        elif entry.key == "exclude":
            exclude = tuple(map(str, _texts(file, entry)))
        elif entry.key == "severity":
            severity = _severities(file, entry, rules)
        else:
            known = ("skip", "enable", "severity", "exclude")
            hint = nearest(entry.key, known) or "It takes: " + ", ".join(known)
            file.problem(f"The configuration has no '{entry.key}'", entry.position, hint)
    settle([file])
    return Config(skip=skip, enable=enable, severity=severity, exclude=exclude)


def _texts(file: YamlFile, entry: Entry) -> list[str]:
    value = file.value(entry.node)
    found = value if isinstance(value, list) else [value]
    if all(isinstance(one, str) for one in found):
        return found
    file.problem(f"'{entry.key}' takes a list of texts", entry.node)
    return []


def _rules(file: YamlFile, entry: Entry, rules: Collection[str]) -> frozenset[str]:
    found = _texts(file, entry)
    for name in found:
        if name not in rules:
            file.problem(f"There is no rule '{name}'", entry.node, nearest(name, rules) or _LISTED)
    return frozenset(found)


def _severities(file: YamlFile, entry: Entry, rules: Collection[str]) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for inner in file.entries(entry.node, "'severity'"):
        value = file.value(inner.node)
        if inner.key not in rules:
            file.problem(
                f"There is no rule '{inner.key}'", inner.position, nearest(inner.key, rules) or _LISTED
            )
        elif value not in SEVERITIES:
            file.problem(
                f"A severity is one of: {', '.join(SEVERITIES)}", inner.node, nearest(str(value), SEVERITIES)
            )
        else:
            found[inner.key] = value
    return found


_LISTED = "'runbook lint --rules' lists them."
