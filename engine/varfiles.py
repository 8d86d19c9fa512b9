"""Files of variables: those that a play names, and the folders `group_vars` and `host_vars`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import Problem
from .keyword_values import read_vars
from .model import Value
from .values import Secret, Vaulted
from .vault import Vault, is_sealed
from .yamlfile import YamlFile, is_null, read_yaml, settle

_ENDINGS = ("", ".yml", ".yaml", ".json")


def load_vars(
    path: str, warn: Callable[[Problem], None] | None = None, *, vault: Vault | None = None
) -> Mapping[str, Value]:
    """The variables of a YAML or JSON file. `warn` is told what works and is hardly meant.

    Raises LoadError with all problems of the file.
    """
    file = read_yaml(path, vault or Vault())
    found = vars_of(file)
    settle([file], warn)
    return found


def vars_of(file: YamlFile) -> Mapping[str, Value]:
    """The variables of a file that was read; problems stay with the file.

    All values of an encrypted file are secret; one that nobody opened (`lint` has no password) holds none.
    """
    if file.root is None or is_null(file.root) or is_sealed(file.source.text):
        return {}
    found = read_vars(file, file.root, "A file of variables", lenient=True)
    return sealed_values(found, file.path) if file.source.sealed else found


def sealed_values(values: Mapping[str, Value], path: str) -> dict[str, Value]:
    """Variables of an encrypted file, their values in boxes."""
    origin = f"vault {path}"
    return {name: _boxed(value, origin) for name, value in values.items()}


def _boxed(value: Value, origin: str) -> Value:
    if isinstance(value, dict):
        return {key: _boxed(item, origin) for key, item in value.items()}
    if isinstance(value, list):
        return [_boxed(item, origin) for item in value]
    return value if value is None or isinstance(value, bool | Vaulted) else Secret(value, origin)


class VarFolder:
    """A folder such as `group_vars`: a file or a folder of files for each name.

    The folder is listed once; a file is read when its name is asked for.
    """

    def __init__(self, folder: Path, vault: Vault | None = None) -> None:
        self._folder = folder
        self._vault = vault or Vault()
        self.warnings: list[Problem] = []
        try:
            self._names = frozenset(one.name for one in folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            self._names = frozenset()

    def __bool__(self) -> bool:
        return bool(self._names)

    def files(self, name: str) -> list[Path]:
        """The files for a group or a host. Of several with its name the first counts, as in Ansible: NAME, .yml,
        .yaml, .json."""
        found = [name + ending for ending in _ENDINGS if name + ending in self._names]
        if not found:
            return []
        for other in found[1:]:
            message = f"{self._folder / other} is not read: {self._folder / found[0]} stands for '{name}'"
            self.warnings.append(Problem(message, hint="Keep one, or put both into the folder."))
        path = self._folder / found[0]
        if not path.is_dir():
            return [path]
        inside = [p for p in path.rglob("*") if p.is_file() and p.suffix in _ENDINGS]
        return sorted(p for p in inside if not _hidden(p.relative_to(path)))

    def read(self, name: str, files: list[YamlFile]) -> dict[str, Value]:
        """The variables for a group or a host; what was read is added to `files`."""
        merged: dict[str, Value] = {}
        for path in self.files(name):
            file = read_yaml(str(path), self._vault)
            files.append(file)
            merged.update(vars_of(file))
        return merged


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith("~") for part in path.parts)
