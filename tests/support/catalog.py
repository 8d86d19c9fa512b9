"""A handful of modules as the loader sees them, so that its tests need no module at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from runbook.errors import Position, Problem, nearest
from runbook.model import Value

MODULES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "debug": (None, ("msg", "var")),
    "shell": ("cmd", ("cmd", "chdir", "creates")),
    "command": ("cmd", ("cmd", "argv", "chdir", "creates")),
    "fail": (None, ("msg",)),
    "meta": ("word", ("word",)),
    "include_tasks": ("file", ("file",)),
    "copy": (None, ("src", "dest", "content", "mode")),
}


class SmallCatalog:
    """Satisfies `runbook.loader.Catalog`."""

    def names(self) -> Collection[str]:
        return MODULES.keys()

    def has(self, name: str) -> bool:
        return name in MODULES

    def asks_aws(self, module: str) -> bool:
        return module == "shell"

    def bring(self, folder: Path) -> None:
        """It knows what it knows."""

    def free_form(self, module: str) -> str | None:
        return MODULES[module][0]

    def check(
        self, module: str, args: Mapping[str, Value], positions: Mapping[str, Position], at: Position
    ) -> list[Problem]:
        if module not in MODULES:
            return [Problem(f"There is no module '{module}'", at, nearest(module, MODULES))]
        known = MODULES[module][1]
        return [
            Problem(f"'{module}' takes no '{name}'", positions[name], nearest(name, known))
            for name in args
            if name not in known
        ]
