"""A small playbook on this machine, each of whose effects can be counted."""

from __future__ import annotations

import ast
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.crash.driver import Driver
from tests.crash.state import read, without_clocks

LIBRARY = Path(__file__).parent / "library"

TASKS: list[dict[str, Any]] = [
    {"name": "mark 1", "mark": {"file": "log", "text": "1"}, "register": "first"},
    {"name": "marks", "mark": {"file": "log", "text": "2 {{ item }}"}, "loop": ["a", "b"], "register": "two"},
    {"name": "write", "copy": {"dest": "copied", "content": "{{ first.lines }}"}, "notify": "handle"},
    {"name": "line", "lineinfile": {"path": "copied", "line": "2 b: {{ two.results[1].lines }}"}},
    {"name": "mark 3", "mark": {"file": "log", "text": "3"}},
    {"name": "told", "debug": {"msg": ["{{ first }}", "{{ two }}"]}},
]
HANDLERS = [{"name": "handle", "mark": {"file": "log", "text": "handled"}}]

MARKS = ["1", "2 a", "2 b", "3", "handled"]
"""What stands in `log` in the end."""


@dataclass(frozen=True)
class Desk:
    """A folder with `site.yml`, in which processes play."""

    driver: Driver
    folder: Path

    @classmethod
    def with_playbook(cls, driver: Driver, folder: Path, tasks: list[dict[str, Any]] | None = None) -> Desk:
        """A fresh folder; without `tasks`, those above."""
        folder.mkdir(exist_ok=True)
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks or TASKS, "handlers": HANDLERS}
        (folder / "site.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        shutil.copytree(LIBRARY, folder / "library")
        return cls(driver, folder)

    @property
    def state(self) -> Path:
        return self.folder / "state.db"

    @property
    def log(self) -> Path:
        """The state file's write-ahead log."""
        return self.folder / "state.db-wal"

    def run(self, *words: str, **more: Any) -> int:
        """`runbook` with this folder's state file: its exit code. `more`: as `Driver.play` takes it."""
        return self.driver.play(
            [*words, "--state", "state.db"],
            folder=self.folder,
            environment={**os.environ, "HOME": str(self.folder)},
            output=self.folder.with_name(f"{self.folder.name}.output"),
            kinds=("journal",),
            **more,
        )

    def play(self, **more: Any) -> int:
        return self.run("play", "site.yml", **more)

    def told(self) -> str:
        """What the last process printed."""
        return self.folder.with_name(f"{self.folder.name}.output").read_text()

    def copied(self) -> str:
        """The file that `copy` and `lineinfile` write."""
        return (self.folder / "copied").read_text()

    def results(self) -> Any:
        """What the run's steps came to."""
        text = repr(without_clocks(read(self.state).results()))
        return ast.literal_eval(text.replace(str(self.folder), "FOLDER"))

    def marks(self) -> list[str]:
        """The texts of the effects that happened, in their order."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.partition("|")[0] for line in lines]
