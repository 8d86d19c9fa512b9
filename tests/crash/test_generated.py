"""Any small playbook, killed anywhere, ends as if nothing had happened."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.crash.driver import KILLED, Driver
from tests.crash.generated import Generated, playbooks
from tests.crash.state import differences, read, without_clocks

FULL = os.environ.get("RUNBOOK_CRASH") == "full"
EXAMPLES = int(os.environ.get("RUNBOOK_CRASH_EXAMPLES") or (300 if FULL else 12))

MOST_TRIES = 4
LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True)
class Left:
    """What is left of a run."""

    code: int
    files: Mapping[str, Any]
    results: Mapping[str, Any]


class Book:
    """A generated playbook that is played in folders of its own."""

    def __init__(self, driver: Driver, playbook: Generated, base: Path) -> None:
        self._driver = driver
        self._playbook = playbook
        self._base = base
        self._numbers = itertools.count()

    def undisturbed(self) -> tuple[int, Left]:
        """How many points it passes, and what is left."""
        folder = self._fresh()
        code = self._play(folder, tell=folder.parent / "points")
        return len((folder.parent / "points").read_text().splitlines()), self._left(folder, code)

    def killed(self, *deaths: int) -> Left:
        """Killed at these points, each in the process that goes on with the one before."""
        folder = self._fresh()
        code = KILLED
        for death in (*deaths, *[None] * MOST_TRIES):
            if code == 0 or read(folder / "state.db").finished:  # killed after it was done: nothing is left
                return self._left(folder, 0)
            code = self._play(folder, death=death)
        return self._left(folder, code)

    def _fresh(self) -> Path:
        """All runs have the same path, which stands in results."""
        folder = self._base / "played"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._playbook.write(folder)
        shutil.copytree(LIBRARY, folder / "library")
        return folder

    def _play(self, folder: Path, *, tell: Path | None = None, death: int | None = None) -> int:
        return self._driver.play(
            ["play", "site.yml", "-i", "hosts.yml", "--state", "state.db"],
            folder=folder,
            environment={**os.environ, "HOME": str(self._base)},
            output=self._base / "output",
            kinds=("journal", "program", "file"),
            tell=tell,
            death=death,
        )

    def _left(self, folder: Path, code: int) -> Left:
        if code:
            note((self._base / "output").read_text())
        told = read(folder / "state.db")
        assert told.repeated == ()
        return Left(code, dict(_files(folder)), without_clocks(told.results()))


def _files(folder: Path) -> Iterator[tuple[str, Any]]:
    """What the run made. Lines of `mark` in the order in which each text came."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("state.db") and path.suffix != ".yml":
            yield path.name, path.read_text() if "log" not in path.name else _marks(path.read_text())


def _marks(text: str) -> list[str]:
    return [line.partition("|")[0] for line in text.splitlines()]


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as made:
        yield made


@pytest.mark.timeout(25 * EXAMPLES)
@settings(
    max_examples=EXAMPLES,
    derandomize=not FULL,
    print_blob=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(playbook=playbooks(), moments=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_playbook_that_is_killed_ends_as_if_nothing_had_happened(
    driver: Driver, tmp_path_factory: pytest.TempPathFactory, playbook: Generated, moments: list[float]
) -> None:
    book = Book(driver, playbook, tmp_path_factory.mktemp("book"))
    points, undisturbed = book.undisturbed()
    assert undisturbed.code == 0
    first, second, *more = (1 + int(moment * (points - 1)) for moment in moments)
    for deaths in ((first,), (second,), more):
        left = book.killed(*deaths)
        found = [*differences(undisturbed.files, left.files), *differences(undisturbed.results, left.results)]
        assert (left.code, found) == (0, []), f"killed at {deaths} of {points} points"
