"""`runbook lint` put together from what the command line says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .lint import lint
from .lint_config import DEFAULT, Config, read_config
from .lint_report import FORMATS, listed
from .lint_rules import BY_NAME, RULES
from .registry import Registry


def run(paths: Sequence[str], form: str, config: Path | None) -> tuple[str, bool]:
    """What is found, in the form that was asked for, and whether that is nothing. Raises LoadError."""
    file = config or (DEFAULT if DEFAULT.is_file() else None)
    wanted = read_config(file, BY_NAME) if file is not None else Config()
    folders = [Path(path) if Path(path).is_dir() else Path(path).parent for path in paths]
    libraries = dict.fromkeys(
        folder / name for folder in folders for name in ("library", "playbooks/library")
    )
    findings = lint(paths, Registry(list(libraries)), wanted)
    return FORMATS[form](findings), not findings


def rules() -> str:
    """The rules, one a line."""
    return listed(RULES)
