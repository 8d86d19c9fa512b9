"""What a module's file says, looked at before it is run: a program would do its work while it is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .errors import ContractError

_FOREIGN = "ansible"
_INSTEAD = (
    "Write it for runbook (`runbook doc` has examples), or call it as a program with 'command' or 'script'."
)


def check_text(name: str, path: Path) -> None:
    """Raises ContractError for a module that was written for Ansible, and for a file without the module's class."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError):
        return  # importing it says what is wrong
    if any(imported.partition(".")[0] == _FOREIGN for imported in _imports(tree)):
        message = f"The module '{name}' ({path}) is written for Ansible's own program, which is not used here"
        raise ContractError(message, hint=_INSTEAD)
    if not any(names_class(made, name) for made in _names(tree)):
        camel = "".join(part.capitalize() for part in name.split("_"))
        raise ContractError(f"The module '{name}' ({path}) has no class {camel}", hint=_INSTEAD)


def names_class(word: str, module: str) -> bool:
    """Whether a class of that name is the one of the module: the file's name in CamelCase."""
    return word.lower() == module.replace("_", "").lower()


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def _names(tree: ast.Module) -> Iterator[str]:
    """Names that the file gives to anything at its top level, in what way ever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
