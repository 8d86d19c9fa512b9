"""Runs that are cut off after any end of a step and go on: what the later tasks see must not show it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from runbook.errors import JournalError
from runbook.events import StepFinished
from runbook.journal import EffectDone, EffectIntent, Record, StepDone
from runbook.journal_sqlite import SqliteJournal
from runbook.values import Secret

from tests.support.plays import Folder, Played

PASSING = frozenset({"start", "end", "delta", "attempts"})
"""Fields of results that tell a time, or how often it took."""


class CutJournal(SqliteJournal):
    """Ends the run in place of the next record after `most` steps have ended. What is under way comes to its end,
    and nothing more is begun: nothing is to be in doubt here."""

    def __init__(self, path: Path, *, most: int, **how: Any) -> None:
        super().__init__(path, **how)
        self._most = most
        self._over = False
        self._under_way: set[tuple[str, str]] = set()
        self._guard = threading.Condition()

    def append(self, record: Record) -> None:
        if isinstance(record, StepDone) and not record.step.startswith("vars_prompt"):
            if self._most == 0:
                with self._guard:
                    self._over = True
                    self._guard.wait_for(lambda: not self._under_way, timeout=20)
                raise JournalError("cut off here")
            self._most -= 1
        super().append(record)

    def commit(self, record: Record) -> None:
        if isinstance(record, EffectIntent):
            with self._guard:
                if self._over:
                    raise JournalError("cut off here")
                self._under_way.add((record.step, record.key))
        super().commit(record)
        if isinstance(record, EffectDone):
            with self._guard:
                self._under_way.discard((record.step, record.key))
                self._guard.notify_all()


def told(played: Played, folder: Path) -> dict[tuple[str, str, int], tuple[str, Any]]:
    """How each step ended, by host, task and how often it had ended there before."""
    found: dict[tuple[str, str, int], tuple[str, Any]] = {}
    for step in played.of(StepFinished):
        number = sum(key[:2] == (step.host, step.task) for key in found)
        found[step.host, step.task, number] = (
            str(step.outcome.status),
            _lasting(step.outcome.result, str(folder)),
        )
    return found


def _lasting(value: Any, folder: str) -> Any:
    value = Secret.reveal(value)
    if isinstance(value, Mapping):
        return {name: _lasting(item, folder) for name, item in value.items() if name not in PASSING}
    if isinstance(value, list | tuple):
        return [_lasting(item, folder) for item in value]
    return value.replace(folder, "") if isinstance(value, str) else value


def _differences(now: Mapping[Any, Any], expected: Mapping[Any, Any]) -> dict[Any, Any]:
    keys = [*expected, *(key for key in now if key not in expected)]
    return {key: (now.get(key), expected.get(key)) for key in keys if now.get(key) != expected.get(key)}


def same_at_every_cut(folder: Folder, text: str, **options: Any) -> Played:
    """Play it undisturbed, then cut off after each step in turn and resumed; returns the undisturbed run."""
    whole = _at(folder, "whole").play(text, **options)
    expected, marks = told(whole, folder.path / "whole"), _marks(folder.path / "whole")
    steps = len(_records(folder.path / "whole"))
    assert steps > 1
    for most in range(steps):
        where = _at(folder, f"cut{most}")
        first = where.play(text, journal=partial(CutJournal, where.state, most=most), **options)
        assert first.code == 4, f"it was not cut off after {most}"
        again = where.play(text, **options)
        assert again.started.resumed
        differ = _differences(told(again, where.path), expected)
        assert not differ, f"cut off after {most} steps: {differ}"
        assert again.code == whole.code
        assert again.tasks == whole.tasks
        assert again.finished.stats == whole.finished.stats
        assert _marks(where.path) == marks, f"cut off after {most} steps"
    return whole


def _at(folder: Folder, name: str) -> Folder:
    """The same folder at another place, with nothing played in it yet."""
    here = folder.path / name
    here.mkdir()
    for file in folder.path.rglob("*"):
        inner = file.relative_to(folder.path)
        if file.is_file() and not inner.parts[0].startswith(("whole", "cut")):
            (here / inner).parent.mkdir(parents=True, exist_ok=True)
            (here / inner).write_bytes(file.read_bytes())
    inventory = str(here / Path(folder.inventory).name) if folder.inventory else ""
    return replace(folder, path=here, inventory=inventory)


def _records(folder: Path) -> list[StepDone]:
    from runbook.journal_reader import SqliteReader

    with SqliteReader(folder / "state.db") as reader:
        (run,) = reader.runs()
        records = list(reader.records(run.run))
    return [r for r in records if isinstance(r, StepDone) and not r.step.startswith("vars_prompt")]


def _marks(folder: Path) -> list[str]:
    file = folder / "marks"
    return sorted(file.read_text().split()) if file.exists() else []
