"""All rules of `runbook lint`, and the page that describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import lint_rules_names, lint_rules_tasks, lint_rules_text
from .lint_rule import Rule, Rules

_TOLD = Rules()

SYNTAX = _TOLD.told(
    "syntax",
    "error",
    """The file is no YAML.

    Nothing of what stands around such a place is known. The message says what was expected there.
    """,
)
LOAD_FAILURE = _TOLD.told(
    "load-failure",
    "error",
    """The playbook can't be played as it is written.

    Unknown keywords and modules, values of the wrong kind, files that are missing, handlers that are notified and
    not there: what `runbook play` refuses before it runs anything. No comment allows it.
    """,
)
JINJA = _TOLD.told(
    "jinja",
    "error",
    """A template is wrong: its syntax, or the name of a filter or a test.""",
)
ARGUMENTS = _TOLD.told(
    "arguments",
    "error",
    """The arguments of a module are wrong: unknown ones, missing ones, values that can't be.

    `runbook doc MODULE` tells what it takes.
    """,
)
DEPRECATED = _TOLD.told(
    "deprecated",
    "warning",
    """It works, and is hardly meant, or no longer written that way.

    Braces in `when` and other expressions, equal keys in one mapping (the last one counts), keys that are
    templates, arguments and keywords that have no effect.
    """,
)
UNUSED_EXCEPTION = _TOLD.told(
    "unused-exception",
    "warning",
    """A comment allows something that is not there.

    `# lint: RULE` and `# noqa: RULE` allow a finding of that rule in their line, in the line below when they stand
    alone, or in the whole task when they stand in its first line. Remove those that allow nothing. After `noqa`,
    names of other linters are passed over.
    """,
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *_TOLD.all, *lint_rules_tasks.RULES.all, *lint_rules_text.RULES.all, *lint_rules_names.RULES.all,
        ),
        key=lambda rule: rule.name,
    )
)  # fmt: skip

BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}


def page() -> str:
    """`docs/lint.md`: written from the rules themselves."""
    return _HEAD + "\n".join(line for rule in RULES for line in _section(rule))


def _section(rule: Rule) -> Iterator[str]:
    optional = ", only when it is enabled" if rule.optional else ""
    yield f"\n### {rule.name}\n*{rule.severity}{optional}*. {rule.title}"
    if rule.body:
        yield f"\n{rule.body}"


_HEAD = """# runbook lint

`runbook lint [PATHS]` reads playbooks, files of tasks and of variables, and roles, and tells what is wrong with
them and what should be written otherwise. Without PATHS it reads the current folder. It exits with 1 where there
are findings, 0 where there are none. `--rules` lists the rules; `--format github` makes notes in a pull request,
`--format json` is for programs.

## What is left out
A comment allows one finding: `# lint: RULE` (several with commas), or `# noqa: RULE`, in the line of the finding,
in a line of its own above it, or in the first line of the task. `.runbook-lint.yml` in the current folder, or the
file that `--config` names, is for all of them:

```yaml
skip: [name-task]             # rules that are not asked
enable: [name-capital]        # optional rules that are
severity: {with-loop: error}  # error, warning or info
exclude: [playbooks/old/*]    # files that are not read
```

## Rules
<!-- Written from the rules' own texts: GOLDEN=write pytest tests/engine/test_lint.py -->
"""
