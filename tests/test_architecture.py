"""The house: which room may look into which, read from the imports themselves (docs/architecture.md draws it)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("__init__", "errors"),
    ("values",),
    ("model", "module_names"),
    (
        "events",
        "called",
        "ending",
        "contract*",
        "plain",
        "planned",
        "secret_names",
        "identity",
        "source",
        "style",
        "prose",
        "vault*",
        "state_key",
        "sealing",
    ),
    ("template*", "secrets", "filters*", "jinja_tests", "versions", "passwords", "lookups*", "plugins"),
    ("scope", "written"),
    ("params*", "manual", "foreign_modules", "registry*"),
    ("yaml*", "keyword*", "varfiles"),
    ("loader*", "role_files"),
    ("patterns", "inventory*"),
    ("journal*", "begun", "resume", "run_names"),
    ("diff*",),
    (
        "writers",
        "acts",
        "undo_plan",
        "tags",
        "start_at",
        "options",
        "walk",
        "effects",
        "doubts",
        "open_intents",
        "context",
        "lookup_clients",
        "sandbox_start",
        "targets",
        "places",
        "playbook_files",
        "preflight",
        "credentials_end",
        "host_facts",
        "role_vars",
        "search_path",
        "variables",
        "vars_files",
        "task_names",
        "failed_task",
        "include_vars",
        "handlers",
        "includes",
        "attempt",
        "async_steps",
        "background",
        "lasting",
        "late_arguments",
        "late_module",
        "throttle",
        "invoke",
        "job",
        "judge",
        "loops",
        "outcomes",
        "step",
        "plan_book",
        "plan_file",
        "plan_keeper",
        "plan_values",
        "promise",
        "shown_first",
    ),
    (
        "roster",
        "generated",
        "looking",
        "drift",
        "moved",
        "plan_run",
        "plan_document",
        "prompts",
        "questions",
        "stepping",
        "run_choice",
        "edits",
        "recall",
        "reread",
        "custom_stats",
        "tallies",
        "left_over",
        "run_end",
        "scheduler",
        "run_once",
        "rounds",
        "batches",
        "meta_words",
        "playrun",
        "runner",
    ),
    ("report*", "lint*", "schema", "playbook_list", "module_list", "runs_list", "show*"),
    ("assembly", "cli*", "undo_run", "__main__"),
)
"""The floors of the engine, the lowest first. A file imports from its own floor and from those below."""

OPEN_TO_MODULES = {"contract", "errors", "model", "values"}

HEAVY = {"boto3", "botocore", "valkey", "moto", "rich", "asyncio", "pydantic"}
"""What the engine never imports."""


def engine_files() -> list[Path]:
    return sorted((ROOT / "engine").glob("*.py"))


def floor_of(name: str) -> int:
    exact = [n for n, floor in enumerate(FLOORS) if name in floor]
    if exact:
        return exact[0]
    prefixes = [
        (len(entry), n) for n, floor in enumerate(FLOORS) for entry in floor
        if entry.endswith("*") and name.startswith(entry[:-1])
    ]  # fmt: skip
    assert prefixes, f"engine/{name}.py stands on no floor: add it to FLOORS"
    return max(prefixes)[1]


def imports_when_loaded(path: Path) -> Iterator[tuple[str, int]]:
    """Those that stand at the top of the file: one in a function is for the machines that reach it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, `.x` for a neighbour, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield (node.module or "", node.lineno)
            elif node.module:
                yield ("." + node.module, node.lineno)
            else:
                yield from (("." + alias.name, node.lineno) for alias in node.names)


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: p.stem)
def test_the_engines_doors_lead_down_only(path: Path) -> None:
    mine = floor_of(path.stem)
    for name, line in imports(path):
        if not name.startswith("."):
            continue
        neighbour = name[1:].split(".")[0]
        if not (ROOT / "engine" / f"{neighbour}.py").exists():
            continue  # a name of the package itself
        assert floor_of(neighbour) <= mine, f"{path.name}:{line} looks up to {neighbour}"


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: p.stem)
def test_the_engine_knows_no_service_and_no_other_room(path: Path) -> None:
    for name, line in imports(path):
        top = name.split(".")[0]
        assert top not in HEAVY, f"{path.name}:{line} imports {name}"
        assert not name.startswith(("runbook", "engine", "modules", "sandbox")), f"{path.name}:{line}: {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "modules").glob("*.py")), ids=lambda p: p.stem)
def test_modules_see_the_contract_only(path: Path) -> None:
    for name, line in imports(path):
        top, _, rest = name.partition(".")
        if top == "runbook":
            assert rest.split(".")[0] in OPEN_TO_MODULES, f"{path.name}:{line} imports {name}"
        assert top not in ("engine", "modules", "sandbox"), f"{path.name}:{line} imports {name}"
        if top in ("boto3", "botocore"):
            assert path.stem in ("_aws", "_aws_identity"), f"{path.name}:{line}: only _aws.py imports {top}"
        if top == "valkey":
            assert path.stem == "_valkey", f"{path.name}:{line}: only _valkey.py imports {top}"
        if name.startswith("."):
            assert name.startswith("._"), f"{path.name}:{line} imports a module"


@pytest.mark.parametrize("path", sorted((ROOT / "sandbox").glob("*.py")), ids=lambda p: p.stem)
def test_the_sandbox_is_reached_as_aws_is(path: Path) -> None:
    for name, line in imports(path):
        top = name.split(".")[0]
        assert top not in ("runbook", "engine", "modules"), f"{path.name}:{line} imports {name}"


def test_rooms_are_flat_and_packaged() -> None:
    for room in ("engine", "modules", "sandbox"):
        folders = [p for p in (ROOT / room).iterdir() if p.is_dir() and p.name != "__pycache__"]
        assert not folders, f"{room}/ has folders, which the package lacks: {folders}"


def test_nothing_posix_only_is_imported_outside_the_sandbox() -> None:
    posix = {"fcntl", "pwd", "grp", "termios", "tty", "pty", "resource", "posix", "syslog"}
    for room in ("engine", "modules"):
        for path in (ROOT / room).glob("*.py"):
            for name, line in imports_when_loaded(path):
                assert name.split(".")[0] not in posix, f"{path.name}:{line} imports {name}"


def test_starting_imports_nothing_heavy() -> None:
    code = "import runbook.cli, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, *HEAVY, "jinja2", "sqlite3"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
